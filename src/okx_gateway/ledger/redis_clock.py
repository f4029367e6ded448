"""Has the clock of Redis stepped?  Pure.

Windows are judged by that clock alone. One that leaps ahead would free what was just spent, so
every answer that rests on it is held against how much time has passed here.
"""

# Two crystals may drift apart by this much.
_DRIFT = 200e-6
# For what neither clock can tell: rounding, and the wait for a processor between two looks.
_TOLERANCE_US = 20_000.0


class RedisClock:
    """What is known of Redis' clock against our monotonic one."""

    def __init__(self) -> None:
        self._low_us = float("-inf")
        self._high_us = float("inf")
        self._at_s = 0.0

    @property
    def known(self) -> bool:
        """Whether an answer was seen."""
        return self._at_s > 0

    def latest_us(self, monotonic_s: float) -> int:
        """What Redis' clock showed at most at a time of ours; only once it is known."""
        return int(monotonic_s * 1e6 + self._high_us)

    def bounds_s(self, now_us: int) -> tuple[float, float]:
        """Between which times of ours Redis' clock showed `now_us`; only once it is known."""
        return (now_us - self._high_us) / 1e6, (now_us - self._low_us) / 1e6

    def agrees(self, *, now_us: int, sent_s: float, received_s: float) -> bool:
        """Whether `now_us`, read between `sent_s` and `received_s`, fits what was seen before."""
        age_us = (received_s - self._at_s) * 1e6 * _DRIFT
        low_us, high_us = self._low_us - age_us, self._high_us + age_us
        # Redis' clock less ours is somewhere between these two.
        least_us, most_us = now_us - received_s * 1e6, now_us - sent_s * 1e6
        if least_us > high_us + _TOLERANCE_US or most_us < low_us - _TOLERANCE_US:
            return False
        self._low_us, self._high_us = max(low_us, least_us), min(high_us, most_us)
        if self._low_us > self._high_us:
            self._low_us = self._high_us = (self._low_us + self._high_us) / 2
        self._at_s = received_s
        return True
