"""What does an answer of OKX prove of an amend?  Pure.

Source: OKX docs v5, "Order Book Trading / Trade": POST Amend order.
"""

from dataclasses import dataclass

from okx_gateway.domain.order import Refused
from okx_gateway.okx import code as codes
from okx_gateway.okx.order_reply import CODE_LENGTH_MAX, told_of_one
from okx_gateway.okx.reply import RawReply, UnreadableReplyError
from okx_gateway.okx.verdict import InDoubt, TurnedAway, Unsent


@dataclass(frozen=True, slots=True)
class AmendTaken:
    """OKX has taken an amend; what becomes of it shows in the order. Times as in `Placed`."""

    exchange_order_id: str
    update_ms: int | None
    receive_us: int | None = None
    send_us: int | None = None


@dataclass(frozen=True, slots=True)
class AmendNeedsLook:
    """The order was finished, or there is none: only looking tells which. Nothing was amended."""


AmendVerdict = AmendTaken | AmendNeedsLook | Refused | Unsent | TurnedAway | InDoubt
"""What is known after one attempt to amend; `Refused` says that the order is as it was."""


def verdict_on_amend(raw: RawReply, exchange_order_id: str, amend_id: str) -> AmendVerdict:
    """Judge the reply to one attempt to amend the order `exchange_order_id`."""
    try:
        told = told_of_one(raw)
    except UnreadableReplyError as error:
        return InDoubt(str(error))
    if told.exchange_order_id not in ("", exchange_order_id) or told.amend_id not in ("", amend_id):
        return InDoubt("the answer to another request")
    if told.code == codes.SUCCESS and told.exchange_order_id:
        return AmendTaken(
            exchange_order_id=exchange_order_id,
            update_ms=told.at_ms or None,
            receive_us=told.receive_us,
            send_us=told.send_us,
        )
    if told.code in codes.AMEND_FINISHED_OR_ABSENT:
        return AmendNeedsLook()
    if told.code in codes.AMEND_REFUSED:
        return Refused(told.code, told.message)
    return InDoubt(f"code {told.code[:CODE_LENGTH_MAX]}")
