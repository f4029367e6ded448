"""Is there room for one more, so that a flood of orders keeps no cancel out?  Pure.

What places orders gets all but a tenth; cancels, look-ups and the like get everything. An order
may wait for its slot until its deadline, which is seconds; a cancel is through in a fraction of
one. So a tenth of the room lets as many cancels through as the rest does orders.
"""

from okx_gateway.domain.errors import OverloadedError

_KEPT_DIVISOR = 10


class CallRoom:
    """Room for `limit` at a time."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # Where there is room for one alone, orders have to be let in too.
        self._kept = min(limit - 1, max(1, limit // _KEPT_DIVISOR))
        self._placing = 0
        self._others = 0

    def take(self, *, placing: bool) -> None:
        """Take a place.

        Raises:
            OverloadedError: There is none; nothing was taken.
        """
        if placing:
            if self._placing + max(self._others, self._kept) >= self._limit:
                raise OverloadedError("orders at once", self._limit - self._kept)
            self._placing += 1
        else:
            full = self._placing + self._others >= self._limit
            if full and self._others >= self._kept:
                raise OverloadedError("calls at once", self._limit)
            self._others += 1

    def take_beyond(self) -> None:
        """Take a place for what an order has left to do, also where there is none."""
        self._placing += 1

    def give_back(self, *, placing: bool) -> None:
        """Give a place back that was taken."""
        if placing:
            self._placing -= 1
        else:
            self._others -= 1
