"""Which id does the next order, bill or trade get? Pure."""

# Ids are the ms since 2014-01-01 times 2**20, which gives the 18 digits OKX uses today.
_EPOCH_MS = 1_388_534_400_000
_PER_MS = 1 << 20


class Ids:
    """Numbers that grow with time and never repeat."""

    def __init__(self) -> None:
        self._last = 0

    def next(self, now_ms: int) -> int:
        """Return an id greater than all before it."""
        self._last = max(self._last + 1, (now_ms - _EPOCH_MS) * _PER_MS)
        return self._last
