"""What does PlaceOrder look like on the wire?  Pure."""

import uuid
from collections.abc import Iterator
from typing import Any

from google.protobuf import json_format

from bench.order_plan import OrderPlan
from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2

PLACE_ORDER = "/okx_gateway.api.v1.GatewayService/PlaceOrder"
DEADLINE_S = 5.0


def order_requests(plan: OrderPlan) -> Iterator[api.PlaceOrderRequest]:
    """Yield requests for the orders of the plan for ever, each with a new id."""
    for account, order in plan.cycle("gateway"):
        yield api.PlaceOrderRequest(
            account=account.name,
            client_order_id=uuid.uuid4().hex,
            instrument=order.instrument,
            side=order_pb2.SIDE_BUY,
            trade_mode=order_pb2.TRADE_MODE_CASH,
            quantity=order.quantity,
            limit=order_pb2.LimitOrder(
                price=order.price, time_in_force=order_pb2.TIME_IN_FORCE_IMMEDIATE_OR_CANCEL
            ),
        )


def order_fields(request: api.PlaceOrderRequest) -> dict[str, Any]:
    """Return the JSON body of a request; its account is in the path."""
    fields: dict[str, Any] = json_format.MessageToDict(request)
    del fields["account"]
    return fields
