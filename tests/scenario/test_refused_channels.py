"""Where OKX refuses the channels of an account, it is asked in their place."""

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import grpc
import pytest
import pytest_asyncio

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from okx_gateway.cli.gateway_client import stub_of
from tests.support.running import ACCOUNT, SECRETS, Exchange, Gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")
# Source: OKX docs, 'Connection count limit'.
CONNECTIONS_MAX = 30


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crowd(exchange: Exchange) -> AsyncIterator[None]:
    """As many connections of others as OKX allows, with both channels."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        for number in range(CONNECTIONS_MAX):
            url = f"ws://{exchange.address}/ws/v5/private"
            socket = await stack.enter_async_context(session.ws_connect(url, heartbeat=None))
            await socket.send_json(login())
            assert (await socket.receive_json())["event"] == "login"
            channels = [{"channel": "orders", "instType": "ANY"}, {"channel": "account"}]
            await socket.send_json({"op": "subscribe", "args": channels})
            if number % 3 == 2:
                await asyncio.sleep(1.05)  # three connects in a second
        yield


def login() -> dict[str, object]:
    key, secret, passphrase = SECRETS
    timestamp = str(int(time.time()))
    message = f"{timestamp}GET/users/self/verify".encode()
    sign = base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()
    words = {"apiKey": key, "passphrase": passphrase, "timestamp": timestamp, "sign": sign}
    return {"op": "login", "args": [words]}


@pytest.mark.usefixtures("crowd")
async def test_balances_are_read_and_orders_followed_by_the_lists(gateway: Gateway) -> None:
    async with grpc.aio.insecure_channel(gateway.grpc) as channel:
        stub = stub_of(channel)
        stream = stub.StreamOrders(api.StreamOrdersRequest(account=ACCOUNT))
        kinds: list[str] = []

        async def take() -> api.StreamOrdersResponse:
            event = await stream.read()
            assert isinstance(event, api.StreamOrdersResponse)
            kinds.append(str(event.WhichOneof("event")))
            return event

        async with asyncio.timeout(30):
            while "snapshot" not in kinds:
                await take()
        placed = await stub.PlaceOrder(
            api.PlaceOrderRequest(
                account=ACCOUNT,
                client_order_id="crowded1",
                instrument="BTC-USDT",
                side=order_pb2.SIDE_BUY,
                trade_mode=order_pb2.TRADE_MODE_CASH,
                quantity="0.001",
                market=order_pb2.MarketOrder(),
            ),
            timeout=5,
        )
        changes: list[api.StreamOrdersResponse] = []
        async with asyncio.timeout(30):
            while not (changes and changes[-1].change.order.state == order_pb2.ORDER_STATE_FILLED):
                event = await take()
                if kinds[-1] == "change":
                    changes.append(event)
        assert {each.change.order.exchange_order_id for each in changes} == {
            placed.exchange_order_id
        }
        assert all(each.change.recovered for each in changes)
        assert "stale" in kinds
        assert "resumed" not in kinds
        for _ in range(3):
            balance = await stub.GetBalance(api.GetBalanceRequest(account=ACCOUNT), timeout=5)
            assert balance.age.ToMilliseconds() < 1_000
        stream.cancel()
