"""What time is it at OKX?

Reads this process's monotonic clock. The wall clock is never used: it may be wrong and may step.
"""

import math
import time
from dataclasses import dataclass

# A crystal may be off by this much; doubled from the usual 50 ppm.
_DRIFT_PPM = 100
# OKX tells its time in whole milliseconds, cut off: it may be later by this much.
_RESOLUTION_MS = 1
# A sample from a slow round trip only replaces one that has become worse by age.
_UNKNOWN_ERROR_MS = 10_000_000
# OKX tells the time by several clocks, which may differ by a little.
_STEP_MS = 20


@dataclass(frozen=True, slots=True)
class _Sample:
    offset_ms: float  # OKX's clock minus our monotonic clock
    error_ms: float  # half of the round trip
    at_s: float


class ExchangeClock:
    """Estimate of OKX's clock with a bound on its error."""

    def __init__(self) -> None:
        self._best: _Sample | None = None
        # How often OKX's clock was seen to be set.
        self.times_set = 0

    def learn(
        self, *, sent_s: float, received_s: float, earliest_ms: float, latest_ms: float
    ) -> None:
        """Take a sample from one request and its answer.

        OKX's clock showed `earliest_ms` after the request left at monotonic `sent_s`, and
        `latest_ms` before the answer arrived at monotonic `received_s`.
        """
        upper_ms = earliest_ms + _RESOLUTION_MS - sent_s * 1000
        lower_ms = latest_ms - received_s * 1000
        if upper_ms < lower_ms:
            return  # OKX's clock stepped within the exchange
        # As old as the request: the clocks drift apart while it is under way, too.
        sample = _Sample((upper_ms + lower_ms) / 2, (upper_ms - lower_ms) / 2, sent_s)
        best = self._best
        if best is not None and self._disagree(best, sample):
            self._best = sample
            if abs(best.offset_ms - sample.offset_ms) > _STEP_MS:
                self.times_set += 1
        elif best is None or sample.error_ms <= _aged(best, received_s):
            self._best = sample

    @staticmethod
    def _disagree(best: _Sample, sample: _Sample) -> bool:
        """Whether both cannot be true, because OKX's clock or ours stepped since."""
        return abs(best.offset_ms - sample.offset_ms) > _aged(best, sample.at_s) + sample.error_ms

    def error_ms(self) -> int:
        """How far off the estimate may be, either way."""
        if self._best is None:
            return _UNKNOWN_ERROR_MS
        # One more for the fraction that the other times leave out.
        return math.ceil(_aged(self._best, time.monotonic())) + 1

    def now_ms(self) -> int:
        """OKX's time, the middle of what is possible."""
        return int(self._offset_ms() + time.monotonic() * 1000)

    def earliest_ms(self) -> int:
        """OKX's time at the least."""
        return self.now_ms() - self.error_ms()

    def latest_ms(self) -> int:
        """OKX's time at the most."""
        return self.now_ms() + self.error_ms()

    def latest_monotonic_s(self, exchange_us: int) -> float:
        """Our monotonic time at the latest when OKX's clock showed `exchange_us`."""
        return (exchange_us / 1000 + self.error_ms() - self._offset_ms()) / 1000

    def _offset_ms(self) -> float:
        if self._best is None:
            # Before the first sample only the wall clock can tell; error_ms says how little
            # that is worth, and orders are refused until it is better.
            return (time.time() - time.monotonic()) * 1000
        return self._best.offset_ms


def _aged(sample: _Sample, now_s: float) -> float:
    return sample.error_ms + (now_s - sample.at_s) * _DRIFT_PPM / 1000
