"""What does an answer of OKX, or the lack of one, prove of an order?  Pure.

Doubt is never rounded off: what proves nothing is `InDoubt`, and doubt ends by looking.
"""

from dataclasses import dataclass

from okx_gateway.domain.order import Order, OrderName, Placed, Refused
from okx_gateway.okx import code as codes
from okx_gateway.okx.order_codec import order_from_row
from okx_gateway.okx.reply import (
    RawReply,
    Reply,
    Row,
    UnreadableReplyError,
    milliseconds,
    parse_reply,
    text,
)

_OK = 200
_SERVER_ERROR = 500
_CODE_LENGTH_MAX = 16
# Two hours, less the ten minutes and more by which an order may be older than its expiry.
_REMEMBERED_MS = 105 * 60_000


@dataclass(frozen=True, slots=True)
class Unsent:
    """Not one byte of the request left this process."""

    cause: str


@dataclass(frozen=True, slots=True)
class InDoubt:
    """OKX may or may not have acted; `cause` is for people."""

    cause: str


PlaceVerdict = Placed | Refused | Unsent | InDoubt
"""What is known of an order after one attempt to place it."""


@dataclass(frozen=True, slots=True)
class CancelTaken:
    """OKX has taken a cancel, this one or an earlier one; the order may still fill."""

    exchange_order_id: str
    client_order_id: str
    update_ms: int | None


@dataclass(frozen=True, slots=True)
class CancelNeedsLook:
    """The order was finished, or there is none: only looking tells which."""


CancelVerdict = CancelTaken | CancelNeedsLook | Refused | Unsent | InDoubt
"""What is known after one attempt to cancel."""


@dataclass(frozen=True, slots=True)
class Found:
    """OKX has the order; `row` is what it said, for comparison."""

    order: Order
    row: Row


@dataclass(frozen=True, slots=True)
class Absent:
    """OKX knows no order under the id, now."""


@dataclass(frozen=True, slots=True)
class NoEvidence:
    """The look-up told nothing; `code` is OKX's, empty where it gave none."""

    cause: str
    code: str = ""


LookupVerdict = Found | Absent | NoEvidence
"""What looking an order up has told."""


def verdict_on_place(raw: RawReply, client_order_id: str) -> PlaceVerdict:
    """Judge the reply to the one attempt to place an order."""
    reply = _usable(raw)
    if isinstance(reply, InDoubt):
        return reply
    try:
        return _place_verdict(reply, client_order_id)
    except UnreadableReplyError as error:
        return InDoubt(str(error))


def _place_verdict(reply: Reply, client_order_id: str) -> PlaceVerdict:
    row = reply.rows[0] if reply.rows else {}
    # Where the order's own code exists it wins over that of the envelope.
    code = text(row, "sCode") or reply.code
    message = text(row, "sMsg") or reply.message
    exchange_order_id = text(row, "ordId")
    if text(row, "clOrdId") not in ("", client_order_id):
        return InDoubt("the answer to another order")
    if code == codes.SUCCESS:
        if not exchange_order_id or reply.code != codes.SUCCESS:
            return InDoubt("accepted without an id, or not by the envelope")
        return Placed(
            exchange_order_id=exchange_order_id,
            place_ms=milliseconds(row, "ts") or (reply.receive_us or 0) // 1000,
            receive_us=reply.receive_us,
            send_us=reply.send_us,
        )
    if exchange_order_id:
        return InDoubt(f"code {code[:_CODE_LENGTH_MAX]} beside an order id")
    # 51000 names the parameter that is wrong; some clients report it for a clOrdId in use.
    names_duplicate = code == "51000" and "exist" in message.lower()
    # An envelope with a code of its own, such as a timeout, may speak of more than the row.
    agrees = reply.code in (*codes.ENVELOPES_OF_ROWS, code)
    if code in codes.PROVES_ABSENCE and agrees and not names_duplicate:
        return Refused(code, message)
    return InDoubt(f"code {code[:_CODE_LENGTH_MAX]}")


def verdict_on_cancel(raw: RawReply) -> CancelVerdict:
    """Judge the reply to one attempt to cancel."""
    reply = _usable(raw)
    if isinstance(reply, InDoubt):
        return reply
    try:
        return _cancel_verdict(reply)
    except UnreadableReplyError as error:
        return InDoubt(str(error))


def _cancel_verdict(reply: Reply) -> CancelVerdict:
    row = reply.rows[0] if reply.rows else {}
    code = text(row, "sCode") or reply.code
    if code == codes.SUCCESS and (not row or reply.code != codes.SUCCESS):
        return InDoubt("accepted without a row, or not by the envelope")
    if code == codes.SUCCESS or code in codes.CANCEL_UNDER_WAY:
        return CancelTaken(
            exchange_order_id=text(row, "ordId"),
            client_order_id=text(row, "clOrdId"),
            update_ms=milliseconds(row, "ts") or None,
        )
    if code in codes.CANCEL_FINISHED_OR_ABSENT:
        return CancelNeedsLook()
    if code in codes.CANCEL_REFUSED:
        return Refused(code, text(row, "sMsg") or reply.message)
    return InDoubt(f"code {code[:_CODE_LENGTH_MAX]}")


def verdict_on_lookup(raw: RawReply, name: OrderName) -> LookupVerdict:
    """Judge the reply to a look-up of the order `name`.

    Only a well-formed HTTP 200 counts: a proxy's 404 or an expired signature says nothing.
    """
    reply = _usable(raw)
    if isinstance(reply, InDoubt):
        return NoEvidence(reply.cause)
    if raw.status == _OK and reply.code == codes.ORDER_ABSENT and not reply.rows:
        return Absent()
    if raw.status != _OK or reply.code != codes.SUCCESS or len(reply.rows) != 1:
        return NoEvidence(f"code {reply.code[:_CODE_LENGTH_MAX]} {reply.message}", reply.code)
    try:
        order = order_from_row(reply.rows[0])
    except UnreadableReplyError as error:
        return NoEvidence(str(error))
    if name.exchange_order_id:
        same = order.exchange_order_id == name.exchange_order_id
    else:
        same = order.client_order_id == name.client_order_id
    if not same:
        return NoEvidence("the answer is about another order")
    return Found(order, reply.rows[0])


def _usable(raw: RawReply) -> Reply | InDoubt:
    """The envelope of a reply about one order that may prove something."""
    if raw.status >= _SERVER_ERROR:
        return InDoubt(f"HTTP {raw.status}")
    try:
        reply = parse_reply(raw.body)
    except UnreadableReplyError:
        return InDoubt(f"HTTP {raw.status} with an unreadable body")
    if len(reply.rows) > 1:
        return InDoubt("more than one row about one order")
    if raw.status != _OK and reply.code == codes.SUCCESS:
        return InDoubt(f"HTTP {raw.status} that says success")
    return reply


def absence_is_proven(*, asked_ms: int, expiry_ms: int, margin_ms: int) -> bool:
    """Whether `Absent`, asked for at `asked_ms`, means that the order never was and never will be.

    All times are ms of OKX's clock, `asked_ms` its lower bound. OKX processes no order after its
    expTime; `margin_ms` covers the time from that check until the order shows in look-ups. It keeps
    an order that was cancelled unfilled for two hours: later, absence proves nothing any more.
    Source: OKX docs v5, "GET / Order history (last 7 days)".
    """
    return expiry_ms + margin_ms < asked_ms < expiry_ms + _REMEMBERED_MS
