"""How do those who read the same channels share what they are told?"""

import asyncio
import time
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from okx_gateway.domain.market_notice import Gap, GapReason, Notice, Stale
from okx_gateway.market.stream_log import Batch, StreamLog

_V = TypeVar("_V")
_V_co = TypeVar("_V_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why what is known may be old: a gap for `reason`, silence where there is none."""

    reason: GapReason | None
    detect_ms: int


class Known(Protocol[_V_co]):
    """What there is to tell of one channel to who joins."""

    @property
    def instrument(self) -> str:
        """The instrument that it is about."""

    @property
    def doubt(self) -> Doubt | None:
        """Why the value may be old."""

    def value(self) -> _V_co | None:
        """The last known value."""


def notices(doubts: Iterable[tuple[str, Doubt]]) -> list[Gap | Stale]:
    """Tell of instruments and why what is known of them may be old, those of one doubt together."""
    names: dict[Doubt, list[str]] = {}
    for instrument, doubt in doubts:
        names.setdefault(doubt, []).append(instrument)
    return [_notice(doubt, tuple(sorted(each))) for doubt, each in names.items()]


def _notice(doubt: Doubt, instruments: tuple[str, ...]) -> Gap | Stale:
    if doubt.reason is None:
        return Stale(instruments, doubt.detect_ms)
    return Gap(instruments, doubt.reason, doubt.detect_ms)


class ReaderGroup(Generic[_V]):
    """All who read the channels in `about`.

    One who was too slow for the log begins anew with what is known where `restarts`; otherwise it
    is told of the gap, and how many values were in it.
    """

    def __init__(
        self, about: Sequence[Known[_V]], log: StreamLog[_V | Notice], *, restarts: bool
    ) -> None:
        self.readers = 0
        self._about = about
        self._log = log
        self._restarts = restarts
        self._news = asyncio.Event()

    def put(self, event: _V | Notice, keys: Iterable[Hashable], *, weight: int = 0) -> None:
        """Tell all of an event."""
        self._log.put(event, keys, weight=weight)
        # Wakes who waits now; who comes later looks into the log first.
        self._news.set()
        self._news.clear()

    def join(self) -> "StreamReader[_V]":
        """One more, who is first told what is known."""
        self.readers += 1
        return StreamReader(self)

    async def wait(self) -> None:
        """Wait for the next event."""
        await self._news.wait()

    def place(self) -> tuple[int, int]:
        """Position and weight of the end."""
        return self._log.end, self._log.weight_until(self._log.end)

    def present(self) -> Batch[_V | Notice]:
        """What is known, and why it may be old."""
        values = (each.value() for each in self._about)
        return Batch([*(each for each in values if each is not None), *self._doubts()])

    def after(self, position: int, weight: int) -> Batch[_V | Notice]:
        """What is behind a position, until which there were `weight` values."""
        batch = self._log.after(position)
        if batch is not None:
            return batch
        if self._restarts:
            return self.present()
        left = self._log.after(self._log.start)
        rest = left.events if left is not None else ()
        gap = Gap(
            tuple(sorted({each.instrument for each in self._about})),
            GapReason.READER_TOO_SLOW,
            wall_ms(),
            lost_count=self._log.weight_until(self._log.start) - weight,
        )
        return Batch([gap, *rest, *(each for each in self._doubts() if each not in rest)])

    def _doubts(self) -> list[Gap | Stale]:
        return notices((each.instrument, each.doubt) for each in self._about if each.doubt)


class StreamReader(Generic[_V]):
    """One reader: no more than a position in the log of its group."""

    def __init__(self, group: ReaderGroup[_V]) -> None:
        self.group = group
        self._place = group.place()
        self._first: Batch[_V | Notice] | None = group.present()
        # Events that it was too slow for, since somebody counted them.
        self.skipped = 0

    async def take(self, *, wait_s: float) -> Batch[_V | Notice]:
        """Everything new, in order; empty where nothing came within `wait_s`."""
        batch = self._next()
        if not batch.events:
            try:
                async with asyncio.timeout(wait_s):
                    await self.group.wait()
            except TimeoutError:
                return batch
            batch = self._next()
        return batch

    def _next(self) -> Batch[_V | Notice]:
        first, self._first = self._first, None
        if first is not None and first.events:
            return first
        batch = self.group.after(*self._place)
        place = self.group.place()
        self.skipped += max(0, place[0] - self._place[0] - len(batch.events))
        self._place = place
        return batch


def wall_ms() -> int:
    """Ms of our own clock, for people; never subtracted from OKX's."""
    return int(time.time() * 1000)
