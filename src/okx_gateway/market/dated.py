"""How old is what is known?  Reads the monotonic clock for ages."""

import time
from dataclasses import dataclass
from typing import Generic, TypeVar

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Dated(Generic[_T_co]):
    """What OKX told, and when it came, in s of our monotonic clock."""

    value: _T_co
    received_s: float

    def age_s(self) -> float:
        """Seconds since it was received."""
        return time.monotonic() - self.received_s


def dated_now(value: _T) -> Dated[_T]:
    """Date what was received just now."""
    return Dated(value, time.monotonic())
