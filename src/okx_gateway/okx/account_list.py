"""What is on a page of a list of all orders or fills of an account?  Pure.

Source: OKX docs v5, "Order Book Trading / Trade": GET Order List, GET Order history (last 7 days),
GET Transaction details (last 3 days). Without an instrument, open orders and fills are of all
instruments, and past orders of all of one type.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from okx_gateway.domain.instrument import InstrumentType
from okx_gateway.domain.order import Order
from okx_gateway.domain.order_event import Fill
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.order_change_codec import counted_order_from_row, fill_from_row
from okx_gateway.okx.order_list import cursor_of
from okx_gateway.okx.reply import Row, UnreadableReplyError

_ROWS_MAX = 100


@dataclass(frozen=True, slots=True)
class AccountList:
    """Open orders; or past orders of `kind` placed, or fills made, from `begin_ms` on.

    `endpoint` is GET_ORDERS_PENDING, GET_ORDERS_HISTORY or GET_FILLS, times are of OKX's clock.
    """

    endpoint: Endpoint
    kind: InstrumentType | None = None
    begin_ms: int = 0

    def parameters(self, after: str) -> dict[str, str]:
        """Parameters of the page behind `after`, or of the first where that is empty."""
        parameters = {"limit": str(_ROWS_MAX)}
        if self.kind is not None:
            parameters["instType"] = self.kind.value
        if self.begin_ms:
            parameters["begin"] = str(self.begin_ms)
        if after:
            parameters["after"] = after
        return parameters


@dataclass(frozen=True, slots=True)
class AccountPage:
    """What one page holds. `after` asks for the next one; it is empty at the end of the list."""

    orders: tuple[Order, ...]
    fills: tuple[Fill, ...]
    after: str


def page_from_rows(wanted: AccountList, rows: Sequence[Row], *, after: str) -> AccountPage:
    """Read the page that was asked for with `after`.

    Raises:
        UnreadableReplyError: A row is not what OKX documents, or not of that page.
    """
    cursors = [cursor_of(row, wanted.endpoint) for row in rows]
    if after and any(cursor >= int(after) for cursor in cursors):
        raise UnreadableReplyError("the page does not go on where the one before it ended")
    # A page that is not full may be the last or not; an empty one is.
    behind = str(min(cursors)) if cursors else ""
    if wanted.endpoint is Endpoint.GET_FILLS:
        return AccountPage((), tuple(fill_from_row(row) for row in rows), behind)
    return AccountPage(tuple(counted_order_from_row(row) for row in rows), (), behind)
