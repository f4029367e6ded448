"""How is an order written in the journal, and is another one the same order?  Pure.

The record is flat text under the names that callers know, so that a difference can be told to them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

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


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """A journal row: whose order, which, until when OKX could take it, and what became of it.

    `sent_ms` and `expiry_ms` are of OKX's clock; `outcome` is None while it is not known.
    """

    caller: str
    order: NewOrder
    sent_ms: int
    expiry_ms: int
    outcome: Outcome | None


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


def record_from(row: Mapping[str, str]) -> OrderRecord:
    """Read a journal row.

    Raises:
        ValueError, KeyError: The row was not written by the gateway.
    """
    return OrderRecord(
        caller=row["caller"],
        order=order_from(json.loads(row["order"])),
        sent_ms=int(row["sent_ms"]),
        expiry_ms=int(row["expiry_ms"]),
        outcome=_outcome_from(row),
    )


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
