"""gRPC and REST tell alike what is known when OKX falters, and continue their caller's trace."""

import asyncio
import secrets
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import grpc
import pytest
import pytest_asyncio
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from redis.asyncio import Redis

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from tests.support.doors import Door, GrpcDoor, RefusedError, RestDoor
from tests.support.running import (
    ACCOUNT,
    Exchange,
    Gateway,
    make_vault,
    running_exchange,
    running_gateway,
    settings_for,
)
from tests.support.span_sink import SpanSink, span_sink

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLACING = {"method": "POST", "path": "/api/v5/trade/order"}
LOOKING_UP = {"method": "GET", "path": "/api/v5/trade/order"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with running_exchange(tmp_path_factory.mktemp("exchange")) as exchange:
        yield exchange


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def collector() -> AsyncIterator[tuple[SpanSink, str]]:
    async with span_sink() as (sink, address):
        yield sink, address


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(
    exchange: Exchange,
    collector: tuple[SpanSink, str],
    valkey_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Gateway]:
    settings = {
        **settings_for(exchange.address, valkey_url),
        **make_vault(tmp_path_factory.mktemp("vault")),
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector[1],
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    async with running_gateway(settings) as gateway:
        yield gateway


async def doors_of(gateway: Gateway, stack: AsyncExitStack) -> dict[str, Door]:
    channel = await stack.enter_async_context(grpc.aio.insecure_channel(gateway.grpc))
    session = await stack.enter_async_context(aiohttp.ClientSession(f"http://{gateway.rest}"))
    return {"grpc": GrpcDoor(channel), "rest": RestDoor(session)}


@pytest_asyncio.fixture(loop_scope="module", params=["grpc", "rest"])
async def door(request: pytest.FixtureRequest, gateway: Gateway) -> AsyncIterator[Door]:
    async with AsyncExitStack() as stack:
        yield (await doors_of(gateway, stack))[request.param]


def an_order() -> api.PlaceOrderRequest:
    return api.PlaceOrderRequest(
        account=ACCOUNT,
        client_order_id=uuid.uuid4().hex,
        instrument="BTC-USDT",
        side=order_pb2.SIDE_BUY,
        trade_mode=order_pb2.TRADE_MODE_CASH,
        quantity="0.001",
        limit=order_pb2.LimitOrder(
            price="90000", time_in_force=order_pb2.TIME_IN_FORCE_GOOD_TILL_CANCELLED
        ),
    )


def named(order: api.PlaceOrderRequest) -> api.GetOrderRequest:
    return api.GetOrderRequest(account=ACCOUNT, client_order_id=order.client_order_id)


async def rows_of(redis: "Redis", order: api.PlaceOrderRequest) -> list[bytes]:
    return [key async for key in redis.scan_iter(f"*{order.client_order_id}*")]


async def test_an_order_that_came_late_is_in_doubt_until_it_is_found(
    door: Door, exchange: Exchange
) -> None:
    await exchange.put_faults(
        {"kind": "late", "wait": {"fixed_ms": 300}, "count": 1, "match": PLACING},
        {"kind": "drop_before", "match": LOOKING_UP},
    )
    order = an_order()
    with pytest.raises(RefusedError) as refused:
        await door.call("PlaceOrder", order, deadline_s=1)
    told = refused.value
    assert (told.code, told.reason) == ("UNKNOWN", "ORDER_OUTCOME_UNKNOWN")
    assert told.http_status == (500 if isinstance(door, RestDoor) else None)
    found = await door.call("GetOrder", named(order))
    assert found.outcome == order_pb2.ORDER_OUTCOME_IN_DOUBT
    assert not found.HasField("order")
    # The one reckons from the deadline, the other from what is on record: the same within a little.
    resolve = api.GetOrderResponse()
    resolve.resolve_time.FromJsonString(told.metadata["resolveTime"])
    apart_ms = resolve.resolve_time.ToMilliseconds() - found.resolve_time.ToMilliseconds()
    assert abs(apart_ms) < 1_000

    await exchange.put_faults()
    found = await door.call("GetOrder", named(order))
    assert found.outcome == order_pb2.ORDER_OUTCOME_PLACED
    again = await door.call("PlaceOrder", order)
    assert (again.replayed, again.exchange_order_id) == (True, found.order.exchange_order_id)
    [held] = [e for e in await exchange.orders() if e["clOrdId"] == order.client_order_id]
    assert held["ordId"] == again.exchange_order_id


async def test_a_deadline_too_short_sends_nothing(door: Door, exchange: Exchange) -> None:
    order = an_order()
    with pytest.raises(RefusedError) as refused:
        await door.call("PlaceOrder", order, deadline_s=0.09)
    told = refused.value
    assert (told.code, told.reason) == ("DEADLINE_EXCEEDED", "DEADLINE_TOO_SHORT")
    assert told.http_status == (504 if isinstance(door, RestDoor) else None)
    assert int(told.metadata["remainingMs"]) < int(told.metadata["requiredMs"]) == 100
    assert order.client_order_id not in str(await exchange.requests())


async def test_the_trace_of_the_caller_is_continued(
    door: Door, collector: tuple[SpanSink, str]
) -> None:
    trace_id, caller = secrets.token_bytes(16), secrets.token_bytes(8)
    traceparent = f"00-{trace_id.hex()}-{caller.hex()}-01"
    await door.call("PlaceOrder", an_order(), traceparent=traceparent)
    spans: list[Span] = []
    for _ in range(100):
        spans = [each for each in collector[0].spans if each.trace_id == trace_id]
        if any(each.parent_span_id == caller for each in spans):
            break
        await asyncio.sleep(0.05)
    [root] = [each for each in spans if each.parent_span_id == caller]
    assert root.name == "okx_gateway.api.v1.GatewayService/PlaceOrder"
    assert root.kind == Span.SPAN_KIND_SERVER
    assert {each.name for each in spans} >= {"admit", "verdict"}
    below = {each.span_id for each in spans} | {caller}
    assert all(each.parent_span_id in below for each in spans)


async def test_an_exchange_that_is_gone_leaves_nothing_on_record(
    valkey_url: str, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        exchange_runs = AsyncExitStack()
        exchange = await exchange_runs.enter_async_context(running_exchange(tmp_path))
        stack.push_async_callback(exchange_runs.aclose)
        settings = {**settings_for(exchange.address, valkey_url), **make_vault(tmp_path)}
        gateway = await stack.enter_async_context(running_gateway(settings))
        doors = await doors_of(gateway, stack)
        redis = Redis.from_url(valkey_url)
        stack.push_async_callback(redis.aclose)
        known = an_order()
        await doors["grpc"].call("PlaceOrder", known)
        assert await rows_of(redis, known)
        await exchange_runs.aclose()
        for name, door in doors.items():
            order = an_order()
            with pytest.raises(RefusedError) as refused:
                await door.call("PlaceOrder", order)
            told = refused.value
            assert (told.code, told.reason) == ("UNAVAILABLE", "EXCHANGE_UNAVAILABLE")
            assert told.http_status == (503 if name == "rest" else None)
            assert not await rows_of(redis, order)
            with pytest.raises(RefusedError) as unknown:
                await door.call("GetOrder", named(order))
            assert unknown.value.reason == "ORDER_NOT_FOUND"
            with pytest.raises(RefusedError) as balance:
                await door.call("GetBalance", api.GetBalanceRequest(account=ACCOUNT))
            assert (balance.value.code, balance.value.reason) == (told.code, told.reason)
