"""What is the latest ticker of each instrument, and who wants to know?

One upstream subscription per instrument, however many readers; it ends a while after the last one
has left. A reader holds at most one value per instrument: the latest wins.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator
from typing import Protocol

import structlog

from okx_gateway.domain.errors import OverloadedError
from okx_gateway.domain.ticker import Gap, Ticker
from okx_gateway.okx.channel import Channel, ChannelListener, Push, channel_of
from okx_gateway.okx.reply import Row, UnreadableReplyError
from okx_gateway.okx.ticker_codec import ticker_from_row

_LOG = structlog.get_logger()
_LEAVE_AFTER_S = 30.0
_INSTRUMENTS_MAX = 2_000


class Subscriptions(Protocol):
    """The connection to OKX."""

    def want(self, channel: Channel, listener: ChannelListener) -> None:
        """Subscribe `channel` for `listener`."""

    def drop(self, channel: Channel) -> None:
        """End what `want` began."""


class TickerReader:
    """What one reader has not yet taken: at most two values and a gap per instrument."""

    def __init__(self, instruments: Iterable[str]) -> None:
        self.instruments = frozenset(instruments)
        self._before_gap: dict[str, Ticker] = {}
        self._lost: dict[str, Gap] = {}
        self._tickers: dict[str, Ticker] = {}
        self._news = asyncio.Event()

    def put(self, ticker: Ticker) -> None:
        """Offer a value; one not yet taken is replaced."""
        self._tickers[ticker.instrument] = ticker
        self._news.set()

    def put_gap(self, gap: Gap) -> None:
        """Tell of a gap; what was not taken yet is told before it."""
        for name in gap.instruments:
            self._lost[name] = gap
            if name in self._tickers:
                self._before_gap[name] = self._tickers.pop(name)
        self._news.set()

    async def take(self, *, wait_s: float) -> list[Ticker | Gap]:
        """Everything new; empty where nothing came within `wait_s`."""
        try:
            async with asyncio.timeout(wait_s):
                await self._news.wait()
        except TimeoutError:
            return []
        self._news.clear()
        events: list[Ticker | Gap] = [
            *self._before_gap.values(),
            *self._gaps(),
            *self._tickers.values(),
        ]
        for taken in (self._before_gap, self._lost, self._tickers):
            taken.clear()
        return events

    def _gaps(self) -> Iterator[Gap]:
        by_cause: dict[tuple[bool, int], list[str]] = {}
        for name, gap in self._lost.items():
            by_cause.setdefault((gap.connection_lost, gap.detect_ms), []).append(name)
        for (connection_lost, detect_ms), names in by_cause.items():
            yield Gap(tuple(sorted(names)), connection_lost, detect_ms)


class TickerBoard:
    """Latest tickers and their readers, at most `readers_max`; told what comes by the socket."""

    def __init__(self, subscriptions: Subscriptions, *, readers_max: int) -> None:
        self._subscriptions = subscriptions
        self._readers_max = readers_max
        self._readers: dict[str, set[TickerReader]] = {}
        self._reader_count = 0
        self._last: dict[str, Ticker] = {}
        self._leaving: dict[str, asyncio.TimerHandle] = {}
        self._stale: set[str] = set()
        # Instruments that became stale now, and readers are to be told of together.
        self._untold: set[str] = set()

    def join(self, instruments: Iterable[str]) -> TickerReader:
        """Add a reader; it first gets the last known tickers.

        Raises:
            OverloadedError: There are too many readers or instruments.
        """
        reader = TickerReader(instruments)
        if self._reader_count >= self._readers_max:
            raise OverloadedError("ticker streams", self._readers_max)
        new = reader.instruments - self._readers.keys()
        if len(self._readers) + len(new) > _INSTRUMENTS_MAX:
            raise OverloadedError("instruments streamed", _INSTRUMENTS_MAX)
        self._tell_gap()
        self._reader_count += 1
        for name in reader.instruments:
            self._readers.setdefault(name, set()).add(reader)
            timer = self._leaving.pop(name, None)
            if timer is not None:
                timer.cancel()
            if name in self._last:
                reader.put(self._last[name])
        stale = tuple(sorted(reader.instruments & self._stale))
        if stale:
            reader.put_gap(Gap(stale, connection_lost=True, detect_ms=wall_ms()))
        for name in sorted(new):
            self._subscriptions.want(_channel(name), self)
        return reader

    def leave(self, reader: TickerReader) -> None:
        """Remove a reader; its subscriptions end later unless somebody else wants them."""
        self._reader_count -= 1
        loop = asyncio.get_running_loop()
        for name in reader.instruments:
            readers = self._readers[name]
            readers.discard(reader)
            if not readers:
                self._leaving[name] = loop.call_later(_LEAVE_AFTER_S, self._forget, name)

    def close(self) -> None:
        """Let no timer outlive the gateway."""
        for timer in self._leaving.values():
            timer.cancel()

    def on_subscribed(self, channel: Channel) -> None:
        """Wait for a ticker: only that ends the gap of its instrument."""

    def on_refused(self, channel: Channel, code: str) -> None:
        """Tell readers that no tickers will come."""
        name = _instrument(channel)
        _LOG.warning("no tickers can be had", instrument=name, code=code)
        gap = Gap((name,), connection_lost=False, detect_ms=wall_ms())
        for reader in self._readers.get(name, ()):
            reader.put_gap(gap)

    def on_rows(self, channel: Channel, rows: list[Row], push: Push) -> None:
        """Take tickers. One that cannot be read is passed over: the next one mends it."""
        name = _instrument(channel)
        for row in rows:
            try:
                ticker = ticker_from_row(row, receive_ms=push.receive_ms)
            except UnreadableReplyError:
                continue
            if ticker.instrument == name:
                self._on_ticker(ticker)

    def on_lost(self, channel: Channel) -> None:
        """Tell every reader of the gap in those of its instruments that had none yet."""
        name = _instrument(channel)
        if name in self._stale or name not in self._readers:
            return
        if not self._untold:
            asyncio.get_running_loop().call_soon(self._tell_gap)
        self._stale.add(name)
        self._untold.add(name)

    def on_stale(self, channel: Channel) -> None:
        """Take it for lost: what is known may be out of date."""
        self.on_lost(channel)

    def _tell_gap(self) -> None:
        untold, self._untold = self._untold, set()
        detect_ms = wall_ms()
        for reader in {each for name in untold for each in self._readers.get(name, ())}:
            names = tuple(sorted(reader.instruments & untold))
            reader.put_gap(Gap(names, connection_lost=True, detect_ms=detect_ms))

    def _on_ticker(self, ticker: Ticker) -> None:
        name = ticker.instrument
        last = self._last.get(name)
        if last is not None and ticker.exchange_ms < last.exchange_ms:
            return
        if name in self._untold:
            self._tell_gap()
        self._last[name] = ticker
        self._stale.discard(name)
        for reader in self._readers.get(name, ()):
            reader.put(ticker)

    def _forget(self, name: str) -> None:
        self._leaving.pop(name, None)
        self._readers.pop(name, None)
        self._last.pop(name, None)
        self._stale.discard(name)
        self._untold.discard(name)
        self._subscriptions.drop(_channel(name))


def _channel(instrument: str) -> Channel:
    return channel_of("tickers", instId=instrument)


def _instrument(channel: Channel) -> str:
    return dict(channel.arguments)["instId"]


def wall_ms() -> int:
    """Ms of our own clock, for people; never subtracted from OKX's."""
    return int(time.time() * 1000)
