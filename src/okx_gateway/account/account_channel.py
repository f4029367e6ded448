"""Is a private channel wanted now?

It is subscribed while somebody needs it, and for a while after. Where OKX refuses it, because the
account has it on too many connections, it is tried again after a pause.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from okx_gateway.okx.channel import Channel, ChannelListener, Push
from okx_gateway.okx.reply import Row

_TRY_AGAIN_S = 60.0


class ChannelSubscriber(Protocol):
    """The connection of an account, as far as channels are concerned."""

    def want(self, channel: Channel, listener: ChannelListener) -> None:
        """Subscribe, and have `listener` told."""

    def drop(self, channel: Channel) -> None:
        """Unsubscribe."""


class AccountFeed(ChannelListener, Protocol):
    """What lives on a channel."""

    def forget(self) -> None:
        """Know nothing any more, for the channel is not wanted."""


class AccountChannel:
    """`channel` for `feed`, `grace_s` longer than it is needed; `refused` is told OKX's code."""

    def __init__(
        self,
        channel: Channel,
        feed: AccountFeed,
        socket: ChannelSubscriber,
        *,
        grace_s: float,
        refused: Callable[[str], None],
    ) -> None:
        self._channel = channel
        self._feed = feed
        self._socket = socket
        self._grace_s = grace_s
        self._refused = refused
        self._holders = 0
        self._wanted = False
        self._timer: asyncio.TimerHandle | None = None
        self._retry: asyncio.TimerHandle | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Need the channel for the block."""
        self._holders += 1
        self.need()
        try:
            yield
        finally:
            self._holders -= 1
            self.need()

    def need(self) -> None:
        """Need the channel from now on until the grace is over."""
        if not self._wanted:
            self._wanted = True
            self._socket.want(self._channel, self)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(self._grace_s, self._expire)

    def close(self) -> None:
        """Want the channel no longer."""
        for timer in (self._timer, self._retry):
            if timer is not None:
                timer.cancel()
        self._timer = self._retry = None
        if self._wanted:
            self._wanted = False
            self._socket.drop(self._channel)
            self._feed.forget()

    def on_subscribed(self, channel: Channel) -> None:
        """Pass it on."""
        self._feed.on_subscribed(channel)

    def on_refused(self, channel: Channel, code: str) -> None:
        """Pass it on, and try again after a pause."""
        self._refused(code)
        self._feed.on_refused(channel, code)
        if self._retry is None:
            self._retry = asyncio.get_running_loop().call_later(_TRY_AGAIN_S, self._try_again)

    def on_lost(self, channel: Channel) -> None:
        """Pass it on."""
        self._feed.on_lost(channel)

    def on_stale(self, channel: Channel) -> None:
        """Pass it on."""
        self._feed.on_stale(channel)

    def on_rows(self, channel: Channel, rows: list[Row], push: Push) -> None:
        """Pass them on."""
        self._feed.on_rows(channel, rows, push)

    def _expire(self) -> None:
        self._timer = None
        if not self._holders:
            self.close()

    def _try_again(self) -> None:
        self._retry = None
        if self._wanted:
            self._socket.drop(self._channel)
            self._socket.want(self._channel, self)
