"""Which limit orders of accounts rest on the books, in order of price and time? Pure."""

from bisect import insort
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from okx_simulator.order.order import Order


class RestingOrders:
    """The accounts' orders on every book; those of strangers are elsewhere."""

    def __init__(self) -> None:
        self._sides: defaultdict[tuple[str, bool], list[Order]] = defaultdict(list)

    def add(self, order: Order) -> None:
        """Let an order rest, behind those of the same price."""
        insort(self._side(order), order, key=_rank)

    def remove(self, order: Order) -> None:
        """Take an order off its book if it rests there."""
        side = self._side(order)
        if order in side:
            side.remove(order)

    def best_first(self, inst_id: str, *, buying: bool) -> Sequence[Order]:
        """Return the resting orders of one side, best price first, then oldest first."""
        return self._sides.get((inst_id, buying), ())

    def instruments(self) -> set[str]:
        """Return the ids of the instruments on which something rests."""
        return {inst_id for (inst_id, _), orders in self._sides.items() if orders}

    def _side(self, order: Order) -> list[Order]:
        return self._sides[order.instrument.inst_id, order.asked.is_buy]


def _rank(order: Order) -> Decimal:
    price = order.px or Decimal(0)
    return -price if order.asked.is_buy else price
