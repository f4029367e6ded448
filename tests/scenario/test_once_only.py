"""An order is placed once or not at all: callers at once, callers that leave, gateways that die."""

import asyncio
import random
import signal
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import grpc
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from tests.support.doors import GrpcDoor, RefusedError, RestDoor
from tests.support.gateway_process import GatewayProcess, gateway_process
from tests.support.running import ACCOUNT, Exchange, make_vault, running_exchange, settings_for

if TYPE_CHECKING:
    from okx_gateway.api.v1.gateway_service_pb2_grpc import GatewayServiceAsyncStub

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLERS = 50
LEAVING_CALLERS = 200
SEED = 20261122
# What fits into the rate-limit window of each, so that room is never what a test waits for.
PRICES = {
    "BTC-USDT": "90000",
    "ETH-USDT": "3000",
    "SOL-USDT": "150",
    "XRP-USDT": "1",
    "DOGE-USDT": "0.1",
}
PLACING = {"method": "POST", "path": "/api/v5/trade/order"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with running_exchange(tmp_path_factory.mktemp("exchange")) as exchange:
        yield exchange


@pytest.fixture(scope="module")
def settings(
    exchange: Exchange, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    return {
        **settings_for(exchange.address, valkey_url),
        **make_vault(tmp_path_factory.mktemp("vault")),
        "OKX_GATEWAY_ABSENCE_MARGIN_MS": "1000",
        "OKX_GATEWAY_DRAIN_GRACE_S": "5",
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def survivor(
    settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[GatewayProcess]:
    """The gateway that is left to ask when the other is gone."""
    output = tmp_path_factory.mktemp("survivor") / "output.txt"
    async with gateway_process(settings, output) as gateway:
        yield gateway


@pytest_asyncio.fixture(loop_scope="module")
async def other(settings: dict[str, str], tmp_path: Path) -> AsyncIterator[GatewayProcess]:
    async with gateway_process(settings, tmp_path / "output.txt") as gateway:
        yield gateway


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def no_faults(exchange: Exchange) -> AsyncIterator[None]:
    yield
    await exchange.put_faults()


def an_order(instrument: str = "BTC-USDT") -> api.PlaceOrderRequest:
    return api.PlaceOrderRequest(
        account=ACCOUNT,
        client_order_id=uuid.uuid4().hex,
        instrument=instrument,
        side=order_pb2.SIDE_BUY,
        trade_mode=order_pb2.TRADE_MODE_CASH,
        quantity={"BTC-USDT": "0.001", "ETH-USDT": "0.01"}.get(instrument, "10"),
        limit=order_pb2.LimitOrder(
            price=PRICES[instrument],
            time_in_force=order_pb2.TIME_IN_FORCE_GOOD_TILL_CANCELLED,
        ),
    )


async def held(exchange: Exchange) -> dict[str, list[str]]:
    """OKX's ids of the orders in its books, by the caller's id."""
    found: dict[str, list[str]] = {}
    for order in await exchange.orders():
        found.setdefault(order["clOrdId"], []).append(order["ordId"])
    return found


async def sent(exchange: Exchange) -> Counter[str]:
    """How often each order was written to the exchange, by the caller's id."""
    return Counter(
        order["cl_ord_id"]
        for entry in await exchange.requests()
        if (entry["method"], entry["target"]) == (PLACING["method"], PLACING["path"])
        for order in entry["orders"]
    )


async def until_sent(exchange: Exchange, *orders: api.PlaceOrderRequest) -> None:
    names = {order.client_order_id for order in orders}
    for _ in range(250):
        if names <= set(await sent(exchange)):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the orders never reached the exchange")


async def journaled(
    stub: "GatewayServiceAsyncStub", order: api.PlaceOrderRequest
) -> tuple[str, str]:
    """The outcome on record and OKX's id, once there is no doubt; `nothing` where there is none."""
    request = api.GetOrderRequest(account=ACCOUNT, client_order_id=order.client_order_id)
    for _ in range(20):
        try:
            found = await stub.GetOrder(request, timeout=10)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.NOT_FOUND:
                raise
            return "nothing", ""
        if found.outcome != order_pb2.ORDER_OUTCOME_IN_DOUBT:
            name = order_pb2.OrderOutcome.Name(found.outcome)
            return name.removeprefix("ORDER_OUTCOME_"), found.order.exchange_order_id
        await asyncio.sleep(0.2)
    raise AssertionError("doubt came to no end")


def books_agree(told: tuple[str, str], in_books: list[str]) -> bool:
    outcome, exchange_order_id = told
    if outcome == "PLACED":
        return in_books == [exchange_order_id]
    return outcome in ("nothing", "NOT_PLACED") and not in_books


@pytest.mark.parametrize(
    "fault",
    [
        None,
        {"kind": "latency_after", "wait": {"fixed_ms": 300}},
        {"kind": "drop_after"},
        {"kind": "late", "wait": {"fixed_ms": 400}},
    ],
    ids=["no fault", "slow reply", "lost reply", "late order"],
)
async def test_callers_at_once_over_two_gateways_place_one_order(
    fault: dict[str, Any] | None,
    survivor: GatewayProcess,
    other: GatewayProcess,
    exchange: Exchange,
) -> None:
    order = an_order()
    if fault:
        await exchange.put_faults({**fault, "count": 1, "match": PLACING})
    answers = await asyncio.gather(
        *(
            gateway.stub.PlaceOrder(order, timeout=10)
            for gateway, _ in zip(cycle((survivor, other)), range(CALLERS), strict=False)
        )
    )
    in_books = (await held(exchange))[order.client_order_id]
    assert len(in_books) == 1
    assert (await sent(exchange))[order.client_order_id] == 1
    assert {answer.exchange_order_id for answer in answers} == set(in_books)
    assert {answer.outcome for answer in answers} == {order_pb2.ORDER_OUTCOME_PLACED}
    assert [answer.replayed for answer in answers].count(False) == 1


async def states(valkey_url: str, orders: list[api.PlaceOrderRequest]) -> set[str]:
    """The states on record, without asking a gateway, which would look for what is open."""
    redis = Redis.from_url(valkey_url, decode_responses=True)
    try:
        wanted = {order.client_order_id for order in orders}
        return {
            str(await redis.hget(key, "state"))
            async for key in redis.scan_iter("*:order:*", count=1_000)
            if key.rpartition(":")[2] in wanted
        }
    finally:
        await redis.aclose()


async def test_a_caller_that_leaves_has_its_order_placed_once_or_not_at_all(
    survivor: GatewayProcess, exchange: Exchange, valkey_url: str
) -> None:
    chosen = random.Random(SEED)
    orders = [
        an_order(instrument)
        for instrument, _ in zip(cycle(PRICES), range(LEAVING_CALLERS), strict=False)
    ]
    async with AsyncExitStack() as stack:
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(survivor.grpc))
        session = await stack.enter_async_context(
            aiohttp.ClientSession(f"http://{survivor.rest}", cookie_jar=aiohttp.DummyCookieJar())
        )
        doors = (GrpcDoor(channel), RestDoor(session))
        for number, order in enumerate(orders):
            call = asyncio.ensure_future(doors[number % 2].call("PlaceOrder", order))
            await asyncio.wait({call}, timeout=chosen.choice([0, chosen.uniform(0, 0.012)]))
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
        # Requests may still be on their way in when their callers have gone.
        await asyncio.sleep(0.5)
        assert await states(valkey_url, orders) == {"placed"}
        told = [await journaled(survivor.stub, order) for order in orders]
    in_books, written = await held(exchange), await sent(exchange)
    for order, outcome in zip(orders, told, strict=True):
        name = order.client_order_id
        assert books_agree(outcome, in_books.get(name, [])), (outcome, in_books.get(name))
        assert written[name] == len(in_books.get(name, []))
    outcomes = Counter(outcome for outcome, _ in told)
    assert outcomes["PLACED"] > 10, f"hardly a call had begun: {outcomes} (seed {SEED})"
    assert outcomes["nothing"] > 10, f"hardly a caller left in time: {outcomes} (seed {SEED})"


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"kind": "latency_after", "wait": {"fixed_ms": 4_000}}, "PLACED"),
        ({"kind": "half_open"}, "NOT_PLACED"),
    ],
    ids=["the exchange took it", "the exchange never saw it"],
)
async def test_another_gateway_answers_for_one_that_was_killed(
    fault: dict[str, Any],
    outcome: str,
    survivor: GatewayProcess,
    other: GatewayProcess,
    exchange: Exchange,
) -> None:
    await exchange.put_faults({**fault, "count": 1, "match": PLACING})
    order = an_order("ETH-USDT")
    lost = asyncio.ensure_future(other.stub.PlaceOrder(order, timeout=10))
    await until_sent(exchange, order)
    other.process.kill()
    with pytest.raises(grpc.aio.AioRpcError):
        await lost
    async with grpc.aio.insecure_channel(survivor.grpc) as channel:
        try:
            answer = await GrpcDoor(channel).call("PlaceOrder", order, deadline_s=10)
            told = ("PLACED", answer.exchange_order_id)
        except RefusedError as error:
            told = (error.reason.removeprefix("ORDER_"), "")
    assert told[0] == outcome
    assert await journaled(survivor.stub, order) == told
    assert books_agree(told, (await held(exchange)).get(order.client_order_id, []))
    assert (await sent(exchange))[order.client_order_id] == 1


async def test_a_gateway_that_is_told_to_stop_answers_what_it_has_begun(
    survivor: GatewayProcess, other: GatewayProcess, exchange: Exchange
) -> None:
    await exchange.put_faults(
        {"kind": "latency_after", "wait": {"low_ms": 50, "high_ms": 900}, "match": PLACING}
    )
    orders = [an_order(instrument) for instrument, _ in zip(cycle(PRICES), range(90), strict=False)]

    async def one(number: int, order: api.PlaceOrderRequest) -> str:
        await asyncio.sleep(number * 0.01)
        try:
            return str((await other.stub.PlaceOrder(order, timeout=8)).exchange_order_id)
        except grpc.aio.AioRpcError as error:
            return error.code().name

    calls = [asyncio.ensure_future(one(number, order)) for number, order in enumerate(orders)]
    await until_sent(exchange, *orders[:20])
    other.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(8):  # the grace, and what starting to stop takes
        assert await other.process.wait() == 0, other.output.read_text()
    answers = await asyncio.gather(*calls)
    in_books, written = await held(exchange), await sent(exchange)
    for order, answer in zip(orders, answers, strict=True):
        name = order.client_order_id
        if answer.isdigit():
            assert in_books[name] == [answer]
        else:
            # CANCELLED is gRPC's own: it came after the server's end and before the caller knew.
            assert answer in ("UNAVAILABLE", "CANCELLED"), answer
            assert name not in in_books
            assert await journaled(survivor.stub, order) == ("nothing", "")
        assert written[name] == len(in_books.get(name, []))
    begun = [answer for answer in answers if answer.isdigit()]
    assert 20 <= len(begun) < len(orders), "it was not stopped in the middle of its work"
