"""How is an order written in the journal, and is another one the same order?  Pure.

The record is flat text under the names that callers know, so that a difference can be told to them.
Every row bears two tags that Redis cannot make: of the order at its grant, and of its outcome.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

import orjson

from okx_gateway.domain.money import text_from_amount
from okx_gateway.domain.order import (
    AttachedExit,
    Conflict,
    Limit,
    Market,
    NewOrder,
    NotPlaced,
    Outcome,
    Placed,
    PositionSide,
    Refused,
    SelfTradePrevention,
    Side,
    TargetCurrency,
    TimeInForce,
    TradeMode,
    TriggerPriceType,
)


class Seal(Protocol):
    """Makes tags that nobody else can make."""

    def tag(self, *parts: str) -> str:
        """The tag of `parts`."""

    def is_genuine(self, tag: str, *parts: str) -> bool:
        """Whether `tag` is that of `parts`."""


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """A journal row: whose order, which, until when OKX could take it, and what became of it.

    `sent_ms` and `expiry_ms` are of OKX's clock; `outcome` is None while it is not known. `fence`
    names the grant that the row is of, and `cancel_wanted` tells that a cancel waits for its end.
    """

    caller: str
    order: NewOrder
    sent_ms: int
    expiry_ms: int
    outcome: Outcome | None
    fence: str = ""
    cancel_wanted: bool = False


@dataclass(frozen=True, slots=True)
class Intent:
    """What is known of a grant when it is asked for; times are ms, `sent_ms` of OKX's clock."""

    owner: str
    caller: str
    order: NewOrder
    order_text: str
    fence: str
    sent_ms: int
    remaining_ms: int

    def parts(self) -> tuple[str, ...]:
        """What the tag of the row is made of."""
        return (
            "intent",
            self.owner,
            self.order.client_order_id,
            self.caller,
            self.order_text,
            self.fence,
            str(self.sent_ms),
            str(self.remaining_ms),
        )


def order_text(order: NewOrder) -> str:
    """An order as the journal has it."""
    return orjson.dumps(fields_of(order)).decode()


def fields_of(order: NewOrder) -> dict[str, str]:
    """Everything that makes two orders under one id the same order, in the order of the API."""
    fields = {
        "account": order.account,
        "client_order_id": order.client_order_id,
        "instrument": order.instrument,
        "side": order.side.value,
        "trade_mode": order.trade_mode.value,
        "quantity": text_from_amount(order.quantity),
    }
    match order.kind:
        case Market(target_currency):
            fields["market.target_currency"] = target_currency.value if target_currency else ""
        case Limit(price, time_in_force):
            fields["limit.price"] = text_from_amount(price)
            fields["limit.time_in_force"] = time_in_force.value
    fields["position_side"] = order.position_side.value if order.position_side else ""
    fields["reduce_only"] = "true" if order.reduce_only else ""
    fields["margin_currency"] = order.margin_currency
    prevention = order.self_trade_prevention
    fields["self_trade_prevention"] = prevention.value if prevention else ""
    for name, attached in (("take_profit", order.take_profit), ("stop_loss", order.stop_loss)):
        if attached is None:
            continue
        fields[f"{name}.trigger_price"] = text_from_amount(attached.trigger_price)
        fields[f"{name}.trigger_price_type"] = attached.trigger_price_type.value
        if attached.order_price is not None:
            fields[f"{name}.order_price"] = text_from_amount(attached.order_price)
    fields["tag"] = order.tag
    return {name: value for name, value in fields.items() if value or name.startswith("market.")}


def order_from(fields: Mapping[str, str]) -> NewOrder:
    """Read what `fields_of` wrote.

    Raises:
        ValueError, KeyError: It was not written by it.
    """
    price = fields.get("limit.price")
    target = fields.get("market.target_currency", "")
    kind: Market | Limit = (
        Limit(Decimal(price), TimeInForce(fields["limit.time_in_force"]))
        if price is not None
        else Market(TargetCurrency(target) if target else None)
    )
    position_side = fields.get("position_side")
    prevention = fields.get("self_trade_prevention")
    return NewOrder(
        account=fields["account"],
        client_order_id=fields["client_order_id"],
        instrument=fields["instrument"],
        side=Side(fields["side"]),
        trade_mode=TradeMode(fields["trade_mode"]),
        quantity=Decimal(fields["quantity"]),
        kind=kind,
        position_side=PositionSide(position_side) if position_side else None,
        reduce_only=fields.get("reduce_only") == "true",
        margin_currency=fields.get("margin_currency", ""),
        self_trade_prevention=SelfTradePrevention(prevention) if prevention else None,
        take_profit=_attached_from(fields, "take_profit"),
        stop_loss=_attached_from(fields, "stop_loss"),
        tag=fields.get("tag", ""),
    )


def _attached_from(fields: Mapping[str, str], name: str) -> AttachedExit | None:
    trigger_price = fields.get(f"{name}.trigger_price")
    if trigger_price is None:
        return None
    order_price = fields.get(f"{name}.order_price")
    return AttachedExit(
        Decimal(trigger_price),
        TriggerPriceType(fields[f"{name}.trigger_price_type"]),
        None if order_price is None else Decimal(order_price),
    )


def first_difference(one: NewOrder, other: NewOrder) -> str:
    """The first field, as callers name it, in which two orders differ; empty where none does."""
    left, right = fields_of(one), fields_of(other)
    names = [*left, *(name for name in right if name not in left)]
    return next((name for name in names if left.get(name) != right.get(name)), "")


def outcome_fields(outcome: Outcome) -> list[str]:
    """A final outcome as a state, then pairs of field and value."""
    match outcome:
        case Placed(exchange_order_id, place_ms, receive_us, send_us):
            return [
                "placed",
                *("exchange_order_id", exchange_order_id),
                *("place_ms", str(place_ms)),
                *("receive_us", str(receive_us or "")),
                *("send_us", str(send_us or "")),
            ]
        case Refused(code, message):
            return ["refused", "code", code, "message", message]
        case NotPlaced():
            return ["not_placed"]
        case Conflict(difference):
            return ["conflict", "difference", difference]


def sealed_outcome(
    seal: Seal, owner: str, client_order_id: str, fence: str, outcome: Outcome
) -> list[str]:
    """`outcome_fields` with their tag as the last pair."""
    fields = outcome_fields(outcome)
    return [*fields, "outcome_seal", seal.tag("outcome", owner, client_order_id, fence, *fields)]


def cancel_parts(owner: str, client_order_id: str, fence: str) -> Sequence[str]:
    """What the tag of a kept cancel is made of."""
    return "cancel", owner, client_order_id, fence


def record_from(
    row: Mapping[str, str], *, seal: Seal, owner: str, client_order_id: str
) -> OrderRecord:
    """Read a journal row.

    Raises:
        ValueError, KeyError: The row was not written by the gateway, or for another order.
    """
    order = order_from(orjson.loads(row["order"]))
    fence, sent_ms, expiry_ms = row["nonce"], int(row["sent_ms"]), int(row["expiry_ms"])
    remaining_ms = int(row["remaining_ms"])
    intent = Intent(owner, row["caller"], order, row["order"], fence, sent_ms, remaining_ms)
    if order.client_order_id != client_order_id or not seal.is_genuine(
        row["seal"], *intent.parts()
    ):
        raise ValueError("not sealed by the gateway")
    if not sent_ms <= expiry_ms <= sent_ms + remaining_ms:
        raise ValueError("an expiry that was not granted")
    outcome = _outcome_from(row)
    if outcome is not None:
        fields = ("outcome", owner, client_order_id, fence, *outcome_fields(outcome))
        if not seal.is_genuine(row["outcome_seal"], *fields):
            raise ValueError("an outcome not sealed by the gateway")
    cancel_wanted = "cancel" in row and seal.is_genuine(
        row["cancel"], *cancel_parts(owner, client_order_id, fence)
    )
    return OrderRecord(row["caller"], order, sent_ms, expiry_ms, outcome, fence, cancel_wanted)


def _outcome_from(row: Mapping[str, str]) -> Outcome | None:
    match row["state"]:
        case "sending":
            return None
        case "placed":
            return Placed(
                row["exchange_order_id"],
                int(row["place_ms"]),
                int(row["receive_us"]) if row["receive_us"] else None,
                int(row["send_us"]) if row["send_us"] else None,
            )
        case "refused":
            return Refused(row["code"], row["message"])
        case "not_placed":
            return NotPlaced()
        case "conflict":
            return Conflict(row["difference"])
        case state:
            raise ValueError(f"unknown state {state[:40]!r}")
