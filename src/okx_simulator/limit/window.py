"""Does one more request fit into this window, now?

Pure. Times are microseconds and are given by the caller.

Source: OKX docs, 'Rate Limits', say only "N per 2 seconds" and leave the kind of window open.
"""

from collections import deque
from typing import Protocol

# Refused requests may stay in the log, so a flood could fill it. The decision only needs the
# last `amount` times; the rest tells how far over the limit a caller went, up to this factor.
LOG_FACTOR_MAX = 20


class Window(Protocol):
    """Counts requests against `amount` per `window_us`."""

    amount: int
    window_us: int
    worst: int
    refused: int

    def used(self, now_us: int) -> int:
        """How many requests the window holds at `now_us`."""
        ...

    def has_room(self, now_us: int) -> bool:
        """Whether one more request fits at `now_us`; changes nothing that counts."""
        ...

    def count(self, now_us: int, *, keep: bool) -> None:
        """Note a request at `now_us`; only a kept one uses up room."""
        ...


class SlidingWindow:
    """An exact log: at no microsecond do more than `amount` requests lie in the last `window_us`.

    A request made at t leaves the window at t + `window_us` exactly.

    `worst` is the largest number that was ever asked of one window, refused requests
    included; `refused` how many found no room.
    """

    __slots__ = ("_times_us", "amount", "refused", "window_us", "worst")

    def __init__(self, amount: int, window_us: int) -> None:
        self.amount = amount
        self.window_us = window_us
        self.worst = 0
        self.refused = 0
        self._times_us: deque[int] = deque(maxlen=amount * LOG_FACTOR_MAX)

    def used(self, now_us: int) -> int:
        """How many requests the window holds at `now_us`."""
        times_us = self._times_us
        oldest_us = now_us - self.window_us
        while times_us and times_us[0] <= oldest_us:
            times_us.popleft()
        return len(times_us)

    def has_room(self, now_us: int) -> bool:
        """Whether one more request fits at `now_us`."""
        return self.used(now_us) < self.amount

    def count(self, now_us: int, *, keep: bool) -> None:
        """Note a request at `now_us`; only a kept one uses up room."""
        used = self.used(now_us)
        self.worst = max(self.worst, used + 1)
        if used >= self.amount:
            self.refused += 1
        if keep:
            # A clock set back must not unsort the log.
            self._times_us.append(max(now_us, self._times_us[-1]) if used else now_us)


class FixedWindow:
    """Counts from one multiple of `window_us` to the next, then starts again at nothing.

    `worst` and `refused` read as in `SlidingWindow`.
    """

    __slots__ = ("_index", "_used", "amount", "refused", "window_us", "worst")

    def __init__(self, amount: int, window_us: int) -> None:
        self.amount = amount
        self.window_us = window_us
        self.worst = 0
        self.refused = 0
        self._index = 0
        self._used = 0

    def used(self, now_us: int) -> int:
        """How many requests the window holds at `now_us`."""
        index = now_us // self.window_us
        if index > self._index:
            self._index = index
            self._used = 0
        return self._used

    def has_room(self, now_us: int) -> bool:
        """Whether one more request fits at `now_us`."""
        return self.used(now_us) < self.amount

    def count(self, now_us: int, *, keep: bool) -> None:
        """Note a request at `now_us`; only a kept one uses up room."""
        used = self.used(now_us)
        self.worst = max(self.worst, used + 1)
        if used >= self.amount:
            self.refused += 1
        if keep:
            self._used += 1
