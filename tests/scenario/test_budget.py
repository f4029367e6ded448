"""Four gateways share one rate limit: OKX refuses none of their orders, and few slots are lost."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import pytest_asyncio

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from tests.support.gateway_process import GatewayProcess, gateway_process
from tests.support.running import ACCOUNT, Exchange, make_vault, running_exchange, settings_for

if TYPE_CHECKING:
    from okx_gateway.api.v1.gateway_service_pb2_grpc import GatewayServiceAsyncStub

pytestmark = pytest.mark.asyncio(loop_scope="module")

GATEWAYS = 4
# OKX takes a batch as a whole or not at all there, so orders that wait share none.
PORTFOLIO_MARGIN = "4"
INSTRUMENT = "BTC-USDT"
# Source: OKX docs, 'Place order': 60 requests per 2 seconds per User ID and Instrument ID.
PLACES_MAX = 60
# As wide as the gateways make it, and for how long the orders of one slot go on arriving.
WIDENED_S, SPREAD_S = 2.2, 0.5
# Four windows full, so that the last begins three widths after the first where no slot is lost.
WINDOWS = 4
USED_SHARE_MIN = 0.9
CANCELS = 20


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    folder = tmp_path_factory.mktemp("exchange")
    async with running_exchange(folder, account_level=PORTFOLIO_MARGIN) as exchange:
        # OKX is not always equally far away.
        await exchange.put_faults(
            {"kind": "latency_before", "wait": {"low_ms": 0, "high_ms": 40}},
            {"kind": "latency_after", "wait": {"low_ms": 0, "high_ms": 40}},
        )
        yield exchange


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateways(
    exchange: Exchange, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[list[GatewayProcess]]:
    folder = tmp_path_factory.mktemp("gateways")
    settings = {**settings_for(exchange.address, valkey_url), **make_vault(folder)}
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(gateway_process(settings, folder / f"{number}.txt"))
            for number in range(GATEWAYS)
        ]


def an_order() -> api.PlaceOrderRequest:
    return api.PlaceOrderRequest(
        account=ACCOUNT,
        client_order_id=uuid.uuid4().hex,
        instrument=INSTRUMENT,
        side=order_pb2.SIDE_BUY,
        trade_mode=order_pb2.TRADE_MODE_CASH,
        quantity="0.001",
        limit=order_pb2.LimitOrder(
            price="90000", time_in_force=order_pb2.TIME_IN_FORCE_GOOD_TILL_CANCELLED
        ),
    )


def named(order: api.PlaceOrderRequest) -> dict[str, str]:
    return {"account": ACCOUNT, "client_order_id": order.client_order_id}


async def is_denied(stub: "GatewayServiceAsyncStub") -> bool:
    """Whether one more order, with a second to go, is refused for want of room."""
    try:
        await stub.PlaceOrder(an_order(), timeout=1)
    except grpc.aio.AioRpcError as error:
        return error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    return False


async def arrivals_s(exchange: Exchange, path: str) -> list[float]:
    """When each POST to `path` arrived, seconds of the exchange's clock, oldest first."""
    return sorted(
        entry["arrived_us"] / 1e6
        for entry in await exchange.requests()
        if (entry["method"], entry["target"]) == ("POST", path)
    )


async def windows(exchange: Exchange) -> dict[str, dict[str, Any]]:
    return {f"{each['limit']} {each['key']}": each for each in await exchange.limits()}


async def test_places_fill_the_limit_and_never_break_it_while_cancels_pass(
    gateways: list[GatewayProcess], exchange: Exchange
) -> None:
    stubs = [each.stub for each in gateways]
    orders = [an_order() for _ in range(WINDOWS * PLACES_MAX)]
    placing = [
        asyncio.ensure_future(stubs[number % GATEWAYS].PlaceOrder(order, timeout=30))
        for number, order in enumerate(orders)
    ]
    # By then the first window is being placed, and the others wait for their slots.
    await asyncio.wait(placing, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.sleep(0.3)
    placed = [order for order, call in zip(orders, placing, strict=True) if call.done()][:CANCELS]
    assert placed
    denied = await asyncio.gather(*map(is_denied, stubs))
    cancelled = await asyncio.gather(
        *(
            stubs[number % GATEWAYS].CancelOrder(api.CancelOrderRequest(**named(order)), timeout=1)
            for number, order in enumerate(placed)
        )
    )
    assert denied == [True] * GATEWAYS
    assert not all(call.done() for call in placing), "the places were through: nothing is shown"
    assert {each.outcome for each in cancelled} == {api.CANCEL_OUTCOME_CANCELLING}

    answers = await asyncio.gather(*placing)
    assert {answer.outcome for answer in answers} == {order_pb2.ORDER_OUTCOME_PLACED}
    assert not any(answer.replayed for answer in answers)

    counted = await windows(exchange)
    assert not {name: each for name, each in counted.items() if each["refused"]}
    [places] = [each for name, each in counted.items() if "POST /api/v5/trade/order " in name]
    assert places["worst"] <= PLACES_MAX == places["amount"]
    arrived_s = await arrivals_s(exchange, "/api/v5/trade/order")
    assert len(arrived_s) == len(orders)
    # An order that a stall made miss its slot goes to the end of those that wait, a window later.
    last_begins_s = arrived_s[0] + (WINDOWS - 1) * WIDENED_S
    in_time = sum(at_s <= last_begins_s + SPREAD_S for at_s in arrived_s)
    assert in_time >= USED_SHARE_MIN * len(orders), f"{in_time} of {len(orders)} came in time"


async def test_places_of_one_instrument_leave_the_others_alone(
    gateways: list[GatewayProcess],
) -> None:
    stub = gateways[0].stub
    waiting = [
        asyncio.ensure_future(stub.PlaceOrder(an_order(), timeout=10))
        for _ in range(PLACES_MAX + 20)
    ]
    await asyncio.sleep(0.2)
    other = an_order()
    other.instrument, other.quantity, other.limit.price = "ETH-USDT", "0.01", "3000"
    answer = await stub.PlaceOrder(other, timeout=1)
    assert answer.outcome == order_pb2.ORDER_OUTCOME_PLACED
    assert not all(call.done() for call in waiting)
    await asyncio.gather(*waiting)
