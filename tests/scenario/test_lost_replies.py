"""A thousand orders of every type while replies are lost, late or garbled: none twice, none denied.

The simulator's own books are the judge: what the gateway told of each order must be what happened.
"""

import asyncio
import random
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from tests.support.running import ACCOUNT, UID, Exchange

if TYPE_CHECKING:
    from okx_gateway.api.v1.gateway_service_pb2_grpc import GatewayServiceAsyncStub

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

ORDERS = 1_000
SEED = 20261122
AT_ONCE = 100
DOUBT_ROUNDS_MAX = 20
_ORDER = {"method": "POST", "path": "/api/v5/trade/order"}
_LOOKUP = {"method": "GET", "path": "/api/v5/trade/order"}

FAULTS: list[dict[str, Any]] = [
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
    {"kind": "drop_after", "name": "lookups", "probability": 0.1, "match": _LOOKUP},
]


@dataclass(frozen=True)
class Product:
    instrument: str
    trade_mode: "order_pb2.TradeMode.ValueType"
    quantity: str
    price_low: str
    price_high: str
    margin_currency: str = ""


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


async def place_until_told(
    stub: "GatewayServiceAsyncStub", request: api.PlaceOrderRequest
) -> tuple[Told, int]:
    """As a careful caller does: while in doubt or out of budget, the same call again."""
    for calls in range(1, DOUBT_ROUNDS_MAX):
        try:
            response = await stub.PlaceOrder(request, timeout=4)
        except grpc.aio.AioRpcError as error:
            reason = reason_of(error)
            if reason in ("ERROR_REASON_ORDER_OUTCOME_UNKNOWN", "ERROR_REASON_BUDGET_EXHAUSTED"):
                await asyncio.sleep(0.2)
                continue
            return Told(reason=reason), calls
        return Told(exchange_order_id=response.exchange_order_id), calls
    return Told(reason="never told"), DOUBT_ROUNDS_MAX


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


async def test_no_order_is_doubled_or_contradicted(
    stub: "GatewayServiceAsyncStub", exchange: Exchange
) -> None:
    chosen = random.Random(SEED)
    offered = await products(exchange)
    requests = [an_order(chosen, chosen.choice(offered)) for _ in range(ORDERS)]
    await exchange.put_faults(*FAULTS)
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(request: api.PlaceOrderRequest) -> tuple[Told, int]:
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
        if entry["method"] == "POST" and entry["target"] == "/api/v5/trade/order"
        for order in entry["orders"]
    )
    seed = f"seed {SEED}"
    doubled = [name for name, orders in held.items() if len(orders) > 1]
    assert not doubled, f"{len(doubled)} orders are there twice ({seed}): {doubled[:5]}"
    twice = [name for name, count in sent.items() if count > 1]
    assert not twice, f"{len(twice)} orders were sent twice ({seed}): {twice[:5]}"
    contradicted = [
        (request, answer, held.get(request.client_order_id))
        for request, (answer, _) in zip(requests, told, strict=True)
        if [order["ordId"] for order in held.get(request.client_order_id, [])]
        != ([answer.exchange_order_id] if answer.exchange_order_id else [])
    ]
    assert not contradicted, f"{len(contradicted)} contradicted ({seed}): {contradicted[:5]}"
    reasons = Counter(answer.reason or "placed" for answer, _ in told)
    assert reasons["never told"] == 0, reasons
    assert reasons["placed"] > ORDERS / 2, reasons
    # A run in which the faults did not strike proves nothing.
    hits = await exchange.fault_hits()
    for kind in {str(fault["kind"]) for fault in FAULTS}:
        assert hits[kind] > 0, f"{kind} never struck: {hits}"
    assert reasons["ERROR_REASON_ORDER_NOT_PLACED"] > 0, reasons
