"""What the gateway tells of an account by its channels is what the exchange's books say."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any

import aiohttp
import grpc
import pytest
import pytest_asyncio

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from okx_gateway.cli.gateway_client import stub_of
from tests.support.running import ACCOUNT, UID, Exchange, Gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")
NAMES = (f"live{number}" for number in count())
CLOSED = order_pb2.ORDER_STATE_FILLED, order_pb2.ORDER_STATE_CANCELLED
Stub = Any


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stub(gateway: Gateway) -> AsyncIterator[Stub]:
    async with grpc.aio.insecure_channel(gateway.grpc) as channel:
        yield stub_of(channel)


class Reader:
    """Reads all orders over gRPC, and goes on by its token wherever it is cut off."""

    def __init__(self, stub: Stub) -> None:
        self._stub = stub
        self.token = ""
        self.changes: list[api.StreamOrdersResponse] = []
        self.others: list[str] = []
        self.snapshots = 0

    async def read(self) -> None:
        request = api.StreamOrdersRequest(account=ACCOUNT, resume_token=self.token)
        async for event in self._stub.StreamOrders(request):
            kind = event.WhichOneof("event")
            self.token = event.resume_token or self.token
            if kind == "change":
                self.changes.append(event)
            elif kind == "snapshot":
                self.snapshots += event.snapshot.last
            elif kind != "heartbeat":
                self.others.append(kind)

    def ended(self) -> list[str]:
        return [
            each.change.order.exchange_order_id
            for each in self.changes
            if each.change.order.state in CLOSED
        ]

    def has_ended(self, orders: Sequence[str]) -> bool:
        return set(orders) <= set(self.ended())

    def trades(self) -> list[tuple[str, str]]:
        return [
            (each.change.order.exchange_order_id, each.change.fill.trade_id)
            for each in self.changes
            if each.change.HasField("fill")
        ]


async def end(reading: asyncio.Future[None]) -> None:
    reading.cancel()
    with suppress(asyncio.CancelledError):
        await reading


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110  # of other processes
            await asyncio.sleep(0.02)


async def trade(stub: Stub, product: dict[str, str], *, rests: bool) -> str:
    """Place an order that fills at once, or one that rests and is cancelled."""
    response = await stub.PlaceOrder(
        api.PlaceOrderRequest(
            account=ACCOUNT,
            client_order_id=next(NAMES),
            instrument=product["instrument"],
            side=order_pb2.SIDE_BUY,
            trade_mode=order_pb2.TRADE_MODE_CASH,
            quantity=product["quantity"],
            limit=order_pb2.LimitOrder(
                price=product["below" if rests else "above"],
                time_in_force=order_pb2.TIME_IN_FORCE_GOOD_TILL_CANCELLED,
            ),
        ),
        timeout=10,
    )
    if rests:
        await stub.CancelOrder(
            api.CancelOrderRequest(account=ACCOUNT, client_order_id=response.client_order_id),
            timeout=10,
        )
    return str(response.exchange_order_id)


async def test_every_change_is_told_once_however_often_the_socket_is_lost(
    stub: Stub, exchange: Exchange
) -> None:
    products = [
        each
        for each in await exchange.tradable()
        if each["type"] == "SPOT" and each["instrument"].endswith("-USDT")
    ]
    steady, cut_off = Reader(stub), Reader(stub)
    reading = asyncio.ensure_future(steady.read())
    again = asyncio.ensure_future(cut_off.read())
    await until(lambda: steady.snapshots and cut_off.snapshots)
    await end(again)
    placed: list[str] = []
    for number in range(12):
        again = asyncio.ensure_future(cut_off.read())
        trades = [trade(stub, each, rests=index % 2 == 0) for index, each in enumerate(products)]
        placing = asyncio.gather(*trades)
        await asyncio.sleep(0.05 * (number % 3))
        await exchange.control_call("POST", "/disconnect", {"uid": UID, "url": "private"})
        placed += await placing
        await asyncio.sleep(0.1 * (number % 4))
        await end(again)
    again = asyncio.ensure_future(cut_off.read())
    for reader in (steady, cut_off):
        await until(partial(reader.has_ended, placed))
    await end(reading)
    await end(again)
    held = {each["ordId"]: each for each in await exchange.orders()}
    fills = sorted(
        (name, fill["tradeId"]) for name in placed for fill in held[name].get("fills", [])
    )
    for reader in (steady, cut_off):
        assert sorted(reader.ended()) == sorted(placed)
        assert sorted(reader.trades()) == fills
        assert reader.snapshots == 1
        assert "gap" not in reader.others
        told: dict[str, list[api.StreamOrdersResponse]] = {}
        for each in reader.changes:
            told.setdefault(each.change.order.exchange_order_id, []).append(each)
        for changes in told.values():
            assert changes[0].change.order.state == order_pb2.ORDER_STATE_LIVE
            amounts = [float(each.change.order.filled_quantity) for each in changes]
            assert amounts == sorted(amounts)
    assert any(each.change.recovered for each in steady.changes)
    assert {"stale", "resumed"} <= set(steady.others)


async def test_orders_over_rest_go_on_behind_the_last_event(
    stub: Stub, gateway: Gateway, exchange: Exchange
) -> None:
    product = next(
        each
        for each in await exchange.tradable()
        if each["type"] == "SPOT" and each["instrument"].endswith("-USDT")
    )
    url = f"http://{gateway.rest}/v1/accounts/{ACCOUNT}/orders:stream"
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as stream:
            event = await next_event(stream, "snapshot")
        placed = await trade(stub, product, rests=True)
        async with session.get(url, headers={"Last-Event-ID": event["id"]}) as stream:
            change = json.loads((await next_event(stream, "change"))["data"])["change"]
        assert change["order"]["exchangeOrderId"] == placed
        assert change["order"]["state"] == "ORDER_STATE_LIVE"
        async with session.get(url, headers={"Last-Event-ID": "elsewhere-1"}) as stream:
            gap = json.loads((await next_event(stream, "gap"))["data"])["gap"]
            assert gap["reason"] == "ORDERS_GAP_REASON_TOKEN_UNKNOWN"
            assert (await next_event(stream, "snapshot"))["id"]


async def next_event(stream: aiohttp.ClientResponse, name: str) -> dict[str, str]:
    block: dict[str, str] = {}
    async with asyncio.timeout(10):
        async for line in stream.content:
            if line != b"\n":
                key, _, content = line.decode().rstrip("\n").partition(":")
                block[key] = content.strip()
            elif block.get("event") == name:
                return block
            else:
                block = {}
    raise AssertionError(f"no event named {name}")


async def test_any_number_of_balances_costs_the_exchange_nothing(
    stub: Stub, exchange: Exchange
) -> None:
    request = api.GetBalanceRequest(account=ACCOUNT)
    await stub.GetBalance(request)

    async def live() -> bool:
        before = await balances_read(exchange)
        await stub.GetBalance(request)
        return await balances_read(exchange) == before

    for _ in range(50):
        if await live():
            break
        await asyncio.sleep(0.2)
    before = await balances_read(exchange)
    answers = [await stub.GetBalance(request) for _ in range(300)]
    assert await balances_read(exchange) == before
    assert max(each.age.ToTimedelta().total_seconds() for each in answers) < 10
    fresh = api.GetBalanceRequest(account=ACCOUNT)
    fresh.max_age.FromSeconds(0)
    asked = await stub.GetBalance(fresh)
    assert await balances_read(exchange) == before + 1
    cash = [
        {each.currency: each.cash for each in answer.balance.currencies}
        for answer in (asked, await stub.GetBalance(request))
    ]
    assert cash[0] == cash[1]


async def balances_read(exchange: Exchange) -> int:
    requests = await exchange.requests()
    return sum(each["target"].startswith("/api/v5/account/balance") for each in requests)


async def test_a_balance_is_told_and_what_changes_in_it(stub: Stub, exchange: Exchange) -> None:
    product = next(
        each
        for each in await exchange.tradable()
        if each["type"] == "SPOT" and each["instrument"].endswith("-USDT")
    )
    stream = stub.StreamBalance(api.StreamBalanceRequest(account=ACCOUNT))
    first = await stream.read()
    assert {"BTC", "USDT"} <= {each.currency for each in first.balance.currencies}
    await trade(stub, product, rests=False)
    changed: set[str] = set()
    async with asyncio.timeout(10):
        while not {"USDT", product["instrument"].partition("-")[0]} <= changed:
            event = await stream.read()
            changed |= {each.currency for each in event.change.currencies}
    stream.cancel()
