"""How does one WebSocket carry text?

Touches the network through picows. It follows no redirect, reads no proxy from the environment,
and speaks to the one URL it was made for. picows has no permessage-deflate, so none is asked for.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable

import structlog
from picows import (
    WSError,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    ws_connect,
)

_LOG = structlog.get_logger()
_CONNECT_TIMEOUT_S = 10.0
_MESSAGE_BYTES_MAX = 4 << 20
# More than this not yet taken by the system, and what is written next would leave late.
_UNSENT_BYTES_MAX = 64 << 10
# A connection that is done for is given this long to hand over what was written.
_CLOSE_S = 1.0
# What picows has to say comes as results and calls; its own lines say no more.
_PICOWS_LOG = logging.getLogger("picows.okx")
_PICOWS_LOG.setLevel(logging.CRITICAL)


class ConnectFailedError(Exception):
    """There is no connection, and nothing was sent over it."""


class PicowsSocket(WSListener):
    """One connection; made by `connect`.

    `on_text` is called with each whole message, and `on_closed`, once, when the connection is gone:
    with the code of OKX's close, or None where it went without one.
    """

    def __init__(
        self, on_text: Callable[[bytes], None], on_closed: Callable[[int | None], None]
    ) -> None:
        self._on_text = on_text
        self._on_closed = on_closed
        self._transport: WSTransport | None = None
        self._parts: list[bytes] = []
        self._parts_bytes = 0
        self._close_code: int | None = None
        self._gone = False
        self._ended: asyncio.Task[None] | None = None

    @property
    def was_made(self) -> bool:
        """Whether there ever was a connection."""
        return self._transport is not None

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._transport is not None and not self._gone

    def send(self, text: str) -> bool:
        """Hand `text` to the system at once, or not at all; whether that was done."""
        transport = self._transport
        if transport is None or self._gone or transport.is_close_frame_sent:
            return False
        if transport.underlying_transport.get_write_buffer_size() > _UNSENT_BYTES_MAX:
            return False
        transport.send(WSMsgType.TEXT, text)
        return True

    def close(self) -> None:
        """End the connection, whether or not OKX answers."""
        if self._transport is None or self._gone:
            return
        self._transport.send_close()
        self._transport.disconnect()
        # A peer that takes nothing any more would keep it open for as long as the system tries.
        asyncio.get_running_loop().call_later(_CLOSE_S, self._transport.disconnect, False)

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Take the connection over; called by picows."""
        self._transport = transport
        self._ended = asyncio.ensure_future(_ended(transport))

    def on_ws_frame(self, _transport: WSTransport, frame: WSFrame) -> None:
        """Take a frame; called by picows, which answers pings by itself."""
        if frame.msg_type is WSMsgType.TEXT and frame.fin:
            self._tell(frame.get_payload_as_bytes())
        elif frame.msg_type in (WSMsgType.TEXT, WSMsgType.CONTINUATION):
            self._collect(frame)
        elif frame.msg_type is WSMsgType.CLOSE:
            payload = frame.get_payload_as_bytes()
            # Read from the bytes: picows knows no codes but the standard's.
            self._close_code = int.from_bytes(payload[:2], "big") if len(payload) > 1 else None
            self.close()

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        """Learn that the connection is gone; called by picows."""
        self._gone = True
        try:
            self._on_closed(self._close_code)
        except Exception:  # noqa: BLE001  # picows would end more than this
            _LOG.exception("the end of a socket was not taken")

    def _collect(self, frame: WSFrame) -> None:
        part = frame.get_payload_as_bytes()
        self._parts.append(part)
        self._parts_bytes += len(part)
        if self._parts_bytes > _MESSAGE_BYTES_MAX:
            self.close()
        elif frame.fin:
            message = b"".join(self._parts)
            self._parts.clear()
            self._parts_bytes = 0
            self._tell(message)

    def _tell(self, message: bytes) -> None:
        try:
            self._on_text(message)
        except Exception:  # noqa: BLE001  # whatever it is, a message is lost
            # What was in it is lost, and only a new connection makes that known to its listeners.
            _LOG.exception("a message of a socket was not taken")
            self.close()


async def _ended(transport: WSTransport) -> None:
    # picows keeps what ended a connection for whoever asks, and asyncio complains if nobody does.
    with contextlib.suppress(Exception):
        await transport.wait_disconnected()


async def connect(
    url: str,
    *,
    tls: ssl.SSLContext | None,
    on_text: Callable[[bytes], None],
    on_closed: Callable[[int | None], None],
) -> PicowsSocket:
    """Open a connection to `url`.

    Raises:
        ConnectFailedError: There is none.
    """
    listener = PicowsSocket(on_text, on_closed)
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            await ws_connect(
                lambda: listener,
                url,
                ssl_context=tls,
                logger_name=_PICOWS_LOG,
                max_frame_size=_MESSAGE_BYTES_MAX,
                max_redirects=0,
                use_aiofastnet=False,
                extra_headers={"User-Agent": "okx-gateway"},
            )
    except (WSError, OSError, TimeoutError) as error:
        raise ConnectFailedError(type(error).__name__) from error
    if not listener.was_made:
        # picows also returns a connection that was lost within the handshake.
        raise ConnectFailedError("lost while it was made")
    return listener
