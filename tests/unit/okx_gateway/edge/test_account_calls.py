"""The calls over real use cases, a real ledger and a scripted exchange."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from redis.asyncio import Redis

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.domain.errors import InvalidRequestError
from okx_gateway.edge.account_calls import AccountCalls
from okx_gateway.edge.call import Call
from tests.fakes.desk import Desk
from tests.fakes.exchange import ScriptedExchange
from tests.fakes.live_orders import a_live_order, balance_row
from tests.fakes.okx_socket import until
from tests.fakes.orders import an_order

CALL = Call("", "desk", None, "main")


@pytest.fixture
async def desk(redis: "Redis") -> AsyncIterator[Desk]:
    desk = await Desk(redis, ScriptedExchange()).open()
    yield desk
    await desk.close()


@pytest.fixture
def calls(desk: Desk) -> AccountCalls:
    return AccountCalls(desk.account, default_deadline_s=2.0)


async def test_an_order_is_told_with_its_age(calls: AccountCalls, desk: Desk) -> None:
    await desk.place(an_order())
    request = api.GetOrderRequest(account="main", client_order_id="a1")
    request.max_age.FromSeconds(1)
    response = await calls.unary["GetOrder"](request, CALL)
    assert isinstance(response, api.GetOrderResponse)
    assert response.order.client_order_id == "a1"
    assert response.HasField("age")
    assert desk.live.sockets["main"].listeners.keys() == {"orders"}


async def test_how_old_a_balance_may_be_is_heeded(calls: AccountCalls, desk: Desk) -> None:
    request = api.GetBalanceRequest(account="main", currencies=["BTC"])
    await calls.unary["GetBalance"](request, CALL)
    socket = desk.live.sockets["main"]
    socket.subscribed("account")
    socket.push("account", balance_row({"BTC": "1", "USDT": "5"}), event_type="snapshot")
    live = await calls.unary["GetBalance"](request, CALL)
    assert isinstance(live, api.GetBalanceResponse)
    assert [each.currency for each in live.balance.currencies] == ["BTC"]
    request.max_age.FromSeconds(0)
    await calls.unary["GetBalance"](request, CALL)
    assert len(desk.exchange.balances_read) == 2


async def test_orders_are_streamed(calls: AccountCalls, desk: Desk) -> None:
    request = api.StreamOrdersRequest(account="main")
    async with aclosing(calls.stream["StreamOrders"](request, CALL)) as events:
        first = asyncio.ensure_future(anext(events))
        await until(lambda: "main" in desk.live.sockets)
        desk.live.lists["main"].orders = [a_live_order("1")]
        desk.live.sockets["main"].subscribed("orders")
        event = (await first).message
        assert isinstance(event, api.StreamOrdersResponse)
        assert [each.account for each in event.snapshot.orders] == ["main"]
        assert event.resume_token


async def test_a_balance_is_streamed(calls: AccountCalls, desk: Desk) -> None:
    request = api.StreamBalanceRequest(account="main")
    async with aclosing(calls.stream["StreamBalance"](request, CALL)) as events:
        first = asyncio.ensure_future(anext(events))
        await until(lambda: "main" in desk.live.sockets)
        socket = desk.live.sockets["main"]
        socket.subscribed("account")
        socket.push("account", balance_row({"BTC": "1"}), event_type="snapshot")
        event = (await first).message
        assert isinstance(event, api.StreamBalanceResponse)
        assert event.balance.currencies[0].cash == "1"


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("StreamOrders", api.StreamOrdersRequest()),
        ("StreamOrders", api.StreamOrdersRequest(account="main", resume_token="x" * 65)),
        ("StreamBalance", api.StreamBalanceRequest(account="Main")),
    ],
)
async def test_a_stream_that_breaks_a_rule_is_refused(
    calls: AccountCalls, name: str, request_: api.StreamOrdersRequest
) -> None:
    with pytest.raises(InvalidRequestError):
        await anext(calls.stream[name](request_, CALL))
