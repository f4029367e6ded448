"""A gateway under a policy: callers may do what it says and nothing else, over gRPC and REST."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest
import pytest_asyncio

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from tests.support.doors import Door, GrpcDoor, RefusedError, RestDoor
from tests.support.running import (
    ACCOUNT,
    Exchange,
    make_vault,
    running_exchange,
    running_gateway,
    settings_for,
)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

TEXT = f"""
version: 1
revision: r1
callers:
  algo:
    market: [GetTicker]
    accounts:
      {ACCOUNT}:
        calls: [PlaceOrder, AmendOrder, CancelOrder, GetOrder]
        instruments: [BTC-USDT]
        orders: {{market_orders: false, largest: {{USDT: "1000"}}, collar_percent: "20"}}
      ghost:
        calls: ["*"]
        instruments: ["*"]
  watcher:
    accounts:
      {ACCOUNT}: {{calls: [GetBalance, StreamBalance], instruments: ["*"]}}
"""
_TAKEN_WITHIN_S = 5.0


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("policy") / "policy.yaml"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with running_exchange(tmp_path_factory.mktemp("exchange")) as exchange:
        yield exchange


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doors(
    exchange: Exchange, valkey_url: str, policy: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, Door]]:
    policy.write_text(TEXT)
    settings = {
        **settings_for(exchange.address, valkey_url),
        **make_vault(tmp_path_factory.mktemp("vault")),
        "OKX_GATEWAY_POLICY_PATH": str(policy),
    }
    async with (
        running_gateway(settings) as gateway,
        grpc.aio.insecure_channel(gateway.grpc) as channel,
        aiohttp.ClientSession(f"http://{gateway.rest}") as session,
    ):
        yield {"grpc": GrpcDoor(channel), "rest": RestDoor(session)}


@pytest.fixture(params=["grpc", "rest"])
def door(doors: dict[str, Door], request: pytest.FixtureRequest, policy: Path) -> Door:
    policy.write_text(TEXT)
    return doors[request.param]


def an_order(price: str = "90000", quantity: str = "0.01", **changes: Any) -> api.PlaceOrderRequest:
    given: dict[str, Any] = {
        "account": ACCOUNT,
        "client_order_id": uuid.uuid4().hex,
        "instrument": "BTC-USDT",
        "side": order_pb2.SIDE_BUY,
        "trade_mode": order_pb2.TRADE_MODE_CASH,
        "quantity": quantity,
        "limit": order_pb2.LimitOrder(
            price=price, time_in_force=order_pb2.TIME_IN_FORCE_GOOD_TILL_CANCELLED
        ),
    }
    given |= changes
    if "market" in changes:
        del given["limit"]
    return api.PlaceOrderRequest(**given)


async def refusal(
    door: Door, name: str, request: Any, caller: str = "algo"
) -> tuple[str, str, dict[str, str]]:
    with pytest.raises(RefusedError) as refused:
        await door.call(name, request, caller=caller)
    error = refused.value
    return error.reason, str(error), error.metadata


async def allowed_soon(door: Door, request: Any, caller: str) -> None:
    async with asyncio.timeout(_TAKEN_WITHIN_S):
        while not await is_allowed(door, request, caller):  # noqa: ASYNC110  # of another process
            await asyncio.sleep(0.1)


async def denied_soon(door: Door, request: Any, caller: str) -> None:
    async with asyncio.timeout(_TAKEN_WITHIN_S):
        while await is_allowed(door, request, caller):  # noqa: ASYNC110  # of another process
            await asyncio.sleep(0.1)


async def is_allowed(door: Door, request: Any, caller: str) -> bool:
    try:
        await door.call("GetBalance", request, caller=caller)
    except RefusedError:
        return False
    return True


@pytest.mark.parametrize(
    ("caller", "name", "request_message"),
    [
        ("stranger", "PlaceOrder", an_order()),
        ("", "GetBalance", api.GetBalanceRequest(account=ACCOUNT)),
        ("watcher", "PlaceOrder", an_order()),
        ("algo", "GetBalance", api.GetBalanceRequest(account=ACCOUNT)),
        ("algo", "PlaceOrder", an_order(instrument="ETH-USDT")),
        ("algo", "PlaceOrder", an_order(account="other")),
        ("algo", "PlaceOrder", an_order(account="no-such-account")),
    ],
)
async def test_what_is_not_granted_is_denied_and_reaches_nobody(
    exchange: Exchange, door: Door, caller: str, name: str, request_message: Any
) -> None:
    before = len(await exchange.orders())
    told = await refusal(door, name, request_message, caller)
    assert told == ("PERMISSION_DENIED", "this caller may not make this call", {})
    assert len(await exchange.orders()) == before


async def test_the_market_is_read_by_whom_it_is_granted(doors: dict[str, Door]) -> None:
    request = api.GetTickerRequest(instrument="BTC-USDT")
    await doors["grpc"].call("GetTicker", request, caller="algo")
    reason, _, _ = await refusal(doors["grpc"], "GetTicker", request, "watcher")
    assert reason == "PERMISSION_DENIED"


@pytest.mark.parametrize(
    ("order", "limit"),
    [
        (an_order(price="98000", quantity="0.02"), "largest"),
        (an_order(price="1000"), "collar_percent"),
        (an_order(market=order_pb2.MarketOrder()), "market_orders"),
    ],
)
async def test_an_order_beyond_a_limit_is_refused_and_reaches_nobody(
    exchange: Exchange, door: Door, order: api.PlaceOrderRequest, limit: str
) -> None:
    before = len(await exchange.orders())
    reason, _, metadata = await refusal(door, "PlaceOrder", order)
    assert (reason, metadata["limit"]) == ("ORDER_LIMIT_EXCEEDED", limit)
    assert len(await exchange.orders()) == before


async def test_what_is_granted_is_done_within_its_limits(exchange: Exchange, door: Door) -> None:
    order = an_order()
    placed = await door.call("PlaceOrder", order, caller="algo")
    [found] = [each for each in await exchange.orders() if each["clOrdId"] == order.client_order_id]
    assert found["ordId"] == placed.exchange_order_id
    name = {"account": ACCOUNT, "client_order_id": order.client_order_id}
    amend = api.AmendOrderRequest(
        instrument="BTC-USDT", new_quantity="0.02", new_price="90000", **name
    )
    reason, _, metadata = await refusal(door, "AmendOrder", amend)
    assert (reason, metadata["asked"]) == ("ORDER_LIMIT_EXCEEDED", "1800 USDT")
    amend.new_quantity = "0.011"
    await door.call("AmendOrder", amend, caller="algo")
    await door.call("CancelOrder", api.CancelOrderRequest(**name), caller="algo")
    # A retry is told what became of the order, whatever the limits are by then.
    assert (await door.call("PlaceOrder", order, caller="algo")).replayed


async def test_an_account_that_is_granted_and_does_not_exist_is_told_as_that(door: Door) -> None:
    reason, _, _ = await refusal(door, "PlaceOrder", an_order(account="ghost"))
    assert reason == "ACCOUNT_UNKNOWN"


async def test_a_new_policy_is_in_force_without_a_restart(door: Door, policy: Path) -> None:
    request = api.GetBalanceRequest(account=ACCOUNT)
    policy.write_text("version: 1\nrevision: broken\ncallers: [")
    await asyncio.sleep(1.2)
    assert (await refusal(door, "GetBalance", request))[0] == "PERMISSION_DENIED"
    await door.call("GetBalance", request, caller="watcher")
    policy.write_text(TEXT.replace("[PlaceOrder, ", "[GetBalance, PlaceOrder, "))
    await allowed_soon(door, request, "algo")
    policy.write_text(TEXT)
    await denied_soon(door, request, "algo")


async def test_a_dry_run_lets_everything_through(door: Door, policy: Path) -> None:
    policy.write_text(TEXT.replace("revision: r1", "revision: dry\nmode: dry_run"))
    request = api.GetBalanceRequest(account=ACCOUNT)
    await allowed_soon(door, request, "stranger")
    await door.call("PlaceOrder", an_order(price="98000", quantity="0.02"), caller="stranger")
    policy.write_text(TEXT)
    await denied_soon(door, request, "stranger")
