"""How fast are calls made, and how long does each take?  Touches the clock alone.

Closed: so many at a time, each followed by the next, to see how many can be served. Open: at fixed
times whatever happens, with latency counted from the time a call was due, so that a server which
stands still cannot hide it.
"""

import asyncio
import itertools
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

Call = Callable[[], Awaitable[None]]
# An open loop against a server that stands still makes no more calls than this.
_UNDER_WAY_MAX = 1_000
_SETTLE_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Work:
    """What to do for `seconds`: `per_s` calls a second, or where that is 0 `at_once` at a time."""

    seconds: float
    per_s: float = 0.0
    at_once: int = 1


@dataclass(slots=True)
class Tally:
    """What came of it; `failures` counts by kind, `seconds` is from the first call to the last."""

    latencies_s: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def add(self, latency_s: float, error: Exception | None = None) -> None:
        """Count one call."""
        if error is None:
            self.latencies_s.append(latency_s)
        else:
            self.failures[f"{type(error).__name__}: {error}"[:200]] += 1

    def in_short(self) -> dict[str, object]:
        """Return count, seconds, p50_ms, p99_ms and failures."""
        if len(self.latencies_s) > 1:
            cuts = statistics.quantiles(self.latencies_s, n=100, method="inclusive")
            p50_ms, p99_ms = cuts[49] * 1000, cuts[98] * 1000
        else:
            p50_ms = p99_ms = 0.0
        return {
            "count": len(self.latencies_s),
            "seconds": self.seconds,
            "p50_ms": p50_ms,
            "p99_ms": p99_ms,
            "failures": dict(self.failures.most_common(5)),
        }


class Pace(Protocol):
    """Something that can be made to work."""

    async def run(self, work: Work) -> Tally:
        """Work and count."""
        ...


class CallPace:
    """Makes `call` from one event loop."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def run(self, work: Work) -> Tally:
        """Make calls for the time that `work` says, and wait for the last of them."""
        tally = Tally()
        start_s = time.perf_counter()
        if work.per_s:
            await self._open(work, start_s, tally)
        else:
            callers = (self._closed(start_s + work.seconds, tally) for _ in range(work.at_once))
            await asyncio.gather(*callers)
        tally.seconds = time.perf_counter() - start_s
        return tally

    async def _closed(self, end_s: float, tally: Tally) -> None:
        while (due_s := time.perf_counter()) < end_s:
            await self._one(due_s, tally)

    async def _open(self, work: Work, start_s: float, tally: Tally) -> None:
        under_way: set[asyncio.Task[None]] = set()
        for number in range(int(work.seconds * work.per_s)):
            due_s = start_s + number / work.per_s
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            if len(under_way) >= _UNDER_WAY_MAX:
                tally.failures["not made: too many calls under way"] += 1
                continue
            task = asyncio.get_running_loop().create_task(self._one(due_s, tally))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        if under_way:
            _, late = await asyncio.wait(under_way, timeout=_SETTLE_WAIT_S)
            tally.failures.update(itertools.repeat("never answered", len(late)))

    async def _one(self, due_s: float, tally: Tally) -> None:
        try:
            await self._call()
        except Exception as error:  # noqa: BLE001  # whatever it is, it is counted and told
            tally.add(0.0, error)
        else:
            tally.add(time.perf_counter() - due_s)
