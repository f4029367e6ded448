"""What does each call of GatewayService do?  Check, translate, ask the use case, translate back.

Knows neither gRPC nor HTTP: both answer from here.
"""

from dataclasses import dataclass

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.domain.deadline import Deadline
from okx_gateway.edge import translate
from okx_gateway.edge.account_calls import AccountCalls, AccountUseCases
from okx_gateway.edge.call import Call, StreamCall, UnaryCall
from okx_gateway.edge.market_calls import MarketCalls, MarketUseCases
from okx_gateway.usecases.amend_order import AmendOrder
from okx_gateway.usecases.cancel_order import CancelOrder
from okx_gateway.usecases.place_order import PlaceOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """Everything the gateway can do for a caller."""

    place_order: PlaceOrder
    cancel_order: CancelOrder
    amend_order: AmendOrder
    account: AccountUseCases
    market: MarketUseCases


class UseCaseCalls:
    """The calls by RPC name; see `call.RpcCalls`."""

    descriptor = api.DESCRIPTOR.services_by_name["GatewayService"]

    def __init__(self, usecases: UseCases, *, default_deadline_s: float) -> None:
        self._usecases = usecases
        self._default_deadline_s = default_deadline_s
        market = MarketCalls(usecases.market, default_deadline_s=default_deadline_s)
        account = AccountCalls(usecases.account, default_deadline_s=default_deadline_s)
        self.unary: dict[str, UnaryCall] = {
            "PlaceOrder": self._place_order,
            "CancelOrder": self._cancel_order,
            "AmendOrder": self._amend_order,
            **account.unary,
            **market.unary,
        }
        self.stream: dict[str, StreamCall] = {**market.stream, **account.stream}

    async def _place_order(
        self, request: api.PlaceOrderRequest, call: Call
    ) -> api.PlaceOrderResponse:
        translate.check(request)
        order = translate.new_order(request, call.account)
        answer = await self._usecases.place_order(
            order, caller=call.caller, deadline=self._deadline(call), limits=call.limits
        )
        return translate.place_response(order, answer)

    async def _cancel_order(
        self, request: api.CancelOrderRequest, call: Call
    ) -> api.CancelOrderResponse:
        translate.check(request)
        cancel = await self._usecases.cancel_order(
            call.account,
            translate.order_name(request),
            request.instrument,
            caller=call.caller,
            deadline=self._deadline(call),
        )
        return translate.cancel_response(cancel)

    async def _amend_order(
        self, request: api.AmendOrderRequest, call: Call
    ) -> api.AmendOrderResponse:
        translate.check(request)
        amend = await self._usecases.amend_order(
            call.account,
            translate.order_name(request),
            request.instrument,
            translate.new_values(request),
            caller=call.caller,
            deadline=self._deadline(call),
            limits=call.limits,
        )
        return translate.amend_response(amend)

    def _deadline(self, call: Call) -> Deadline:
        return call.deadline or Deadline.after(self._default_deadline_s)
