"""Between a call and its answer an order waits for Redis once: counted on the wire, not timed."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
import pytest_asyncio

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from okx_gateway.api.v1.gateway_service_pb2_grpc import GatewayServiceStub
from tests.support.running import ACCOUNT, Exchange, make_vault, running_gateway, settings_for

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class RedisWire:
    """What passes between the gateway and Redis.

    From the first request that names `named` on nothing more reaches Redis, which is as if it
    took for ever to answer; `asked_again` tells that the same was named once more.
    """

    named: bytes = b"\0 nothing is named so"
    passed: list[bytes] = field(default_factory=list)
    asked_again: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: bytes) -> None:
        if any(self.named in each for each in self.passed):
            if self.named in request:
                self.asked_again.set()
            await self.released.wait()
        else:
            self.passed.append(request)


@asynccontextmanager
async def redis_wire(socket: str) -> AsyncIterator[tuple[RedisWire, str]]:
    """A wire to the Redis that listens on `socket`, and the URL of its other end."""
    wire = RedisWire()
    pumps: set[asyncio.Task[None]] = set()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_redis, to_redis = await asyncio.open_unix_connection(socket)

        async def ask() -> None:
            while request := await reader.read(1 << 16):
                await wire.take(request)
                to_redis.write(request)
            to_redis.close()

        async def answer() -> None:
            while reply := await from_redis.read(1 << 16):
                writer.write(reply)
            writer.close()

        for pump in (ask, answer):
            task = asyncio.create_task(pump())
            pumps.add(task)
            task.add_done_callback(pumps.discard)

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    try:
        yield wire, f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    finally:
        wire.released.set()
        server.close()
        for pump in list(pumps):
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


@pytest_asyncio.fixture(loop_scope="module")
async def wire_and_target(
    exchange: Exchange, valkey_url: str, tmp_path: Path
) -> AsyncIterator[tuple[RedisWire, str]]:
    async with redis_wire(valkey_url.removeprefix("unix://")) as (wire, url):
        settings = {**settings_for(exchange.address, url), **make_vault(tmp_path)}
        async with running_gateway(settings) as gateway:
            yield wire, gateway.grpc
            wire.released.set()


def an_order(name: str) -> api.PlaceOrderRequest:
    return api.PlaceOrderRequest(
        account=ACCOUNT,
        client_order_id=name,
        instrument="BTC-USDT",
        side=order_pb2.SIDE_BUY,
        trade_mode=order_pb2.TRADE_MODE_CASH,
        quantity="0.001",
        limit=order_pb2.LimitOrder(
            price="90000", time_in_force=order_pb2.TIME_IN_FORCE_GOOD_TILL_CANCELLED
        ),
    )


async def test_an_order_is_answered_while_redis_answers_only_once(
    wire_and_target: tuple[RedisWire, str], exchange: Exchange
) -> None:
    wire, target = wire_and_target
    name = uuid.uuid4().hex
    async with grpc.aio.insecure_channel(target) as channel:
        stub = GatewayServiceStub(channel)
        await stub.PlaceOrder(an_order(uuid.uuid4().hex), timeout=5)  # scripts are loaded now
        wire.named = f":order:{name}".encode()
        answer = await stub.PlaceOrder(an_order(name), timeout=5)
        assert answer.outcome == order_pb2.ORDER_OUTCOME_PLACED
        assert b"".join(wire.passed).count(wire.named) == 1
        [in_books] = [each for each in await exchange.orders() if each["clOrdId"] == name]
        assert in_books["ordId"] == answer.exchange_order_id
        async with asyncio.timeout(5):
            await wire.asked_again.wait()  # the outcome is put on record beside the answer
