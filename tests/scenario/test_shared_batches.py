"""Orders that have to wait leave together, of whatever caller; each is answered for itself."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import pytest_asyncio

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from tests.support.doors import GrpcDoor, RefusedError
from tests.support.running import ACCOUNT, Exchange, Gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")

BATCHES = {"method": "POST", "path": "/api/v5/trade/batch-orders"}
# Source: OKX docs, 'Place order': 60 in 2 s; the others wait, or share a batch.
SINGLES_MAX = 60
ORDERS = 150


@pytest_asyncio.fixture(loop_scope="module")
async def door(gateway: Gateway, exchange: Exchange) -> AsyncIterator[GrpcDoor]:
    async with grpc.aio.insecure_channel(gateway.grpc) as channel:
        yield GrpcDoor(channel)
    await exchange.put_faults()


# Far below the market, so that nothing fills.
PRICES = {"XRP-USDT": "0.5", "SOL-USDT": "50"}


def an_order(instrument: str, side: Any = order_pb2.SIDE_BUY) -> api.PlaceOrderRequest:
    return api.PlaceOrderRequest(
        account=ACCOUNT,
        client_order_id=uuid.uuid4().hex,
        instrument=instrument,
        side=side,
        trade_mode=order_pb2.TRADE_MODE_CASH,
        quantity="1",
        limit=order_pb2.LimitOrder(
            price=PRICES[instrument],
            time_in_force=order_pb2.TIME_IN_FORCE_GOOD_TILL_CANCELLED,
        ),
    )


async def told(door: GrpcDoor, order: api.PlaceOrderRequest) -> str:
    """OKX's id of an order that was placed, or else OKX's code for refusing it."""
    try:
        answer = await door.call("PlaceOrder", order, deadline_s=5)
    except RefusedError as error:
        return str(error.metadata.get("okxCode") or error.reason)
    assert answer.client_order_id == order.client_order_id
    return str(answer.exchange_order_id)


async def batches(exchange: Exchange) -> list[list[str]]:
    """The callers' ids in each batch that was sent."""
    return [
        [order["cl_ord_id"] for order in entry["orders"]]
        for entry in await exchange.requests()
        if (entry["method"], entry["target"]) == (BATCHES["method"], BATCHES["path"])
    ]


async def test_orders_beyond_the_single_window_leave_in_batches_within_a_moment(
    door: GrpcDoor, exchange: Exchange
) -> None:
    orders = [an_order("XRP-USDT") for _ in range(ORDERS)]
    # OKX refuses one of them for its price, which is no concern of the others.
    cheap = an_order("XRP-USDT", order_pb2.SIDE_SELL)
    async with asyncio.timeout(4):  # the single window has room for the last after four
        answers = await asyncio.gather(*(told(door, each) for each in [*orders, cheap]))
    in_books = {each["clOrdId"]: each["ordId"] for each in await exchange.orders()}
    assert answers[:-1] == [in_books[each.client_order_id] for each in orders]
    assert answers[-1] == "51006"
    sent = await batches(exchange)
    assert sum(map(len, sent)) >= ORDERS - SINGLES_MAX
    assert {len(each) for each in sent} <= set(range(2, 21))
    limits = await exchange.limits()
    assert not [each for each in limits if each["refused"]], limits


async def test_a_batch_whose_reply_is_lost_is_answered_order_by_order_and_sent_once(
    door: GrpcDoor, exchange: Exchange
) -> None:
    await exchange.put_faults({"kind": "drop_after", "match": BATCHES})
    orders = [an_order("SOL-USDT") for _ in range(SINGLES_MAX + 20)]
    answers = await asyncio.gather(*(told(door, each) for each in orders))
    assert (await exchange.fault_hits())["drop_after"] > 0
    in_books = {each["clOrdId"]: each["ordId"] for each in await exchange.orders()}
    assert answers == [in_books[each.client_order_id] for each in orders]
    written = Counter(
        order["cl_ord_id"]
        for entry in await exchange.requests()
        if entry["method"] == "POST"
        for order in entry["orders"]
    )
    assert {written[each.client_order_id] for each in orders} == {1}
