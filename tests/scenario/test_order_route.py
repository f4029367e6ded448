"""Orders go over their account's WebSocket, and no call fails where that does not take them."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import pytest_asyncio

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from okx_gateway.api.v1.gateway_service_pb2_grpc import GatewayServiceStub
from tests.support.running import (
    ACCOUNT,
    Exchange,
    make_vault,
    running_exchange,
    running_gateway,
    settings_for,
)

if TYPE_CHECKING:
    from okx_gateway.api.v1.gateway_service_pb2_grpc import GatewayServiceAsyncStub

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

PRICES = {"BTC-USDT": "90000", "ETH-USDT": "3000", "SOL-USDT": "150"}
OPERATIONS = {"door": "ws", "op": "*order*"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with running_exchange(tmp_path_factory.mktemp("exchange")) as exchange:
        yield exchange


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stub(
    exchange: Exchange, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator["GatewayServiceAsyncStub"]:
    settings = {
        **settings_for(exchange.address, valkey_url, route="auto"),
        **make_vault(tmp_path_factory.mktemp("vault")),
        "OKX_GATEWAY_ABSENCE_MARGIN_MS": "1000",
    }
    async with (
        running_gateway(settings) as gateway,
        grpc.aio.insecure_channel(gateway.grpc) as channel,
    ):
        yield GatewayServiceStub(channel)


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def connected(exchange: Exchange, stub: "GatewayServiceAsyncStub") -> None:
    """The first order makes the connection."""
    await exchange.put_faults()
    for _ in range(200):
        sockets = await exchange.control_call("GET", "/sockets")
        if any(each["uid"] for each in sockets["sockets"]):
            return
        await place(stub)
        await asyncio.sleep(0.1)
    raise AssertionError("there never was a connection")


async def place(stub: "GatewayServiceAsyncStub", instrument: str = "ETH-USDT") -> str:
    request = api.PlaceOrderRequest(
        account=ACCOUNT,
        client_order_id=uuid.uuid4().hex,
        instrument=instrument,
        side=order_pb2.SIDE_BUY,
        trade_mode=order_pb2.TRADE_MODE_CASH,
        quantity="0.1",
    )
    request.limit.price = PRICES[instrument]
    request.limit.time_in_force = order_pb2.TIME_IN_FORCE_GOOD_TILL_CANCELLED
    return (await stub.PlaceOrder(request, timeout=5)).client_order_id


async def ways(exchange: Exchange, since: int) -> Counter[str]:
    """How many orders were placed, amended or cancelled over each door since then."""
    counts: Counter[str] = Counter()
    for entry in await exchange.requests(since):
        if entry["method"] != "GET" and "order" in entry["target"]:
            counts[entry["door"]] += len(entry["orders"])
    return counts


async def now(exchange: Exchange) -> int:
    number: int = (await exchange.requests())[-1]["number"]
    return number


async def test_orders_are_placed_amended_and_cancelled_over_the_socket(
    exchange: Exchange, stub: "GatewayServiceAsyncStub"
) -> None:
    since = await now(exchange)
    name = await place(stub)
    order: dict[str, Any] = {"account": ACCOUNT, "client_order_id": name}
    await stub.AmendOrder(api.AmendOrderRequest(new_quantity="0.2", **order), timeout=5)
    await stub.CancelOrder(api.CancelOrderRequest(**order), timeout=5)
    await asyncio.gather(*(place(stub) for _ in range(70)))
    over = await ways(exchange, since)
    assert over["ws"] > 60, over
    assert over["rest"] == 0, over
    [placed] = [each for each in await exchange.orders() if each["clOrdId"] == name]
    assert (placed["state"], placed["sz"]) == ("canceled", "0.2")


async def test_numbers_that_are_refused_as_on_demo_trading_fail_no_call(
    exchange: Exchange, stub: "GatewayServiceAsyncStub"
) -> None:
    since = await now(exchange)
    refusal = {"kind": "code_before", "code": "51001", "in_rows": True, "match": OPERATIONS}
    await exchange.put_faults(refusal)
    names = await asyncio.gather(*(place(stub, "BTC-USDT") for _ in range(50)))
    await place(stub, "BTC-USDT")
    hits = await exchange.fault_hits()
    await exchange.put_faults()
    books = Counter(each["clOrdId"] for each in await exchange.orders())
    assert [books[name] for name in names] == [1] * 50
    # What was under way is turned away, and nothing more is tried after that.
    assert 1 <= hits["code_before"] <= 50
    over = await ways(exchange, since)
    assert over["rest"] == 51, over
    since = await now(exchange)
    await place(stub)
    assert (await ways(exchange, since))["ws"] == 1, "another instrument goes over the socket"


async def test_an_instrument_that_is_listed_anew_fails_no_call(
    exchange: Exchange, stub: "GatewayServiceAsyncStub"
) -> None:
    since = await now(exchange)
    await exchange.control_call("POST", "/relist", {"inst_id": "SOL-USDT"})
    name = await place(stub, "SOL-USDT")
    order: dict[str, Any] = {"account": ACCOUNT, "client_order_id": name}
    await stub.CancelOrder(api.CancelOrderRequest(**order), timeout=5)
    assert await ways(exchange, since) == {"ws": 1, "rest": 2}


async def test_no_call_fails_while_the_socket_is_replaced(
    exchange: Exchange, stub: "GatewayServiceAsyncStub"
) -> None:
    since = await now(exchange)
    sockets = await exchange.control_call("GET", "/sockets")
    placing = [asyncio.create_task(later(stub, 0.02 * number)) for number in range(150)]
    await asyncio.sleep(1)
    notice = {"kind": "notice", "count": 1, "match": {"door": "ws", "op": "order"}}
    await exchange.put_faults(notice)
    names = await asyncio.gather(*placing)
    books = Counter(each["clOrdId"] for each in await exchange.orders())
    assert [books[name] for name in names] == [1] * 150
    over = await ways(exchange, since)
    assert over["ws"] > 30, over
    assert over["ws"] + over["rest"] == 150, over
    again = await exchange.control_call("GET", "/sockets")
    assert again["accepted"] == sockets["accepted"] + 1


async def later(stub: "GatewayServiceAsyncStub", wait_s: float) -> str:
    await asyncio.sleep(wait_s)
    return await place(stub, "BTC-USDT" if wait_s % 0.06 < 0.03 else "ETH-USDT")
