"""Messages of the API, and values that become messages."""

from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.domain.balance import Balance, CurrencyBalance
from okx_gateway.domain.order import Order, OrderState, Side

SERVICE = "okx_gateway.api.v1.GatewayService"
MS = 1_700_000_000_123

MINIMAL: dict[str, Any] = {
    "account": "main",
    "client_order_id": "a1",
    "instrument": "BTC-USDT",
    "side": "SIDE_BUY",
    "trade_mode": "TRADE_MODE_CASH",
    "quantity": "0.5",
    "limit": {"price": "30000.1", "time_in_force": "TIME_IN_FORCE_GOOD_TILL_CANCELLED"},
}


def a_request(**changes: Any) -> api.PlaceOrderRequest:
    fields = {name: value for name, value in (MINIMAL | changes).items() if value is not None}
    return json_format.ParseDict(fields, api.PlaceOrderRequest())


def shown(message: Message) -> dict[str, Any]:
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


ORDER = Order(
    client_order_id="a1",
    exchange_order_id="77",
    instrument="BTC-USDT",
    side=Side.SELL,
    state=OrderState.PARTIALLY_FILLED,
    price="30000.1",
    quantity="0.5",
    filled_quantity="0.1",
    average_price="30001",
    fee="-0.001",
    fee_currency="USDT",
    tag="desk7",
    cancel_source="",
    place_ms=MS,
    update_ms=MS,
)
_CURRENCY = CurrencyBalance(
    currency="USDT",
    cash="1",
    available="2",
    frozen="3",
    equity="4",
    equity_usd="5",
    liability="6",
    unrealised_profit="-7",
    update_ms=MS,
)
BALANCE = Balance(
    total_equity_usd="8", adjusted_equity_usd="9", currencies=(_CURRENCY,), update_ms=MS
)
