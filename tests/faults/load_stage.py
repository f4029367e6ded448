"""What runs under load?  A simulator, Valkey and gateways as processes, and orders to place there.

Touches processes, files in a temporary folder, and the network.
"""

import asyncio
import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import grpc

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from okx_gateway.cli.embedded_valkey import embedded_valkey
from tests.support.doors import Door, GrpcDoor, RestDoor
from tests.support.gateway_process import GatewayProcess, gateway_process
from tests.support.running import ACCOUNT, Exchange, make_vault, running_exchange, settings_for

PLACING = {"method": "POST", "path": "/api/v5/trade/*"}
# Source: OKX docs, 'Get account configuration', acctLv.
FUTURES, PORTFOLIO_MARGIN = "2", "4"
_SKEWED_CLOCK = Path(__file__).parent.parent / "support" / "skewed_clock"
# Far enough below the market that nothing is ever bought, and the least that may be ordered.
PRODUCTS = {
    "BTC-USDT": ("40000", "0.001"),
    "ETH-USDT": ("1500", "0.01"),
    "SOL-USDT": ("70", "1"),
    "XRP-USDT": ("0.5", "10"),
    "DOGE-USDT": ("0.05", "100"),
}


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs; every gateway is ready."""

    exchange: Exchange
    gateways: Sequence[GatewayProcess]
    redis_url: str

    def complaints(self) -> list[str]:
        """What gateways logged as errors, or printed without being a log."""
        return [
            line
            for gateway in self.gateways
            for line in gateway.output.read_text().splitlines()
            if not line.startswith("{") or '"level":"error"' in line
        ]


@asynccontextmanager
async def stage(
    replicas: int,
    settings: Mapping[str, str] | None = None,
    *,
    seed: int,
    options: Sequence[str] = (),
    skews_s: Sequence[float] = (),
    exchange_ahead_ms: int = 0,
    portfolio_margin: bool = False,
) -> AsyncIterator[Stage]:
    """Run `replicas` gateways with `settings` for the block, and the simulator with `options`.

    `skews_s` are how far the wall clocks of the first gateways are off, `exchange_ahead_ms` is how
    far OKX's is. Orders of an account in portfolio margin mode never share a batch.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="okx-gateway-load-")))
        redis_url = await stack.enter_async_context(embedded_valkey())
        exchange = await stack.enter_async_context(
            running_exchange(
                folder,
                seed=seed,
                options=options,
                account_level=PORTFOLIO_MARGIN if portfolio_margin else FUTURES,
            )
        )
        await exchange.control_call("POST", "/clock", {"offset_ms": exchange_ahead_ms})
        given = {**settings_for(exchange.address, redis_url), **make_vault(folder)}
        given |= settings or {}
        gateways = await asyncio.gather(
            *(
                stack.enter_async_context(
                    gateway_process({**given, **_clock(skews_s[n:])}, folder / f"{n}.txt")
                )
                for n in range(replicas)
            )
        )
        yield Stage(exchange, gateways, redis_url)


def _clock(skews_s: Sequence[float]) -> dict[str, str]:
    if not skews_s:
        return {}
    path = os.pathsep.join(filter(None, (str(_SKEWED_CLOCK), os.environ.get("PYTHONPATH"))))
    return {"SKEW_S": str(skews_s[0]), "PYTHONPATH": path}


def an_order(instrument: str, name: str = "", **more: Any) -> api.PlaceOrderRequest:
    """Make an order that OKX takes and cancels at once, so that nothing stays in its books."""
    price, quantity = PRODUCTS[instrument]
    return api.PlaceOrderRequest(
        account=ACCOUNT,
        client_order_id=name or uuid.uuid4().hex,
        instrument=instrument,
        side=order_pb2.SIDE_BUY,
        trade_mode=order_pb2.TRADE_MODE_CASH,
        quantity=quantity,
        limit=order_pb2.LimitOrder(
            price=price, time_in_force=order_pb2.TIME_IN_FORCE_IMMEDIATE_OR_CANCEL
        ),
        **more,
    )


@asynccontextmanager
async def doors(running: Stage) -> AsyncIterator[list[list[Door]]]:
    """gRPC and REST of every gateway, over connections of their own."""
    async with AsyncExitStack() as stack:
        yield [
            [
                GrpcDoor(await stack.enter_async_context(grpc.aio.insecure_channel(each.grpc))),
                RestDoor(
                    await stack.enter_async_context(
                        aiohttp.ClientSession(
                            f"http://{each.rest}",
                            cookie_jar=aiohttp.DummyCookieJar(),
                            connector=aiohttp.TCPConnector(limit=0),
                        )
                    )
                ),
            ]
            for each in running.gateways
        ]
