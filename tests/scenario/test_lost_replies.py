"""A thousand orders of every type while replies are lost, late or garbled: none twice, none denied.

The simulator's own books are the judge: what the gateway told of each order must be what happened.
Once over REST, and once over the WebSocket, where what is lost takes others with it.
"""

import asyncio
import random
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from okx_gateway.api.v1.gateway_service_pb2_grpc import GatewayServiceStub
from okx_gateway.okx.order_sockets import RouteSetting
from tests.support.running import (
    ACCOUNT,
    UID,
    Exchange,
    make_vault,
    running_exchange,
    running_gateway,
    settings_for,
)

if TYPE_CHECKING:
    from okx_gateway.api.v1.gateway_service_pb2_grpc import GatewayServiceAsyncStub

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

ORDERS = 1_000
SEED = 20261122
# A connection that is lost leaves all of them in doubt that are under way over it.
AT_ONCE = {"rest": 100, "socket": 50}
GIVE_UP_S = 90.0
_ORDER = {"method": "POST", "path": "/api/v5/trade/order"}
_OPERATION = {"door": "ws", "op": "*order*"}
_LOOKUP = {"method": "GET", "path": "/api/v5/trade/order"}

_LOST_LOOKUPS = {"kind": "drop_after", "name": "lookups", "probability": 0.1, "match": _LOOKUP}
_OVER_REST: list[dict[str, Any]] = [
    {"kind": "drop_before", "probability": 0.04, "match": _ORDER},
    {"kind": "drop_after", "probability": 0.08, "match": _ORDER},
    {"kind": "late", "probability": 0.05, "match": _ORDER, "wait": {"low_ms": 50, "high_ms": 2500}},
    {"kind": "truncated", "probability": 0.04, "match": _ORDER},
    {"kind": "garbled", "probability": 0.04, "match": _ORDER},
    {"kind": "html_before", "probability": 0.03, "match": _ORDER},
    {"kind": "html_after", "probability": 0.03, "match": _ORDER},
    *(
        {"kind": kind, "probability": 0.015, "match": _ORDER, "code": code}
        for kind in ("code_before", "code_after")
        for code in ("50001", "50004", "50013", "50026", "51149")
    ),
    _LOST_LOOKUPS,
]
# Whatever loses the connection loses the answers to all that is under way, and each time it takes
# longer until there is another.
_ONCE = {"probability": 0.02, "count": 1, "match": _OPERATION}
_OVER_SOCKET: list[dict[str, Any]] = [
    *({"kind": kind, **_ONCE} for kind in ("drop_before", "drop_after", "half_open_after")),
    *({"kind": kind, **_ONCE} for kind in ("truncated", "garbled", "notice")),
    {"kind": "late", "wait": {"low_ms": 50, "high_ms": 2500}, **_ONCE},
    {"kind": "lose_answer", "probability": 0.06, "match": _OPERATION},
    {"kind": "wrong_id", "probability": 0.05, "match": _OPERATION},
    *(
        {"kind": kind, "probability": 0.015, "match": _OPERATION, "code": code}
        for kind in ("code_before", "code_after")
        for code in ("50001", "50004", "50026", "51149", "64007")
    ),
    _LOST_LOOKUPS,
]
_FAULTS: dict[RouteSetting, list[dict[str, Any]]] = {"rest": _OVER_REST, "socket": _OVER_SOCKET}
_PLACING = ("/api/v5/trade/order", "order", "batch-orders", "/api/v5/trade/batch-orders")


@dataclass(frozen=True)
class Product:
    instrument: str
    trade_mode: "order_pb2.TradeMode.ValueType"
    quantity: str
    price_low: str
    price_high: str
    margin_currency: str = ""


_AGAIN = (
    "ERROR_REASON_ORDER_OUTCOME_UNKNOWN",
    "ERROR_REASON_BUDGET_EXHAUSTED",
    "ERROR_REASON_EXCHANGE_UNAVAILABLE",
)
CASH, CROSS = order_pb2.TRADE_MODE_CASH, order_pb2.TRADE_MODE_CROSS


def an_order(chosen: random.Random, product: Product) -> api.PlaceOrderRequest:
    side = chosen.choice([order_pb2.SIDE_BUY, order_pb2.SIDE_SELL])
    request = api.PlaceOrderRequest(
        account=ACCOUNT,
        client_order_id=uuid.UUID(int=chosen.getrandbits(128)).hex,
        instrument=product.instrument,
        side=side,
        trade_mode=product.trade_mode,
        quantity=product.quantity,
        margin_currency=product.margin_currency,
    )
    if chosen.random() < 0.3 and not product.instrument.endswith(("-C", "-P")):
        request.market.SetInParent()
        if product.margin_currency and side == order_pb2.SIDE_BUY:
            request.market.target_currency = order_pb2.TARGET_CURRENCY_QUOTE
            request.quantity = "50"
        return request
    request.limit.price = chosen.choice([product.price_low, product.price_high])
    request.limit.time_in_force = chosen.choice(
        [
            order_pb2.TIME_IN_FORCE_GOOD_TILL_CANCELLED,
            order_pb2.TIME_IN_FORCE_POST_ONLY,
            order_pb2.TIME_IN_FORCE_FILL_OR_KILL,
            order_pb2.TIME_IN_FORCE_IMMEDIATE_OR_CANCEL,
        ]
    )
    return request


@dataclass(frozen=True)
class Told:
    """What the gateway told of an order: its id at OKX, or the reason why there is none."""

    exchange_order_id: str = ""
    reason: str = ""


async def place_until_told(stub: "GatewayServiceAsyncStub", request: api.PlaceOrderRequest) -> Told:
    """As a careful caller does: while in doubt, or while nothing was sent, the same call again."""
    until_s = time.monotonic() + GIVE_UP_S
    while time.monotonic() < until_s:
        try:
            response = await stub.PlaceOrder(request, timeout=4)
        except grpc.aio.AioRpcError as error:
            reason = reason_of(error)
            if reason in _AGAIN:
                await asyncio.sleep(0.2)
                continue
            return Told(reason=reason)
        return Told(exchange_order_id=response.exchange_order_id)
    return Told(reason="never told")


def reason_of(error: grpc.aio.AioRpcError) -> str:
    status = rpc_status.from_call(error)
    if status is None:
        return error.code().name
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    difference = info.metadata.get("firstDifference", "")
    return f"{info.reason} {difference}".rstrip()


async def products(exchange: Exchange) -> list[Product]:
    """Instruments of every type, with prices on both sides of the market, from the exchange."""
    return [
        Product(
            instrument=each["instrument"],
            trade_mode=CASH if each["type"] == "SPOT" else CROSS,
            quantity=each["quantity"],
            price_low=each["below"],
            price_high=each["above"],
            margin_currency="USDT" if each["type"] == "MARGIN" else "",
        )
        for each in await exchange.tradable()
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["rest", "socket"])
async def routed(
    request: pytest.FixtureRequest, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[RouteSetting, Exchange, "GatewayServiceAsyncStub"]]:
    """An exchange and a gateway of which orders take one way."""
    route: RouteSetting = request.param
    async with running_exchange(tmp_path_factory.mktemp("exchange")) as exchange:
        settings = {
            **settings_for(exchange.address, valkey_url, route=route),
            **make_vault(tmp_path_factory.mktemp("vault")),
            "OKX_GATEWAY_ABSENCE_MARGIN_MS": "1000",
        }
        async with (
            running_gateway(settings) as gateway,
            grpc.aio.insecure_channel(gateway.grpc) as channel,
        ):
            yield route, exchange, GatewayServiceStub(channel)


async def test_no_order_is_doubled_or_contradicted(
    routed: tuple[RouteSetting, Exchange, "GatewayServiceAsyncStub"],
) -> None:
    route, exchange, stub = routed
    faults = _FAULTS[route]
    chosen = random.Random(f"{SEED} {route}")
    offered = await products(exchange)
    requests = [an_order(chosen, chosen.choice(offered)) for _ in range(ORDERS)]
    await exchange.put_faults(*faults)
    gate = asyncio.Semaphore(AT_ONCE[route])

    async def one(request: api.PlaceOrderRequest) -> Told:
        async with gate:
            return await place_until_told(stub, request)

    told = await asyncio.gather(*(one(request) for request in requests))
    await exchange.put_faults()

    held: dict[str, list[dict[str, Any]]] = {}
    for order in await exchange.orders(UID):
        held.setdefault(order["clOrdId"], []).append(order)
    sent = Counter(
        order["cl_ord_id"]
        for entry in await exchange.requests()
        if entry["method"] in ("POST", "private") and entry["target"] in _PLACING
        for order in entry["orders"]
    )
    seed = f"seed {SEED}"
    doubled = [name for name, orders in held.items() if len(orders) > 1]
    assert not doubled, f"{len(doubled)} orders are there twice ({seed}): {doubled[:5]}"
    twice = [name for name, count in sent.items() if count > 1]
    assert not twice, f"{len(twice)} orders were sent twice ({seed}): {twice[:5]}"
    contradicted = [
        (request, answer, held.get(request.client_order_id))
        for request, answer in zip(requests, told, strict=True)
        if [order["ordId"] for order in held.get(request.client_order_id, [])]
        != ([answer.exchange_order_id] if answer.exchange_order_id else [])
    ]
    assert not contradicted, f"{len(contradicted)} contradicted ({seed}): {contradicted[:5]}"
    reasons = Counter(answer.reason or "placed" for answer in told)
    assert reasons["never told"] == 0, reasons
    assert reasons["placed"] > ORDERS / 2, reasons
    # A run in which the faults did not strike proves nothing.
    hits = await exchange.fault_hits()
    for kind in {str(fault["kind"]) for fault in faults}:
        assert hits[kind] > 0, f"{kind} never struck: {hits}"
    assert reasons["ERROR_REASON_ORDER_NOT_PLACED"] > 0, reasons
