"""How long has something taken within the last hour?  Pure.

Kept as counts by the minute, so that memory is bounded however much is observed.
"""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

_MINUTE_S = 60.0
_MINUTES_MAX = 60
# A delay further from the first of its minute than this counts as just so far.
_REACH_STEPS = 2_000
# Minutes this far apart are held against each other: enough for some quick request to be among
# them, and so few that clocks which drift apart by 100 us a second stay within 18 ms.
_NEAR_MINUTES = 2
_LATE_PER = 10_000  # all but one in so many is not later than what counts as late


@dataclass(slots=True)
class _Minute:
    number: int
    run: int
    first_step: int
    least_us: int
    counts: Counter[int] = field(default_factory=Counter)


class RecentDelays:
    """Delays of the last hour, told apart in steps of `step_us`; times are monotonic seconds."""

    def __init__(self, *, step_us: int) -> None:
        self._step_us = step_us
        self._minutes: deque[_Minute] = deque(maxlen=_MINUTES_MAX)
        self._run = 0

    def add(self, delay_us: int, now_s: float) -> None:
        """Take one delay; `now_s` never runs back."""
        number, step = int(now_s // _MINUTE_S), delay_us // self._step_us
        last = self._minutes[-1] if self._minutes else None
        if last is None or (last.number, last.run) != (number, self._run):
            last = _Minute(number, self._run, step, delay_us)
            self._minutes.append(last)
        near = min(max(step, last.first_step - _REACH_STEPS), last.first_step + _REACH_STEPS)
        last.counts[near] += 1
        last.least_us = min(last.least_us, max(delay_us, near * self._step_us))

    def restart(self) -> None:
        """A clock by which delays are measured was set: do not hold what comes against what was.

        The minute in which it happened is forgotten, as it may hold some of either.
        """
        if self._minutes and self._minutes[-1].run == self._run:
            self._minutes.pop()
        self._run += 1

    def count(self, now_s: float) -> int:
        """How many there were."""
        return sum(each.counts.total() for each in self._lately(now_s))

    def late_us(self, now_s: float) -> int | None:
        """A delay that all but one in 10,000 stay within; None where there were none."""
        return self._late(
            (step, count) for each in self._lately(now_s) for step, count in each.counts.items()
        )

    def spread_us(self, now_s: float) -> int | None:
        """By how much delays exceed the least near them, all but one in 10,000.

        None where there were none.
        """
        minutes = self._lately(now_s)
        return self._late(
            (step - self._least_near(each, minutes) // self._step_us, count)
            for each in minutes
            for step, count in each.counts.items()
        )

    def least_us(self, now_s: float) -> int | None:
        """The least delay of late; None where there were none."""
        minutes = self._lately(now_s)
        return self._least_near(minutes[-1], minutes) if minutes else None

    def _lately(self, now_s: float) -> list[_Minute]:
        oldest = int(now_s // _MINUTE_S) - _MINUTES_MAX
        return [each for each in self._minutes if each.number > oldest]

    @staticmethod
    def _least_near(minute: _Minute, minutes: Iterable[_Minute]) -> int:
        return min(
            each.least_us
            for each in minutes
            if each.run == minute.run and abs(each.number - minute.number) <= _NEAR_MINUTES
        )

    def _late(self, counted: Iterable[tuple[int, int]]) -> int | None:
        """The end of the step that all but one in 10,000 lie in or before."""
        counts: Counter[int] = Counter()
        for step, count in counted:
            counts[step] += count
        later_max, later = counts.total() // _LATE_PER, 0
        for step in sorted(counts, reverse=True):
            later += counts[step]
            if later > later_max:
                return (step + 1) * self._step_us
        return None
