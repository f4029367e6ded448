"""What is the latest ticker of each instrument, and who wants to know?

One upstream subscription per instrument, however many readers; it ends a while after the last one
has left. A reader holds at most one value per instrument: the latest wins.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator

from okx_gateway.domain.errors import OverloadedError
from okx_gateway.domain.ticker import Gap, Ticker
from okx_gateway.okx.ticker_feed import FeedEvent, SubscriptionRefused, TickerFeed

_LEAVE_AFTER_S = 30.0
_INSTRUMENTS_MAX = 2_000


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

    def __init__(self, feed: TickerFeed, *, readers_max: int) -> None:
        self._feed = feed
        self._readers_max = readers_max
        self._readers: dict[str, set[TickerReader]] = {}
        self._reader_count = 0
        self._last: dict[str, Ticker] = {}
        self._leaving: dict[str, asyncio.TimerHandle] = {}
        self._stale: set[str] = set()
        self._lost = False
        self.wake: Callable[[], None] = lambda: None

    def join(self, instruments: Iterable[str]) -> TickerReader:
        """Add a reader; it first gets the last known tickers.

        Raises:
            OverloadedError: There are too many readers or instruments.
        """
        reader = TickerReader(instruments)
        if self._reader_count >= self._readers_max:
            raise OverloadedError("ticker streams", self._readers_max)
        if len(self._readers.keys() | reader.instruments) > _INSTRUMENTS_MAX:
            raise OverloadedError("instruments streamed", _INSTRUMENTS_MAX)
        self._reader_count += 1
        for name in reader.instruments:
            self._readers.setdefault(name, set()).add(reader)
            timer = self._leaving.pop(name, None)
            if timer is not None:
                timer.cancel()
            if name in self._last:
                reader.put(self._last[name])
        if self._lost:
            self._stale |= reader.instruments
        stale = tuple(sorted(reader.instruments & self._stale))
        if stale:
            reader.put_gap(Gap(stale, connection_lost=True, detect_ms=wall_ms()))
        self._feed.want(reader.instruments)
        self.wake()
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

    def on_event(self, event: FeedEvent) -> None:
        """Take an event of the feed."""
        match event:
            case Ticker():
                self._on_ticker(event)
            case SubscriptionRefused(instrument, _):
                gap = Gap((instrument,), connection_lost=False, detect_ms=wall_ms())
                for reader in self._readers.get(instrument, ()):
                    reader.put_gap(gap)

    def on_connected(self) -> None:
        """Learn that the conversation has begun anew; a ticker ends its instrument's gap."""
        self._lost = False

    def on_lost(self) -> None:
        """Tell every reader of the gap in those of its instruments that had none yet."""
        self._lost = True
        detect_ms = wall_ms()
        for reader in {each for readers in self._readers.values() for each in readers}:
            names = tuple(sorted(reader.instruments - self._stale))
            if names:
                reader.put_gap(Gap(names, connection_lost=True, detect_ms=detect_ms))
        self._stale.update(self._readers)

    def _on_ticker(self, ticker: Ticker) -> None:
        name = ticker.instrument
        last = self._last.get(name)
        if last is not None and ticker.exchange_ms < last.exchange_ms:
            return
        self._last[name] = ticker
        self._stale.discard(name)
        for reader in self._readers.get(name, ()):
            reader.put(ticker)

    def _forget(self, name: str) -> None:
        self._leaving.pop(name, None)
        self._readers.pop(name, None)
        self._last.pop(name, None)
        self._stale.discard(name)
        self._feed.drop([name])
        self.wake()


def wall_ms() -> int:
    """Ms of our own clock, for people; never subtracted from OKX's."""
    return int(time.time() * 1000)
