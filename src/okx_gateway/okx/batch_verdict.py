"""What does an answer of OKX prove of each order in a batch?  Pure.

Source: OKX docs v5, "Order Book Trading / Trade": POST Place multiple orders.
"""

from collections import Counter
from collections.abc import Sequence

from okx_gateway.okx.order_reply import envelope, told_of_row
from okx_gateway.okx.reply import RawReply, Reply, UnreadableReplyError, text
from okx_gateway.okx.verdict import InDoubt, PlaceVerdict, verdict_of_told


def verdicts_on_batch(raw: RawReply, client_order_ids: Sequence[str]) -> list[PlaceVerdict]:
    """Judge the reply to the one attempt to place several orders, each for itself, in their order.

    A row is about the order whose id it bears, wherever it stands. A row about an order that was
    not sent makes the whole the answer to another request.
    """
    try:
        reply = envelope(raw)
        named = Counter(text(row, "clOrdId") for row in reply.rows)
        given = Counter(text(row, "ordId") for row in reply.rows)
    except UnreadableReplyError as error:
        return [InDoubt(str(error))] * len(client_order_ids)
    if named.keys() - {*client_order_ids, ""}:
        return [InDoubt("the answer to other orders")] * len(client_order_ids)
    doubled = {each for each, times in given.items() if each and times > 1}
    return [_verdict(reply, each, doubled) for each in client_order_ids]


def _verdict(reply: Reply, client_order_id: str, doubled: set[str]) -> PlaceVerdict:
    # Without any row the envelope speaks of all orders alike.
    rows = [row for row in reply.rows if row.get("clOrdId") == client_order_id] or [{}]
    if len(rows) > 1 or (reply.rows and not rows[0]) or rows[0].get("ordId") in doubled:
        return InDoubt("not one answer to this order")
    try:
        return verdict_of_told(told_of_row(reply, rows[0]), client_order_id)
    except UnreadableReplyError as error:
        return InDoubt(str(error))
