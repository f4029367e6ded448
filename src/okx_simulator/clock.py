"""What time does the exchange think it is? Reads the wall clock of this machine."""

import time
from collections.abc import Callable


class Clock:
    """Wall clock of the simulated exchange, adjustable so that tests can make it wrong or fast.

    `read_ns` gives nanoseconds since the Unix epoch; `offset_us` is added to every reading.
    """

    def __init__(self, read_ns: Callable[[], int] = time.time_ns) -> None:
        self._read_ns = read_ns
        self.offset_us = 0

    def true_us(self) -> int:
        """Return microseconds since the Unix epoch by the machine's clock, without the offset."""
        return self._read_ns() // 1_000

    def now_us(self) -> int:
        """Return microseconds since the Unix epoch, offset included."""
        return self.true_us() + self.offset_us

    def now_ms(self) -> int:
        """Return milliseconds since the Unix epoch, offset included."""
        return self.now_us() // 1_000
