"""What does an answer of OKX, or the lack of one, prove of an order?  Pure.

Doubt is never rounded off: what proves nothing is `InDoubt`, and doubt ends by looking.
"""

from dataclasses import dataclass

from okx_gateway.domain.order import Order, OrderName, Placed, Refused
from okx_gateway.okx import code as codes
from okx_gateway.okx.order_codec import order_from_row
from okx_gateway.okx.order_reply import (
    CODE_LENGTH_MAX,
    OK,
    Told,
    envelope_about_one,
    told_of_one,
)
from okx_gateway.okx.reply import RawReply, Row, UnreadableReplyError

# Two hours, less the ten minutes and more by which an order may be older than its expiry.
_REMEMBERED_MS = 105 * 60_000


@dataclass(frozen=True, slots=True)
class Unsent:
    """Not one byte of the request left this process.

    `late` where it was held up until it was no longer to be written: a fresh attempt may succeed.
    """

    cause: str
    late: bool = False


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """The way that the request went provably did not take it, and another may.

    Other than `Unsent` it was sent, and OKX has counted it.
    """

    cause: str


@dataclass(frozen=True, slots=True)
class InDoubt:
    """OKX may or may not have acted; `cause` is for people."""

    cause: str


PlaceVerdict = Placed | Refused | Unsent | TurnedAway | InDoubt
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


CancelVerdict = CancelTaken | CancelNeedsLook | Refused | Unsent | TurnedAway | InDoubt
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
    """The look-up told nothing; `code` is OKX's, empty where it gave none.

    `late` where nothing was asked: it was held up until it was no longer to be.
    """

    cause: str
    code: str = ""
    late: bool = False


LookupVerdict = Found | Absent | NoEvidence
"""What looking an order up has told."""


def verdict_on_place(raw: RawReply, client_order_id: str) -> PlaceVerdict:
    """Judge the reply to the one attempt to place an order."""
    try:
        return verdict_of_told(told_of_one(raw), client_order_id)
    except UnreadableReplyError as error:
        return InDoubt(str(error))


def verdict_of_told(told: Told, client_order_id: str) -> PlaceVerdict:
    """Judge what was told of the one attempt to place an order."""
    if told.client_order_id not in ("", client_order_id):
        return InDoubt("the answer to another order")
    if told.code == codes.SUCCESS and told.exchange_order_id:
        return Placed(
            exchange_order_id=told.exchange_order_id,
            place_ms=told.at_ms or (told.receive_us or 0) // 1000,
            receive_us=told.receive_us,
            send_us=told.send_us,
        )
    # 51000 names the parameter that is wrong; some clients report it for a clOrdId in use.
    names_duplicate = told.code == "51000" and "exist" in told.message.lower()
    if told.code in codes.PROVES_ABSENCE and not told.exchange_order_id and not names_duplicate:
        return Refused(told.code, told.message)
    return InDoubt(f"code {told.code[:CODE_LENGTH_MAX]}")


def verdict_on_cancel(raw: RawReply, name: OrderName) -> CancelVerdict:
    """Judge the reply to one attempt to cancel the order `name`."""
    try:
        told = told_of_one(raw)
    except UnreadableReplyError as error:
        return InDoubt(str(error))
    if not _is_about(name, told.client_order_id, told.exchange_order_id, unnamed=True):
        return InDoubt("the answer to another request")
    if told.code == codes.SUCCESS or told.code in codes.CANCEL_UNDER_WAY:
        return CancelTaken(told.exchange_order_id, told.client_order_id, told.at_ms or None)
    if told.code in codes.CANCEL_FINISHED_OR_ABSENT:
        return CancelNeedsLook()
    if told.code in codes.CANCEL_REFUSED:
        return Refused(told.code, told.message)
    return InDoubt(f"code {told.code[:CODE_LENGTH_MAX]}")


def verdict_on_lookup(raw: RawReply, name: OrderName) -> LookupVerdict:
    """Judge the reply to a look-up of the order `name`.

    Only a well-formed HTTP 200 counts: a proxy's 404 or an expired signature says nothing.
    """
    try:
        reply = envelope_about_one(raw)
    except UnreadableReplyError as error:
        return NoEvidence(str(error))
    if raw.status == OK and reply.code == codes.ORDER_ABSENT and not reply.rows:
        return Absent()
    if raw.status != OK or reply.code != codes.SUCCESS or len(reply.rows) != 1:
        return NoEvidence(f"code {reply.code[:CODE_LENGTH_MAX]} {reply.message}", reply.code)
    try:
        order = order_from_row(reply.rows[0])
    except UnreadableReplyError as error:
        return NoEvidence(str(error))
    if not _is_about(name, order.client_order_id, order.exchange_order_id, unnamed=False):
        return NoEvidence("the answer is about another order")
    return Found(order, reply.rows[0])


def _is_about(
    name: OrderName, client_order_id: str, exchange_order_id: str, *, unnamed: bool
) -> bool:
    """Whether these are ids of the order `name`, or, if `unnamed`, at least of no other."""
    if name.exchange_order_id:
        wanted, found = name.exchange_order_id, exchange_order_id
    else:
        wanted, found = name.client_order_id, client_order_id
    return found == wanted or (unnamed and not found)


def has_shown(*, asked_ms: int, expiry_ms: int, margin_ms: int) -> bool:
    """Whether an order shows in what was asked for at `asked_ms`, if it ever will.

    As in `absence_is_proven`.
    """
    return expiry_ms + margin_ms < asked_ms


def absence_is_proven(*, asked_ms: int, expiry_ms: int, margin_ms: int) -> bool:
    """Whether `Absent`, asked for at `asked_ms`, means that the order never was and never will be.

    All times are ms of OKX's clock, `asked_ms` its lower bound. OKX processes no order after its
    expTime; `margin_ms` covers the time from that check until the order shows in look-ups. It keeps
    an order that was cancelled unfilled for two hours: later, absence proves nothing any more.
    Source: OKX docs v5, "GET / Order history (last 7 days)".
    """
    shown = has_shown(asked_ms=asked_ms, expiry_ms=expiry_ms, margin_ms=margin_ms)
    return shown and asked_ms < expiry_ms + _REMEMBERED_MS


def absence_is_forgotten(*, asked_ms: int, expiry_ms: int) -> bool:
    """Whether OKX may no longer know of an order that it once had; see `absence_is_proven`."""
    return asked_ms >= expiry_ms + _REMEMBERED_MS
