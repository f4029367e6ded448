"""The calls over real use cases, a real ledger and a scripted exchange."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from google.protobuf.descriptor import ServiceDescriptor
from redis.asyncio import Redis

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from okx_gateway.domain import errors
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.order import NewValues
from okx_gateway.edge.call import Call
from okx_gateway.edge.gateway_calls import UseCaseCalls, UseCases
from tests.fakes.desk import Desk
from tests.fakes.exchange import ScriptedExchange

SERVICE: ServiceDescriptor = api.DESCRIPTOR.services_by_name["GatewayService"]


@pytest.fixture
def exchange() -> ScriptedExchange:
    return ScriptedExchange()


@pytest.fixture
async def desk(redis: "Redis", exchange: ScriptedExchange) -> AsyncIterator[Desk]:
    desk = await Desk(redis, exchange).open()
    yield desk
    await desk.close()


@pytest.fixture
def calls(desk: Desk) -> UseCaseCalls:
    usecases = UseCases(
        place_order=desk.place_order,
        cancel_order=desk.cancel_order,
        amend_order=desk.amend_order,
        account=desk.account,
        market=desk.market,
    )
    return UseCaseCalls(usecases, default_deadline_s=2.0)


def a_call(caller: str = "desk", deadline_s: float | None = None) -> Call:
    deadline = None if deadline_s is None else Deadline.after(deadline_s)
    return Call("", caller, deadline, "main")


def an_order_request() -> api.PlaceOrderRequest:
    return api.PlaceOrderRequest(
        account="main",
        client_order_id="a1",
        instrument="BTC-USDT",
        side=order_pb2.SIDE_BUY,
        trade_mode=order_pb2.TRADE_MODE_CASH,
        quantity="0.5",
        market=order_pb2.MarketOrder(),
    )


def test_every_rpc_of_the_service_is_answered(calls: UseCaseCalls) -> None:
    assert set(calls.unary) == {each.name for each in SERVICE.methods if not each.server_streaming}
    assert set(calls.stream) == {each.name for each in SERVICE.methods if each.server_streaming}


async def test_an_order_from_its_placing_to_its_cancel(calls: UseCaseCalls, desk: Desk) -> None:
    placed = await calls.unary["PlaceOrder"](an_order_request(), a_call())
    assert isinstance(placed, api.PlaceOrderResponse)
    assert placed.outcome == order_pb2.ORDER_OUTCOME_PLACED
    named = api.GetOrderRequest(account="main", client_order_id="a1")
    found = await calls.unary["GetOrder"](named, a_call())
    assert isinstance(found, api.GetOrderResponse)
    assert found.order.exchange_order_id == placed.exchange_order_id
    assert found.order.account == "main"
    amended = await calls.unary["AmendOrder"](
        api.AmendOrderRequest(account="main", client_order_id="a1", new_price="30000.2"), a_call()
    )
    assert isinstance(amended, api.AmendOrderResponse)
    assert amended.outcome == api.AMEND_OUTCOME_AMENDING
    [asked] = desk.exchange.amended
    assert asked.values == NewValues(price=Decimal("30000.2"))
    by_okx = api.CancelOrderRequest(
        account="main", exchange_order_id=placed.exchange_order_id, instrument="BTC-USDT"
    )
    cancelled = await calls.unary["CancelOrder"](by_okx, a_call())
    assert isinstance(cancelled, api.CancelOrderResponse)
    assert cancelled.outcome == api.CANCEL_OUTCOME_CANCELLING
    assert cancelled.exchange_order_id == placed.exchange_order_id


async def test_the_caller_of_a_call_owns_its_order(calls: UseCaseCalls) -> None:
    await calls.unary["PlaceOrder"](an_order_request(), a_call("desk"))
    with pytest.raises(errors.ClientOrderIdTakenError):
        await calls.unary["PlaceOrder"](an_order_request(), a_call("another"))


async def test_a_balance_of_chosen_currencies(calls: UseCaseCalls, desk: Desk) -> None:
    request = api.GetBalanceRequest(account="main", currencies=["BTC", "USDT"])
    response = await calls.unary["GetBalance"](request, a_call())
    assert isinstance(response, api.GetBalanceResponse)
    assert response.balance.total_equity_usd == "1"
    assert desk.exchange.balances_read == [("main", "BTC", "USDT")]


@pytest.mark.parametrize(
    ("rpc", "request_message"),
    [
        ("PlaceOrder", api.PlaceOrderRequest(account="main")),
        ("CancelOrder", api.CancelOrderRequest(account="main")),
        ("AmendOrder", api.AmendOrderRequest(account="main")),
        ("GetOrder", api.GetOrderRequest(account="main")),
        ("GetBalance", api.GetBalanceRequest(account="?")),
    ],
)
async def test_a_message_that_breaks_a_rule_reaches_no_use_case(
    calls: UseCaseCalls, desk: Desk, rpc: str, request_message: object
) -> None:
    with pytest.raises(errors.InvalidRequestError):
        await calls.unary[rpc](request_message, a_call())
    assert desk.exchange.configs_read == 0


async def test_a_stream_that_breaks_a_rule_is_refused(calls: UseCaseCalls) -> None:
    with pytest.raises(errors.InvalidRequestError):
        await anext(calls.stream["StreamTicker"](api.StreamTickerRequest(), a_call()))


async def test_the_deadline_of_the_call_is_kept(calls: UseCaseCalls, desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.accept_after(1.0)
    with pytest.raises(errors.OrderOutcomeUnknownError):
        await calls.unary["PlaceOrder"](an_order_request(), a_call(deadline_s=0.1))


async def test_without_a_deadline_there_is_a_default(desk: Desk) -> None:
    usecases = UseCases(
        place_order=desk.place_order,
        cancel_order=desk.cancel_order,
        amend_order=desk.amend_order,
        account=desk.account,
        market=desk.market,
    )
    calls = UseCaseCalls(usecases, default_deadline_s=0.1)
    desk.exchange.on_place = desk.exchange.accept_after(1.0)
    with pytest.raises(errors.OrderOutcomeUnknownError):
        await calls.unary["PlaceOrder"](an_order_request(), a_call())
