"""Which orders are on a page of a list of orders or fills, and where does it go on?  Pure.

A list tells that an order is not in it only once it was read to its end. Source: OKX docs v5,
"Order Book Trading / Trade": GET Order List, GET Order history (last 7 days), GET Transaction
details (last 3 days).
"""

from dataclasses import dataclass

from okx_gateway.domain.instrument import Instrument
from okx_gateway.okx import code as codes
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.reply import RawReply, Row, UnreadableReplyError, parse_reply, text
from okx_gateway.okx.verdict import NoEvidence

_OK = 200
_ROWS_MAX = 100
# By what each list goes on.
_CURSORS = {
    Endpoint.GET_ORDERS_PENDING: "ordId",
    Endpoint.GET_ORDERS_HISTORY: "ordId",
    Endpoint.GET_FILLS: "billId",
}


@dataclass(frozen=True, slots=True)
class ListedOrder:
    """An order on a list, by its ids; they are empty where OKX has none."""

    client_order_id: str
    exchange_order_id: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """What one page holds. `after` asks for the next one; it is empty at the end of the list."""

    orders: tuple[ListedOrder, ...]
    after: str


ListVerdict = ListPage | NoEvidence
"""What asking for a page has told."""


def page_parameters(
    endpoint: Endpoint, instrument: Instrument, *, after: str, begin_ms: int, end_ms: int
) -> dict[str, str]:
    """Parameters of one page; `after` is empty for the newest, times are ms of OKX's clock."""
    parameters = {"instId": instrument.name, "limit": str(_ROWS_MAX)}
    # What is pending is not asked for by time, and only finished orders have to be by type.
    if endpoint is Endpoint.GET_ORDERS_HISTORY:
        parameters["instType"] = instrument.type.value
    if endpoint is not Endpoint.GET_ORDERS_PENDING:
        parameters |= {"begin": str(begin_ms), "end": str(end_ms)}
    if after:
        parameters["after"] = after
    return parameters


def verdict_on_page(
    raw: RawReply, endpoint: Endpoint, instrument: Instrument, *, after: str
) -> ListVerdict:
    """Judge the reply to a request for the page `after`.

    Only a well-formed HTTP 200 counts, and only the page that was asked for.
    """
    if raw.status != _OK:
        return NoEvidence(f"HTTP {raw.status}")
    try:
        reply = parse_reply(raw.body)
        if reply.code != codes.SUCCESS:
            return NoEvidence(f"code {reply.code[:16]} {reply.message}", reply.code)
        orders = tuple(_listed(row, instrument) for row in reply.rows)
        cursors = [cursor_of(row, endpoint) for row in reply.rows]
    except UnreadableReplyError as error:
        return NoEvidence(str(error))
    if after and any(cursor >= int(after) for cursor in cursors):
        return NoEvidence("the page does not go on where the one before it ended")
    # A page that is not full may be the last or not; an empty one is.
    return ListPage(orders, str(min(cursors)) if cursors else "")


def _listed(row: Row, instrument: Instrument) -> ListedOrder:
    if text(row, "instId") != instrument.name:
        raise UnreadableReplyError("a row about another instrument")
    return ListedOrder(text(row, "clOrdId"), text(row, "ordId"))


def cursor_of(row: Row, endpoint: Endpoint) -> int:
    """By what the list of `endpoint` goes on behind a row.

    Raises:
        UnreadableReplyError: The row does not say.
    """
    value = text(row, _CURSORS[endpoint])
    if not (value.isascii() and value.isdigit() and len(value) <= 32):
        raise UnreadableReplyError("a row without an id to go on by")
    return int(value)
