"""What does a reply say of an order, if anything that is to be believed?  Pure.

Source: OKX docs v5, "Order Book Trading / Trade", and "Error Code".
"""

from dataclasses import dataclass

from okx_gateway.okx import code as codes
from okx_gateway.okx.reply import (
    RawReply,
    Reply,
    Row,
    UnreadableReplyError,
    milliseconds,
    parse_reply,
    text,
)

OK = 200
CODE_LENGTH_MAX = 16
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Told:
    """What OKX says of one order, in its row or, where it has none, in the envelope.

    Ids are empty where OKX gave none; times are of OKX's clock, 0 or None where it gave none.
    """

    code: str
    message: str
    client_order_id: str
    exchange_order_id: str
    amend_id: str
    at_ms: int
    receive_us: int | None
    send_us: int | None


def told_of_one(raw: RawReply) -> Told:
    """Read the reply to a request about one order.

    Raises:
        UnreadableReplyError: It proves nothing.
    """
    reply = envelope_about_one(raw)
    return told_of_row(reply, reply.rows[0] if reply.rows else {})


def envelope_about_one(raw: RawReply) -> Reply:
    """Read the envelope of a reply to a request about one order.

    Raises:
        UnreadableReplyError: It proves nothing.
    """
    reply = envelope(raw)
    if len(reply.rows) > 1:
        raise UnreadableReplyError("more than one row about one order")
    return reply


def envelope(raw: RawReply) -> Reply:
    """Read the envelope of a reply to a request about orders.

    Raises:
        UnreadableReplyError: It proves nothing.
    """
    if raw.status >= _SERVER_ERROR:
        raise UnreadableReplyError(f"HTTP {raw.status}")
    try:
        reply = parse_reply(raw.body)
    except UnreadableReplyError as error:
        raise UnreadableReplyError(f"HTTP {raw.status} with an unreadable body") from error
    if raw.status != OK and _says_success(reply):
        raise UnreadableReplyError(f"HTTP {raw.status} that says success")
    return reply


def told_of_row(reply: Reply, row: Row) -> Told:
    """Read what `row`, empty where OKX gave none, says within its envelope.

    Raises:
        UnreadableReplyError: It proves nothing, or the two contradict each other.
    """
    told = Told(
        # Where the order's own code exists it wins over that of the envelope.
        code=text(row, "sCode") or reply.code,
        message=text(row, "sMsg") or reply.message,
        client_order_id=text(row, "clOrdId"),
        exchange_order_id=text(row, "ordId"),
        amend_id=text(row, "reqId"),
        at_ms=milliseconds(row, "ts"),
        receive_us=reply.receive_us,
        send_us=reply.send_us,
    )
    if told.code == codes.SUCCESS:
        agree = bool(row) and _says_success(reply)
    else:
        # An envelope with a code of its own, such as a timeout, may speak of more than the row.
        agree = reply.code in (*codes.ENVELOPES_OF_ROWS, told.code)
    if not agree:
        inner, outer = told.code[:CODE_LENGTH_MAX], reply.code[:CODE_LENGTH_MAX]
        raise UnreadableReplyError(f"code {inner} within code {outer}")
    return told


def _says_success(reply: Reply) -> bool:
    """Whether all went well, or, of several orders, some."""
    some = reply.code == codes.PARTIAL_SUCCESS and len(reply.rows) > 1
    return some or reply.code == codes.SUCCESS
