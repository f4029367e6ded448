"""A listener that writes down what it is told."""

import asyncio
from collections.abc import Callable

from okx_gateway.okx.channel import Channel, ChannelListener, Push
from okx_gateway.okx.reply import Row

Entry = str | Row


class Subscriptions:
    """A connection that never comes; who wants which channel, and all that was asked for."""

    def __init__(self) -> None:
        self.listeners: dict[Channel, ChannelListener] = {}
        self.asked: list[tuple[str, Channel]] = []

    @property
    def instruments(self) -> set[str]:
        return {dict(each.arguments)["instId"] for each in self.listeners}

    def want(self, channel: Channel, listener: ChannelListener) -> None:
        assert channel not in self.listeners
        self.listeners[channel] = listener
        self.asked.append(("want", channel))

    def drop(self, channel: Channel) -> None:
        del self.listeners[channel]
        self.asked.append(("drop", channel))


class Told:
    """What was told of each channel, in order: words, and the rows themselves."""

    def __init__(self) -> None:
        self._told: dict[Channel, list[Entry]] = {}
        self.pushes: list[Push] = []
        self._news = asyncio.Event()

    def of(self, channel: Channel) -> list[Entry]:
        return self._told.get(channel, [])

    def rows_of(self, channel: Channel) -> list[Row]:
        return [each for each in self.of(channel) if not isinstance(each, str)]

    async def until(self, right: Callable[[], bool], *, wait_s: float = 5.0) -> None:
        async with asyncio.timeout(wait_s):
            while not right():
                self._news.clear()
                await self._news.wait()

    def on_subscribed(self, channel: Channel) -> None:
        self._tell(channel, "subscribed")

    def on_refused(self, channel: Channel, code: str) -> None:
        self._tell(channel, f"refused {code}")

    def on_rows(self, channel: Channel, rows: list[Row], push: Push) -> None:
        self.pushes.append(push)
        for row in rows:
            self._tell(channel, row)

    def on_lost(self, channel: Channel) -> None:
        self._tell(channel, "lost")

    def on_stale(self, channel: Channel) -> None:
        self._tell(channel, "stale")

    def _tell(self, channel: Channel, entry: Entry) -> None:
        self._told.setdefault(channel, []).append(entry)
        self._news.set()
