"""Has a channel been silent for too long, judged by what it did before?  Pure.

OKX says nothing of a channel that stalls, and is right to be silent where nothing happens. So only
a channel that was lively is missed: one whose pushes came close together for a while.
"""

# OKX pushes tickers and books at most every 100 ms; an instrument that is traded rarely pauses for
# a second.
_LIVELY_PAUSE_S = 1.0
_BEATS_MIN = 10
# Old pauses count less with each push: a tenth of it is left after 22.
_FORGETTING = 0.9
STALE_AFTER_S = 4.0


class Pulse:
    """The pushes of one channel; times are of one monotonic clock, in seconds."""

    __slots__ = ("_beats", "_last_s", "_longest_s")

    def __init__(self) -> None:
        self._beats = 0
        self._last_s = 0.0
        self._longest_s = 0.0

    def beat(self, now_s: float) -> None:
        """Note a push."""
        if self._beats:
            pause_s = now_s - self._last_s
            faded_s = self._longest_s * _FORGETTING
            self._longest_s = max(pause_s, faded_s)
        self._beats += 1
        self._last_s = now_s

    def reset(self) -> None:
        """Expect nothing until it has become lively anew."""
        self._beats = 0
        self._longest_s = 0.0

    @property
    def is_lively(self) -> bool:
        """Whether pushes came close together for a while, until the last one at least."""
        return self._beats >= _BEATS_MIN and self._longest_s <= _LIVELY_PAUSE_S

    def missed_s(self, now_s: float) -> float:
        """For how long pushes have been missing; 0 where none is."""
        if not self.is_lively:
            return 0.0
        silent_s = now_s - self._last_s
        return silent_s if silent_s >= STALE_AFTER_S else 0.0
