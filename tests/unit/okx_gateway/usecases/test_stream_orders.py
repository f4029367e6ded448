import asyncio
from contextlib import aclosing

import pytest

from okx_gateway.account.order_state import PushedOrder
from okx_gateway.domain.errors import AccountUnknownError
from okx_gateway.domain.market_notice import Heartbeat
from okx_gateway.domain.order_event import NumberedChange, OrdersSnapshot, OrderStreamEvent
from okx_gateway.usecases import stream_orders
from okx_gateway.usecases.stream_orders import StreamOrders
from tests.fakes.desk import Desk
from tests.fakes.live_orders import a_live_order, pushed_row
from tests.fakes.okx_socket import until


@pytest.fixture
def stream(desk: Desk) -> StreamOrders:
    return desk.account.stream_orders


def push(desk: Desk, order_id: str) -> None:
    row = pushed_row(PushedOrder(a_live_order(order_id), None, 5))
    desk.live.sockets["main"].push("orders", row)


def name_of(event: OrderStreamEvent) -> str:
    assert isinstance(event, NumberedChange)
    return event.change.order.exchange_order_id


async def test_what_is_open_is_told_and_then_every_change(desk: Desk, stream: StreamOrders) -> None:
    async with aclosing(stream("main", "")) as events:
        first = asyncio.ensure_future(anext(events))
        await until(lambda: "main" in desk.live.sockets)
        desk.live.lists["main"].orders = [a_live_order("1")]
        desk.live.sockets["main"].subscribed("orders")
        snapshot = await first
        assert isinstance(snapshot, OrdersSnapshot)
        assert snapshot.orders == (a_live_order("1"),)
        push(desk, "2")
        push(desk, "3")
        assert [name_of(await anext(events)) for _ in range(2)] == ["2", "3"]
    async with aclosing(stream("main", snapshot.token)) as events:
        assert [name_of(await anext(events)) for _ in range(2)] == ["2", "3"]


async def test_silence_is_a_heartbeat(
    stream: StreamOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_orders, "_HEARTBEAT_S", 0.01)
    async with aclosing(stream("main", "")) as events:
        assert isinstance(await anext(events), Heartbeat)


async def test_an_account_that_is_not_known_is_refused(desk: Desk, stream: StreamOrders) -> None:
    with pytest.raises(AccountUnknownError):
        await anext(stream("nobody", ""))
    assert not desk.live.sockets
