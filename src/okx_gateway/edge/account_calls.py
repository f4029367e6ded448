"""What does each call that reads an account do?  A part of `gateway_calls`, and as that."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.domain.deadline import Deadline
from okx_gateway.edge import translate_account
from okx_gateway.edge.call import Call, StreamCall, StreamEvent, UnaryCall
from okx_gateway.edge.translate import check, order_name
from okx_gateway.usecases.get_balance import GetBalance
from okx_gateway.usecases.get_order import GetOrder
from okx_gateway.usecases.stream_balance import StreamBalance
from okx_gateway.usecases.stream_orders import StreamOrders


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUseCases:
    """What the gateway can tell of an account."""

    get_order: GetOrder
    get_balance: GetBalance
    stream_orders: StreamOrders
    stream_balance: StreamBalance


class AccountCalls:
    """The calls that read an account, by RPC name."""

    def __init__(self, usecases: AccountUseCases, *, default_deadline_s: float) -> None:
        self._usecases = usecases
        self._default_deadline_s = default_deadline_s
        self.unary: dict[str, UnaryCall] = {
            "GetOrder": self._get_order,
            "GetBalance": self._get_balance,
        }
        self.stream: dict[str, StreamCall] = {
            "StreamOrders": self._stream_orders,
            "StreamBalance": self._stream_balance,
        }

    async def _get_order(self, request: api.GetOrderRequest, call: Call) -> api.GetOrderResponse:
        check(request)
        answer = await self._usecases.get_order(
            call.account,
            order_name(request),
            request.instrument,
            max_age_s=translate_account.max_age_s(request),
            caller=call.caller,
            deadline=self._deadline(call),
        )
        return translate_account.order_response(call.account, answer)

    async def _get_balance(
        self, request: api.GetBalanceRequest, call: Call
    ) -> api.GetBalanceResponse:
        check(request)
        dated = await self._usecases.get_balance(
            call.account,
            list(request.currencies),
            max_age_s=translate_account.max_age_s(request),
            caller=call.caller,
            deadline=self._deadline(call),
        )
        return translate_account.balance_response(dated)

    async def _stream_orders(
        self, request: api.StreamOrdersRequest, call: Call
    ) -> AsyncGenerator[StreamEvent, None]:
        check(request)
        async with aclosing(
            self._usecases.stream_orders(call.account, request.resume_token)
        ) as events:
            async for event in events:
                message = translate_account.order_event_response(call.account, event)
                yield StreamEvent(message)

    async def _stream_balance(
        self, request: api.StreamBalanceRequest, call: Call
    ) -> AsyncGenerator[StreamEvent, None]:
        check(request)
        async with aclosing(self._usecases.stream_balance(call.account)) as events:
            async for event in events:
                yield StreamEvent(translate_account.balance_event_response(event))

    def _deadline(self, call: Call) -> Deadline:
        return call.deadline or Deadline.after(self._default_deadline_s)
