"""How does the gateway stay connected to OKX's WebSockets?

Holds one connection while any channel is wanted, makes it anew whenever it is lost, and replaces it
while it lasts where OKX announces its end: the successor is subscribed first, and no update is lost
or told twice. Never more connections are made than `wait_for_room` lets through.
"""

import asyncio
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog

from okx_gateway.domain.errors import AccountUnknownError, CredentialUnusableError, GatewayError
from okx_gateway.okx.channel import Channel, ChannelListener
from okx_gateway.okx.channel_listeners import ChannelListeners
from okx_gateway.okx.close_code import Reaction
from okx_gateway.okx.picows_socket import ConnectFailedError
from okx_gateway.okx.reply import RawReply, Row
from okx_gateway.okx.rest_client import RequestNotSentError
from okx_gateway.okx.socket_event import Lapsed, Pushed, Refused, SocketEvent, Subscribed
from okx_gateway.okx.socket_link import SocketLink, open_link
from okx_gateway.okx.socket_overlap import Overlap

_LOG = structlog.get_logger()
_FIRST_PAUSE_S = 0.4
_PAUSE_MAX_S = 20.0
# Where the next attempt will likely fail as this one did.
_SLOW_PAUSE_S = 30.0
# Wants that come together leave in one frame: OKX counts frames.
_GATHER_S = 0.05
_POLL_S = 0.01
# A successor that is not subscribed by then is given up.
_SUBSCRIBE_S = 15.0
_FENCE_S = 3.0
# How much longer one connection may take to bring an update than the other.
_SETTLE_S = 0.5
_ECHO_S = 5.0
_TOO_MANY_CHANNELS = "4009"


class ChannelSocket:
    """The channels of one URL, and of one account where `login` makes the frame that says who.

    `wait_for_room` waits until a connection may be made, which OKX counts by address; where it
    raises a GatewayError none is made, and it is asked again later. `on_trouble` is told of what
    somebody should look at. `stays_open` holds a connection also while no channel is wanted.
    """

    def __init__(
        self,
        url: str,
        *,
        tls: ssl.SSLContext | None = None,
        login: Callable[[], str] | None = None,
        wait_for_room: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0),
        on_trouble: Callable[[str], None] = lambda _cause: None,
        stays_open: bool = False,
    ) -> None:
        self._url = url
        self._tls = tls
        self._login = login
        self._wait_for_room = wait_for_room
        self._on_trouble = on_trouble
        self._stays_open = stays_open
        self._wanted = ChannelListeners()
        self._channels_max: int | None = None
        self._link: SocketLink | None = None
        self._next: SocketLink | None = None
        self._overlap: Overlap | None = None
        self._pause_s = _FIRST_PAUSE_S
        self._is_down = False
        self._changed = asyncio.Event()
        self._flushing: asyncio.TimerHandle | None = None

    @property
    def is_operable(self) -> bool:
        """Whether operations can be sent: connected, logged in, and not being replaced."""
        return self._link is not None and self._link.is_operable

    def want(self, channel: Channel, listener: ChannelListener) -> None:
        """Subscribe `channel` for `listener`, who is told of it from now on.

        Raises:
            ValueError: It is wanted already.
        """
        self._wanted.add(channel, listener)
        if self._channels_max is not None and len(self._wanted) > self._channels_max:
            refused = Refused(channel, _TOO_MANY_CHANNELS)
            asyncio.get_running_loop().call_soon(self._wanted.tell, refused)
            return
        link = self._next or self._link
        if link is not None:
            link.session.want(channel)
        elif self._is_down:
            asyncio.get_running_loop().call_soon(self._wanted.tell, Lapsed(channel))
        self._wake()

    def drop(self, channel: Channel) -> None:
        """End what `want` began; its listener is told nothing any more."""
        if not self._wanted.remove(channel):
            return
        for link in (self._link, self._next):
            if link is not None:
                link.session.drop(channel)
        if self._overlap is not None:
            self._overlap.drop(channel)
        self._wake()
        if not self._is_needed and self._link is not None:
            self._link.turn.set()

    async def operate(
        self,
        name: str,
        arguments: Sequence[Row],
        *,
        expiry_ms: int | None,
        write_before_s: float,
        timeout_s: float,
    ) -> RawReply:
        """Send one operation over the connection, once; see SocketLink.operate.

        Raises:
            RequestNotSentError: Nothing was sent.
            ReplyLostError: It may have been sent; there is no answer.
        """
        if self._link is None:
            raise RequestNotSentError("there is no socket")
        return await self._link.operate(
            name,
            arguments,
            expiry_ms=expiry_ms,
            write_before_s=write_before_s,
            timeout_s=timeout_s,
        )

    async def run(self) -> None:
        """Hold a connection for ever, while anything is wanted."""
        try:
            while True:
                while not self._is_needed:
                    self._changed.clear()
                    await self._changed.wait()
                link = await self._connect()
                if isinstance(link, SocketLink):
                    await self._keep(link)
                else:
                    self._lose()
                    await self._pause(link)
        finally:
            for each in (self._link, self._next):
                if each is not None:
                    each.end("the gateway stops")

    @property
    def _is_needed(self) -> bool:
        return self._stays_open or len(self._wanted) > 0

    async def _connect(self) -> SocketLink | Reaction:
        """Make a connection; where there is none, how soon to try again."""
        try:
            await self._wait_for_room()
            login = self._login() if self._login is not None else None
            return await open_link(self._url, tls=self._tls, login=login, on_event=self._on_event)
        except (AccountUnknownError, CredentialUnusableError) as error:
            self._on_trouble(str(error))
            return Reaction.RECONNECT_SLOWLY
        except (ConnectFailedError, GatewayError) as error:
            _LOG.warning("no socket could be made", url=self._url, error=str(error))
            return Reaction.RECONNECT

    async def _keep(self, link: SocketLink) -> None:
        """Use `link`, and its successors, until the last of them has ended."""
        self._link, self._is_down = link, False
        self._ask_everything(link)
        while link.is_open:
            await link.turn.wait()
            link.turn.clear()
            if not self._is_needed:
                link.end("nothing is wanted")
            elif link.leaving and link.is_open:
                link = await self._replace(link)
        self._link = self._overlap = None
        if self._is_needed:
            await self._pause_after(link)

    async def _pause_after(self, link: SocketLink) -> None:
        _LOG.warning("a socket was lost", url=self._url, cause=link.cause)
        self._lose()
        if link.reaction is Reaction.FEWER_CHANNELS:
            standing = len(link.session.standing())
            self._channels_max = max(1, min(standing, len(self._wanted) - 1))
        if link.reaction is not Reaction.RECONNECT:
            self._on_trouble(link.cause)
        if time.monotonic() - link.began_s > _PAUSE_MAX_S:
            self._pause_s = _FIRST_PAUSE_S
        await self._pause(link.reaction)

    async def _pause(self, reaction: Reaction) -> None:
        # Full jitter, so that replicas do not come back together.
        if reaction is not Reaction.RECONNECT:
            await asyncio.sleep(_SLOW_PAUSE_S + random.uniform(0, _SLOW_PAUSE_S))  # noqa: S311
            return
        await asyncio.sleep(_FIRST_PAUSE_S + random.uniform(0, self._pause_s))  # noqa: S311
        self._pause_s = min(2 * self._pause_s, _PAUSE_MAX_S)

    def _lose(self) -> None:
        self._is_down = True
        self._wanted.lose()

    def _ask_everything(self, link: SocketLink) -> None:
        for number, channel in enumerate(list(self._wanted)):
            if self._channels_max is None or number < self._channels_max:
                link.session.want(channel)
            else:
                self._wanted.tell(Refused(channel, _TOO_MANY_CHANNELS))
        link.flush()

    async def _replace(self, old: SocketLink) -> SocketLink:
        """Make a successor while `old` lasts; the one to go on with."""
        while old.is_open:
            new = await self._connect()
            reaction = Reaction.RECONNECT
            if not isinstance(new, SocketLink):
                reaction = new
            elif await self._hand_over(old, new):
                return new
            if old.is_open:
                await self._pause(reaction)
        return old

    async def _hand_over(self, old: SocketLink, new: SocketLink) -> bool:
        """Have both carry everything for a moment, then only `new`; whether that was done."""
        if not old.is_open:
            self._wanted.lose()
        overlap = Overlap(old.session.standing() if old.is_open else {})
        self._overlap, self._next = overlap, new
        self._ask_everything(new)
        settled = await self._until(
            lambda: new.session.is_settled() or not old.is_open, _SUBSCRIBE_S
        )
        if settled and old.is_open:
            # What OKX wrote to the old one before the new one was subscribed comes before this.
            pongs = old.session.pongs
            old.session.ping()
            old.flush()
            await self._until(lambda: old.session.pongs > pongs or not old.is_open, _FENCE_S)
            await self._until(lambda: not old.is_open, _SETTLE_S)
        if settled and new.is_open and not overlap.is_full:
            self._switch(old, new, overlap)
            return True
        new.end("it did not become a successor")
        self._overlap = self._next = None
        for channel in [each for each in self._wanted if each not in overlap.channels]:
            # Wanted meanwhile, or not yet taken by the old one.
            self._wanted.tell(Lapsed(channel))
            old.session.drop(channel)
            old.session.want(channel)
        old.flush()
        return False

    async def _until(self, is_so: Callable[[], bool], within_s: float) -> bool:
        """Wait until `is_so`; not for longer than the successor is of use."""
        until_s = time.monotonic() + within_s
        new, overlap = self._next, self._overlap
        while not is_so():
            if new is None or not new.is_open or overlap is None or overlap.is_full:
                return False
            if time.monotonic() > until_s:
                return False
            await asyncio.sleep(_POLL_S)
        return True

    def _switch(self, old: SocketLink, new: SocketLink, overlap: Overlap) -> None:
        self._link, self._next = new, None
        for channel in sorted(overlap.channels, key=str):
            if old.is_open or (old.is_whole and channel in overlap.standing):
                continue
            # The old one was lost before all of it had come.
            overlap.forget(channel)
            self._wanted.tell(Lapsed(channel))
            if channel in overlap.standing:
                self._wanted.tell(Subscribed(channel))
        for channel, code in overlap.refusals.items():
            self._wanted.tell(Refused(channel, code))
        for channel, rows, push in overlap.release():
            self._wanted.tell_rows(channel, rows, push)
        asyncio.get_running_loop().call_later(_ECHO_S, self._forget, overlap)
        old.retire()

    def _forget(self, overlap: Overlap) -> None:
        if self._overlap is overlap and self._next is None:
            self._overlap = None

    def _on_event(self, link: SocketLink, event: SocketEvent) -> None:
        overlap, new = self._overlap, self._next
        if overlap is None:
            if link is self._link:
                self._wanted.tell(event)
        elif new is None:
            if link is self._link:
                self._tell_without_echo(event, overlap)
        elif getattr(event, "channel", None) in overlap.channels:
            if link is new:
                self._on_event_of_new(event, overlap)
            else:
                self._on_event_of_old(event, overlap, new)
        elif link is new:
            self._wanted.tell(event)

    def _tell_without_echo(self, event: SocketEvent, overlap: Overlap) -> None:
        if isinstance(event, Pushed) and event.rows:
            rows = overlap.untold(event.channel, event.rows)
            if rows:
                self._wanted.tell_rows(event.channel, rows, event.push)
        else:
            self._wanted.tell(event)

    def _on_event_of_old(self, event: SocketEvent, overlap: Overlap, new: SocketLink) -> None:
        if isinstance(event, Pushed):
            overlap.told(event.channel, event.rows)
        elif isinstance(event, Lapsed | Refused):
            # It cannot be handed over any more: the new one begins with it.
            overlap.drop(event.channel)
            new.session.drop(event.channel)
            new.session.want(event.channel)
        self._wanted.tell(event)

    def _on_event_of_new(self, event: SocketEvent, overlap: Overlap) -> None:
        if isinstance(event, Subscribed):
            overlap.subscribed(event.channel)
        elif isinstance(event, Refused):
            overlap.refused(event.channel, event.code)
        elif isinstance(event, Pushed):
            overlap.hold(event.channel, event.rows, event.push)

    def _wake(self) -> None:
        self._changed.set()
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(_GATHER_S, self._flush)

    def _flush(self) -> None:
        self._flushing = None
        for link in (self._link, self._next):
            if link is not None:
                link.flush()
