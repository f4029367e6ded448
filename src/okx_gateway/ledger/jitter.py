"""By how much does the way to OKX vary?  Pure: learnt from when requests arrived there.

A window of the budget has to be wider than OKX's by as much as one request may take longer than
another from its slot to OKX: then what left in different windows never arrives in one. Both times
come with OKX's answer and the ledger's, each by a clock of its own. What these clocks differ by is
in every delay alike, so it means nothing, and no clock of a replica is in it at all.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from okx_gateway.domain.recent_delays import RecentDelays

JITTER_MS_MAX = 2_000
_STEP_US = 1_000
_ROUNDED_TO_MS = 10
# For what is slower than anything seen.
_MARGIN_US = 50_000
_SAMPLES_LEAST = 1_000


@dataclass(frozen=True, slots=True)
class Way:
    """The quickest and the slowest from slot to OKX: OKX's clock less the ledger's, in us."""

    least_us: int
    most_us: int

    def at_least(self, told_ms: int) -> "Way":
        """This way, or one that varies by more, so that windows are widened by `told_ms`."""
        return Way(self.least_us, max(self.most_us, self.least_us + told_ms * 1000 - _MARGIN_US))


class JitterEstimate:
    """What one replica has seen within the last hour; times are monotonic seconds."""

    def __init__(self) -> None:
        self._delays = RecentDelays(step_us=_STEP_US)

    def observe(self, delay_us: int, now_s: float) -> None:
        """Take how long after its slot a request arrived: OKX's clock less the ledger's."""
        self._delays.add(delay_us, now_s)

    def restart(self) -> None:
        """One of the two clocks was set: what comes is not held against what was."""
        self._delays.restart()

    def seen(self, now_s: float) -> bool:
        """Whether anything was sent within the hour."""
        return self._delays.count(now_s) > 0

    def way(self, now_s: float) -> Way | None:
        """What was learnt; None before there were enough requests to tell."""
        least_us, spread_us = self._delays.least_us(now_s), self._delays.spread_us(now_s)
        if least_us is None or spread_us is None or self._delays.count(now_s) < _SAMPLES_LEAST:
            return None
        return Way(least_us, least_us + spread_us)


def jitter_ms(ways: Iterable[Way]) -> int:
    """By how much to widen windows that are spent from over all of `ways`, at least one.

    A margin is in it.
    """
    ways = list(ways)
    spread_us = max(each.most_us for each in ways) - min(each.least_us for each in ways)
    rounded_ms = -(-(spread_us + _MARGIN_US) // (_ROUNDED_TO_MS * 1000)) * _ROUNDED_TO_MS
    return min(rounded_ms, JITTER_MS_MAX)
