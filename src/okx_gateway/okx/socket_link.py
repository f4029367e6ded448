"""What is one connection together with its conversation?

Joins a session, which decides, and a socket, which carries; keeps the operations that wait for
their answers, and lets time pass for the session.
"""

import asyncio
import secrets
import ssl
import time
from collections.abc import Callable, Sequence

import structlog

from okx_gateway.okx.close_code import Reaction, reaction_to_close, reaction_to_login
from okx_gateway.okx.picows_socket import PicowsSocket, connect
from okx_gateway.okx.reply import RawReply, Row
from okx_gateway.okx.rest_client import ReplyLostError, RequestNotSentError
from okx_gateway.okx.socket_event import (
    Answered,
    Dead,
    Leaving,
    LoginRefused,
    Ready,
    SocketEvent,
)
from okx_gateway.okx.socket_session import SocketSession

_LOG = structlog.get_logger()
_TICK_S = 0.25
_RETIRE_S = 5.0
_WAITING_MAX = 1_000
_OK = 200


class SocketLink:
    """One connection, made by `open_link`; `on_event` is told what is about channels.

    `turn` is set whenever whoever holds it should look again: it ended, is `leaving`, or may be
    spoken over.
    """

    def __init__(
        self, login: str | None, on_event: Callable[["SocketLink", SocketEvent], None]
    ) -> None:
        # Also after a restart an id must be no other's, because OKX may answer late.
        prefix = secrets.token_hex(6)
        self.began_s = time.monotonic()
        self.session = SocketSession(prefix, now_s=self.began_s, login=login)
        self.turn = asyncio.Event()
        self.is_open = True
        self.leaving = ""
        self.reaction = Reaction.RECONNECT
        self.cause = ""
        # Whether all came that OKX had written: it said that it would close.
        self.is_whole = False
        self._on_event = on_event
        self._socket: PicowsSocket | None = None
        self._waiting: dict[str, asyncio.Future[tuple[bytes, float]]] = {}
        self._retiring = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_operable(self) -> bool:
        """Whether operations can be sent over it, and it is here to stay."""
        return self.is_open and self.session.ready and not self.leaving

    def flush(self) -> None:
        """Write what the session has to say."""
        if not self.is_open or self._socket is None:
            return
        for text in self.session.to_send(time.monotonic()):
            if not self._socket.send(text):
                self.end("it takes nothing")
                return

    async def operate(
        self,
        name: str,
        arguments: Sequence[Row],
        *,
        expiry_ms: int | None,
        write_before_s: float,
        timeout_s: float,
    ) -> RawReply:
        """Send one operation, once, and wait up to `timeout_s` for its answer.

        OKX drops it after `expiry_ms` of its clock, where it heeds that, and it is not written
        after `write_before_s` of our monotonic clock.

        Raises:
            RequestNotSentError: Nothing was sent.
            ReplyLostError: It may have been sent; there is no answer.
        """
        if not self.is_operable or self._socket is None:
            raise RequestNotSentError("the socket is not ready")
        if len(self._waiting) >= _WAITING_MAX:
            raise RequestNotSentError(f"{_WAITING_MAX} operations wait already")
        request_id, text = self.session.operation(name, arguments, expiry_ms=expiry_ms)
        sent_s = time.monotonic()
        if sent_s > write_before_s:
            raise RequestNotSentError("held up until its slot had passed", late=True)
        answer: asyncio.Future[tuple[bytes, float]] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = answer
        try:
            if not self._socket.send(text):
                raise RequestNotSentError("the socket takes nothing")
            async with asyncio.timeout(timeout_s):
                body, received_s = await answer
        except TimeoutError:
            raise ReplyLostError("no answer in time") from None
        finally:
            self._waiting.pop(request_id, None)
            self._end_if_retired()
        return RawReply(status=_OK, body=body, sent_s=sent_s, received_s=received_s)

    def retire(self) -> None:
        """End it once no operation waits any more, or in some seconds; events are not told."""
        self._retiring = True
        asyncio.get_running_loop().call_later(_RETIRE_S, self.end, "replaced")
        self._end_if_retired()

    def end(self, cause: str, *, reaction: Reaction = Reaction.RECONNECT) -> None:
        """End it; every operation without an answer may have been carried out."""
        if not self.is_open:
            return
        self.is_open = False
        self.cause, self.reaction = cause, reaction
        if self._timer is not None:
            self._timer.cancel()
        if self._socket is not None:
            self._socket.close()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ReplyLostError(f"the socket was lost: {cause}"))
        self.turn.set()

    def take_over(self, socket: PicowsSocket) -> None:
        """Speak over `socket` from now on."""
        self._socket = socket
        if not socket.is_open:
            self.end("lost as soon as it was made")
            return
        self._tick()

    def on_text(self, raw: bytes) -> None:
        """Take a message."""
        now_s = time.monotonic()
        events = self.session.received(raw, now_s=now_s, receive_ms=int(time.time() * 1000))
        for event in events:
            self._take(event, now_s)

    def on_closed(self, code: int | None) -> None:
        """Learn that OKX closed it with `code`, or that it was lost without one."""
        self.is_whole = code is not None
        cause = "lost" if code is None else f"closed with {code}"
        self.end(cause, reaction=reaction_to_close(code))

    def _tick(self) -> None:
        if not self.is_open:
            return
        self._timer = asyncio.get_running_loop().call_later(_TICK_S, self._tick)
        now_s = time.monotonic()
        for event in self.session.tick(now_s):
            self._take(event, now_s)
        self.flush()

    def _take(self, event: SocketEvent, now_s: float) -> None:
        match event:
            case Answered(request_id, body):
                answer = self._waiting.get(request_id)
                if answer is not None and not answer.done():
                    answer.set_result((body, now_s))
            case Ready():
                self.flush()
                self.turn.set()
            case LoginRefused(code):
                self.end(f"login refused with {code}", reaction=reaction_to_login(code))
            case Leaving(cause):
                _LOG.info("a socket is to be replaced", cause=cause)
                self.leaving = cause
                self.turn.set()
            case Dead(cause):
                self.end(cause)
            case _:
                if self.is_open and not self._retiring:
                    self._on_event(self, event)

    def _end_if_retired(self) -> None:
        if self._retiring and not self._waiting:
            self.end("replaced")


async def open_link(
    url: str,
    *,
    tls: ssl.SSLContext | None,
    login: str | None,
    on_event: Callable[[SocketLink, SocketEvent], None],
) -> SocketLink:
    """Connect to `url`, with `login` as the first thing to say.

    Raises:
        ConnectFailedError: There is no connection.
    """
    link = SocketLink(login, on_event)
    link.take_over(await connect(url, tls=tls, on_text=link.on_text, on_closed=link.on_closed))
    return link
