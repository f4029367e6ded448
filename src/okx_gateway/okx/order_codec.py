"""How are orders written for OKX and read from it?  Pure.

Source: OKX docs v5, "Order Book Trading / Trade": POST Place order, POST Place multiple orders,
POST Amend order, POST Cancel order, GET Order details.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.domain.money import text_from_amount
from okx_gateway.domain.order import (
    AttachedExit,
    Limit,
    Market,
    NewOrder,
    Order,
    OrderName,
    OrderState,
    PositionSide,
    Side,
    TimeInForce,
)
from okx_gateway.okx.reply import Row, UnreadableReplyError, milliseconds, text

_ORDER_TYPE = {
    TimeInForce.GOOD_TILL_CANCELLED: "limit",
    TimeInForce.POST_ONLY: "post_only",
    TimeInForce.FILL_OR_KILL: "fok",
    TimeInForce.IMMEDIATE_OR_CANCEL: "ioc",
}

_STATE = {
    "live": OrderState.LIVE,
    "partially_filled": OrderState.PARTIALLY_FILLED,
    "filled": OrderState.FILLED,
    "canceled": OrderState.CANCELLED,
    "mmp_canceled": OrderState.CANCELLED,
}

# OKX counts a batch of one as a single order.
BATCH_MIN = 2
BATCH_MAX = 20

# "At market" as the price of an attached exit.
_MARKET_PRICE = "-1"


def place_parameters(order: NewOrder, instrument: Instrument) -> dict[str, Any]:
    """Parameters of one order; every default that money hangs on is written out."""
    parameters: dict[str, Any] = {
        "instId": order.instrument,
        "tdMode": order.trade_mode.value,
        "side": order.side.value,
        "clOrdId": order.client_order_id,
        "sz": text_from_amount(order.quantity),
    }
    match order.kind:
        case Limit(price, time_in_force):
            parameters["ordType"] = _ORDER_TYPE[time_in_force]
            parameters["px"] = text_from_amount(price)
        case Market(target_currency):
            parameters["ordType"] = "market"
            if instrument.type is InstrumentType.SPOT:
                # Left out, OKX would read the quantity of a buy as quote currency.
                unit = target_currency.value if target_currency else "base"
                parameters["tgtCcy"] = f"{unit}_ccy"
                # Left out, OKX would shrink an order that the funds do not cover, not refuse it.
                parameters["banAmend"] = True
    if order.position_side is not None:
        parameters["posSide"] = order.position_side.value
    if order.reduce_only:
        parameters["reduceOnly"] = True
    if order.margin_currency:
        parameters["ccy"] = order.margin_currency
    if order.self_trade_prevention is not None:
        parameters["stpMode"] = order.self_trade_prevention.value
    if order.tag:
        parameters["tag"] = order.tag
    exits = _attached_exits(order.take_profit, order.stop_loss)
    if exits:
        parameters["attachAlgoOrds"] = [exits]
    return parameters


def _attached_exits(
    take_profit: AttachedExit | None, stop_loss: AttachedExit | None
) -> dict[str, str]:
    exits: dict[str, str] = {}
    for prefix, attached in (("tp", take_profit), ("sl", stop_loss)):
        if attached is None:
            continue
        exits[f"{prefix}TriggerPx"] = text_from_amount(attached.trigger_price)
        exits[f"{prefix}TriggerPxType"] = attached.trigger_price_type.value
        exits[f"{prefix}OrdPx"] = (
            _MARKET_PRICE
            if attached.order_price is None
            else text_from_amount(attached.order_price)
        )
    return exits


def body_of(parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> bytes:
    """The bytes that are signed and sent."""
    return orjson.dumps(parameters)


def amend_parameters(
    instrument: str,
    exchange_order_id: str,
    *,
    quantity: Decimal | None,
    price: Decimal | None,
    amend_id: str,
) -> dict[str, Any]:
    """Parameters that change an order to absolute values; `quantity` includes what is filled."""
    parameters: dict[str, Any] = {
        "instId": instrument,
        "ordId": exchange_order_id,
        "reqId": amend_id,
        # An order that cannot be changed stays as it is.
        "cxlOnFail": False,
    }
    if quantity is not None:
        parameters["newSz"] = text_from_amount(quantity)
    if price is not None:
        parameters["newPx"] = text_from_amount(price)
    return parameters


def name_parameters(instrument: str, name: OrderName) -> dict[str, str]:
    """Parameters that say which order; OKX prefers its own id where both are given."""
    if name.exchange_order_id:
        return {"instId": instrument, "ordId": name.exchange_order_id}
    return {"instId": instrument, "clOrdId": name.client_order_id}


def order_from_row(row: Row) -> Order:
    """Read one row of Order details.

    Raises:
        UnreadableReplyError: A field is missing or not what OKX documents.
    """
    word, side = text(row, "state"), text(row, "side")
    # A word that OKX adds must not hide that the order is there.
    state = _STATE.get(word, OrderState.OTHER)
    if not word or side not in ("buy", "sell") or not text(row, "ordId"):
        raise UnreadableReplyError("not the details of an order")
    return Order(
        client_order_id=text(row, "clOrdId"),
        exchange_order_id=text(row, "ordId"),
        instrument=text(row, "instId"),
        side=Side(side),
        state=state,
        price=text(row, "px"),
        quantity=text(row, "sz"),
        filled_quantity=text(row, "accFillSz") or "0",
        average_price=text(row, "avgPx"),
        fee=text(row, "fee"),
        fee_currency=text(row, "feeCcy"),
        tag=text(row, "tag"),
        cancel_source=text(row, "cancelSource") if state is OrderState.CANCELLED else "",
        place_ms=milliseconds(row, "cTime"),
        update_ms=milliseconds(row, "uTime"),
    )


def first_difference(order: NewOrder, row: Row, *, sent: bool) -> str:
    """The first field in which OKX's order is not the one that was placed; empty if none is.

    Of an order that was changed since, by a fill or an amend, OKX no longer tells with which
    quantity and price it was placed: where it is known that `order` was `sent` under this id, these
    two are then no evidence against it.
    """
    kind = order.kind
    changed = sent and row.get("uTime") != row.get("cTime")
    checks = (
        ("instrument", row.get("instId") == order.instrument),
        ("side", row.get("side") == order.side.value),
        ("trade_mode", row.get("tdMode") == order.trade_mode.value),
        ("quantity", changed or _same_amount(row.get("sz"), order.quantity)),
        ("kind", (row.get("ordType") == "market") == isinstance(kind, Market)),
        (
            "price",
            changed or isinstance(kind, Market) or _same_amount(row.get("px"), kind.price),
        ),
        ("position_side", _same_position_side(row.get("posSide"), order.position_side)),
    )
    return next((field for field, same in checks if not same), "")


def _same_amount(value: object, amount: Decimal) -> bool:
    try:
        return isinstance(value, str) and Decimal(value) == amount
    except InvalidOperation:
        return False


def _same_position_side(value: object, position_side: PositionSide | None) -> bool:
    if position_side is None:
        return value in (None, "", "net")
    return value == position_side.value
