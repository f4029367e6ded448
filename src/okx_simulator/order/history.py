"""Which orders does an account have, and which does OKX still remember? Pure.

Source: OKX docs, 'Order history (last 7 days)' and '(last 3 months)': an order cancelled without a
fill is forgotten after two hours.
"""

from collections import Counter, OrderedDict

from okx_simulator.order.order import CANCELED, Order

CANCELED_KEPT_MS = 2 * 3_600_000
HISTORY_KEPT_MS = 7 * 86_400_000
ARCHIVE_KEPT_MS = 90 * 86_400_000
CLOSED_MAX = 50_000


class OrderHistory:
    """Pending orders and, for a while, closed ones."""

    def __init__(self) -> None:
        self.pending: dict[int, Order] = {}
        self._pending_by_client: dict[str, Order] = {}
        self._closed: OrderedDict[int, Order] = OrderedDict()
        self._latest_by_client: dict[str, Order] = {}
        self._pending_counts: Counter[str] = Counter()

    def add(self, order: Order) -> None:
        """Take up a new order; its client id must not be pending."""
        self.pending[order.ord_id] = order
        self._pending_counts[order.instrument.inst_id] += 1
        client_id = order.asked.cl_ord_id
        if client_id:
            self._pending_by_client[client_id] = order
            self._latest_by_client[client_id] = order

    def close(self, order: Order) -> None:
        """Move an order that is filled or cancelled to the closed ones; forget the oldest."""
        if self.pending.pop(order.ord_id, None) is not None:
            self._pending_counts[order.instrument.inst_id] -= 1
        self._pending_by_client.pop(order.asked.cl_ord_id, None)
        self._closed[order.ord_id] = order
        while len(self._closed) > CLOSED_MAX:
            _, oldest = self._closed.popitem(last=False)
            client_id = oldest.asked.cl_ord_id
            if self._latest_by_client.get(client_id) is oldest:
                del self._latest_by_client[client_id]

    def pending_count(self, inst_id: str) -> int:
        """Return how many orders are pending on an instrument."""
        return self._pending_counts[inst_id]

    def is_client_id_pending(self, client_id: str) -> bool:
        """Tell whether a pending order has this client id."""
        return client_id in self._pending_by_client

    def find(self, ord_id: str, client_id: str, now_ms: int) -> Order | None:
        """Return the order OKX would show: by `ord_id` where given, else the latest of that name.

        None where it never existed or is forgotten.
        """
        if ord_id:
            number = int(ord_id) if ord_id.isascii() and ord_id.isdigit() else -1
            order = self.pending.get(number) or self._closed.get(number)
        else:
            order = self._pending_by_client.get(client_id) or self._latest_by_client.get(client_id)
        if order is None or is_forgotten(order, now_ms, ARCHIVE_KEPT_MS):
            return None
        return order

    def every(self) -> list[Order]:
        """Return all orders by id, also those that OKX would have forgotten."""
        found = [*self._closed.values(), *self.pending.values()]
        return sorted(found, key=lambda order: order.ord_id)

    def closed(self, now_ms: int, kept_ms: int) -> list[Order]:
        """Return the closed orders not older than `kept_ms`, oldest first."""
        return [
            order for order in self._closed.values() if not is_forgotten(order, now_ms, kept_ms)
        ]


def is_forgotten(order: Order, now_ms: int, kept_ms: int) -> bool:
    """Tell whether OKX no longer shows an order."""
    if order.is_pending:
        return False
    age_ms = now_ms - order.updated_ms
    if order.state == CANCELED and not order.filled_sz:
        return age_ms > min(CANCELED_KEPT_MS, kept_ms)
    return age_ms > kept_ms
