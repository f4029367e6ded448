"""How do a caller's words become domain values, and domain values answers?  Pure.

The only place that checks a message: by the rules written in the proto files, all at once.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import protovalidate
from google.protobuf.message import Message

from okx_gateway.api.v1 import gateway_service_pb2, order_pb2
from okx_gateway.domain.errors import InvalidRequestError, Violation
from okx_gateway.domain.order import (
    Amend,
    AttachedExit,
    Cancel,
    Limit,
    Market,
    NewOrder,
    NewValues,
    OrderName,
    PositionSide,
    SelfTradePrevention,
    Side,
    TargetCurrency,
    TimeInForce,
    TradeMode,
    TriggerPriceType,
)
from okx_gateway.edge.stamp import time_of, time_of_us
from okx_gateway.usecases.place_order import PlaceAnswer

_VALIDATOR = protovalidate.Validator()
_VALUE_LENGTH_MAX = 64


def check(request: Message) -> None:
    """Check a request by the rules of its proto file.

    Raises:
        InvalidRequestError: With everything that is wrong with it.
    """
    found = _VALIDATOR.collect_violations(request)
    if found:
        raise InvalidRequestError([_violation(each) for each in found])


def _violation(found: Any) -> Violation:
    rule = found.proto
    if rule.field is None or not rule.field.elements:
        # A rule of the whole message is named after the field that its text is about.
        field = rule.rule_id.partition(".")[2]
        return Violation(field, rule.message.removeprefix(field).lstrip())
    value = found.field_value
    shown = "" if value is None or isinstance(value, Message) else str(value)
    return Violation(
        _path(rule.field.elements), rule.message or rule.rule_id, shown[:_VALUE_LENGTH_MAX]
    )


def _path(elements: Iterable[Any]) -> str:
    path = ""
    for element in elements:
        path += f".{element.field_name}" if path else element.field_name
        subscript = element.subscript
        if subscript is not None:
            path += f"[{subscript.value}]"
    return path


def new_order(request: gateway_service_pb2.PlaceOrderRequest, account: str) -> NewOrder:
    """The order that a checked request asks for, on the account that it may be placed on."""
    return NewOrder(
        account=account,
        client_order_id=request.client_order_id,
        instrument=request.instrument,
        side=_SIDES[request.side],
        trade_mode=_TRADE_MODES[request.trade_mode],
        quantity=Decimal(request.quantity),
        kind=_kind(request),
        position_side=_POSITION_SIDES[request.position_side],
        reduce_only=request.reduce_only,
        margin_currency=request.margin_currency,
        self_trade_prevention=_SELF_TRADE_PREVENTIONS[request.self_trade_prevention],
        take_profit=_exit(request.take_profit) if request.HasField("take_profit") else None,
        stop_loss=_exit(request.stop_loss) if request.HasField("stop_loss") else None,
        tag=request.tag,
    )


def _kind(request: gateway_service_pb2.PlaceOrderRequest) -> Market | Limit:
    if request.HasField("market"):
        return Market(_TARGET_CURRENCIES[request.market.target_currency])
    return Limit(Decimal(request.limit.price), _TIMES_IN_FORCE[request.limit.time_in_force])


def _exit(attached: order_pb2.AttachedExit) -> AttachedExit:
    return AttachedExit(
        Decimal(attached.trigger_price),
        _TRIGGER_PRICE_TYPES[attached.trigger_price_type],
        Decimal(attached.order_price) if attached.order_price else None,
    )


def new_values(request: gateway_service_pb2.AmendOrderRequest) -> NewValues:
    """What a checked request wants an order to become."""
    return NewValues(
        quantity=Decimal(request.new_quantity) if request.new_quantity else None,
        price=Decimal(request.new_price) if request.new_price else None,
    )


def order_name(
    request: gateway_service_pb2.CancelOrderRequest
    | gateway_service_pb2.AmendOrderRequest
    | gateway_service_pb2.GetOrderRequest,
) -> OrderName:
    """Which order a checked request is about."""
    return OrderName(request.client_order_id, request.exchange_order_id)


def place_response(order: NewOrder, answer: PlaceAnswer) -> gateway_service_pb2.PlaceOrderResponse:
    """Answer of PlaceOrder."""
    placed = answer.placed
    return gateway_service_pb2.PlaceOrderResponse(
        outcome=order_pb2.ORDER_OUTCOME_PLACED,
        client_order_id=order.client_order_id,
        exchange_order_id=placed.exchange_order_id,
        place_time=time_of(placed.place_ms),
        exchange_receive_time=time_of_us(placed.receive_us),
        exchange_send_time=time_of_us(placed.send_us),
        replayed=answer.replayed,
    )


def cancel_response(cancel: Cancel) -> gateway_service_pb2.CancelOrderResponse:
    """Answer of CancelOrder."""
    return gateway_service_pb2.CancelOrderResponse(
        outcome=gateway_service_pb2.CancelOutcome.Value(f"CANCEL_OUTCOME_{cancel.outcome.name}"),
        client_order_id=cancel.client_order_id,
        exchange_order_id=cancel.exchange_order_id,
        update_time=time_of(cancel.update_ms),
    )


def amend_response(amend: Amend) -> gateway_service_pb2.AmendOrderResponse:
    """Answer of AmendOrder."""
    return gateway_service_pb2.AmendOrderResponse(
        outcome=gateway_service_pb2.AmendOutcome.Value(f"AMEND_OUTCOME_{amend.outcome.name}"),
        client_order_id=amend.client_order_id,
        exchange_order_id=amend.exchange_order_id,
        update_time=time_of(amend.update_ms),
    )


_SIDES = {order_pb2.SIDE_BUY: Side.BUY, order_pb2.SIDE_SELL: Side.SELL}
_TRADE_MODES = {
    order_pb2.TRADE_MODE_CASH: TradeMode.CASH,
    order_pb2.TRADE_MODE_CROSS: TradeMode.CROSS,
    order_pb2.TRADE_MODE_ISOLATED: TradeMode.ISOLATED,
}
_POSITION_SIDES = {
    order_pb2.POSITION_SIDE_UNSPECIFIED: None,
    order_pb2.POSITION_SIDE_LONG: PositionSide.LONG,
    order_pb2.POSITION_SIDE_SHORT: PositionSide.SHORT,
}
_TIMES_IN_FORCE = {
    order_pb2.TIME_IN_FORCE_GOOD_TILL_CANCELLED: TimeInForce.GOOD_TILL_CANCELLED,
    order_pb2.TIME_IN_FORCE_POST_ONLY: TimeInForce.POST_ONLY,
    order_pb2.TIME_IN_FORCE_FILL_OR_KILL: TimeInForce.FILL_OR_KILL,
    order_pb2.TIME_IN_FORCE_IMMEDIATE_OR_CANCEL: TimeInForce.IMMEDIATE_OR_CANCEL,
}
_TARGET_CURRENCIES = {
    order_pb2.TARGET_CURRENCY_UNSPECIFIED: None,
    order_pb2.TARGET_CURRENCY_BASE: TargetCurrency.BASE,
    order_pb2.TARGET_CURRENCY_QUOTE: TargetCurrency.QUOTE,
}
_SELF_TRADE_PREVENTIONS = {
    order_pb2.SELF_TRADE_PREVENTION_UNSPECIFIED: None,
    order_pb2.SELF_TRADE_PREVENTION_CANCEL_MAKER: SelfTradePrevention.CANCEL_MAKER,
    order_pb2.SELF_TRADE_PREVENTION_CANCEL_TAKER: SelfTradePrevention.CANCEL_TAKER,
    order_pb2.SELF_TRADE_PREVENTION_CANCEL_BOTH: SelfTradePrevention.CANCEL_BOTH,
}
_TRIGGER_PRICE_TYPES = {
    order_pb2.TRIGGER_PRICE_TYPE_UNSPECIFIED: TriggerPriceType.LAST,
    order_pb2.TRIGGER_PRICE_TYPE_LAST: TriggerPriceType.LAST,
    order_pb2.TRIGGER_PRICE_TYPE_INDEX: TriggerPriceType.INDEX,
    order_pb2.TRIGGER_PRICE_TYPE_MARK: TriggerPriceType.MARK,
}
