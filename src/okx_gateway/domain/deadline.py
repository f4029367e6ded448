"""How much time does a call have left?

Reads the monotonic clock, never the wall clock.
"""

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point on this process's monotonic clock, in seconds."""

    monotonic_s: float

    @classmethod
    def after(cls, duration_s: float) -> "Deadline":
        """Make the deadline that lies `duration_s` ahead."""
        return cls(time.monotonic() + duration_s)

    def remaining_s(self) -> float:
        """Seconds left; negative once past."""
        return self.monotonic_s - time.monotonic()

    def remaining_ms(self) -> int:
        """Whole milliseconds left; negative once past."""
        return int(self.remaining_s() * 1000)
