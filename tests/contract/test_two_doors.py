"""gRPC and REST answer alike: one suite of scenarios, run through each."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
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
    Gateway,
    make_vault,
    running_exchange,
    running_gateway,
    settings_for,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

GTC = order_pb2.TIME_IN_FORCE_GOOD_TILL_CANCELLED
HTTP = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "UNKNOWN": 500,
    "DEADLINE_EXCEEDED": 504,
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with running_exchange(tmp_path_factory.mktemp("exchange")) as exchange:
        yield exchange


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(
    exchange: Exchange, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    settings = {
        **settings_for(exchange.address, valkey_url),
        **make_vault(tmp_path_factory.mktemp("vault")),
        "OKX_GATEWAY_ABSENCE_MARGIN_MS": "1000",
    }
    async with running_gateway(settings) as gateway:
        yield gateway


@pytest_asyncio.fixture(loop_scope="module", params=["grpc", "rest"])
async def door(request: pytest.FixtureRequest, gateway: Gateway) -> AsyncIterator[Door]:
    if request.param == "grpc":
        async with grpc.aio.insecure_channel(gateway.grpc) as channel:
            yield GrpcDoor(channel)
    else:
        async with aiohttp.ClientSession(f"http://{gateway.rest}") as session:
            yield RestDoor(session)


def an_order(instrument: str = "BTC-USDT", **changes: object) -> api.PlaceOrderRequest:
    request = api.PlaceOrderRequest(
        account=ACCOUNT,
        client_order_id=uuid.uuid4().hex,
        instrument=instrument,
        side=order_pb2.SIDE_BUY,
        trade_mode=order_pb2.TRADE_MODE_CASH,
        quantity="0.001",
    )
    if "market" not in changes:
        request.limit.price, request.limit.time_in_force = "90000", GTC
    request.MergeFrom(api.PlaceOrderRequest(**changes))  # type: ignore[arg-type]
    return request


def named(order: api.PlaceOrderRequest) -> api.GetOrderRequest:
    return api.GetOrderRequest(account=ACCOUNT, client_order_id=order.client_order_id)


async def refusal(door: Door, name: str, request: object, **options: Any) -> RefusedError:
    with pytest.raises(RefusedError) as refused:
        await door.call(name, request, **options)  # type: ignore[arg-type]
    if isinstance(door, RestDoor):
        assert refused.value.http_status == HTTP[refused.value.code]
    return refused.value


async def until_final(door: Door, order: api.PlaceOrderRequest) -> order_pb2.Order:
    for _ in range(40):
        found = await door.call("GetOrder", named(order))
        if found.order.state in (
            order_pb2.ORDER_STATE_FILLED,
            order_pb2.ORDER_STATE_CANCELLED,
        ):
            return found.order  # type: ignore[no-any-return]
        await asyncio.sleep(0.05)
    raise AssertionError("the order came to no end")


async def available(door: Door, currency: str) -> Decimal:
    request = api.GetBalanceRequest(account=ACCOUNT, currencies=[currency])
    response = await door.call("GetBalance", request)
    assert [each.currency for each in response.balance.currencies] == [currency]
    assert response.age.ToMilliseconds() < 5_000
    return Decimal(response.balance.currencies[0].available)


async def test_a_limit_order_rests_is_seen_and_is_cancelled(door: Door) -> None:
    order = an_order(tag="desk7")
    placed = await door.call("PlaceOrder", order)
    assert placed.outcome == order_pb2.ORDER_OUTCOME_PLACED
    assert not placed.replayed
    assert placed.exchange_receive_time.ToMicroseconds() > 0
    found = await door.call("GetOrder", named(order))
    assert found.outcome == order_pb2.ORDER_OUTCOME_PLACED
    assert found.order.exchange_order_id == placed.exchange_order_id
    assert (found.order.state, found.order.price, found.order.tag) == (
        order_pb2.ORDER_STATE_LIVE,
        "90000",
        "desk7",
    )
    cancel = api.CancelOrderRequest(account=ACCOUNT, client_order_id=order.client_order_id)
    cancelled = await door.call("CancelOrder", cancel)
    assert cancelled.outcome == api.CANCEL_OUTCOME_CANCELLING
    ended = await until_final(door, order)
    assert (ended.state, ended.cancel_source) == (order_pb2.ORDER_STATE_CANCELLED, "1")
    again = await door.call("CancelOrder", cancel)
    assert again.outcome == api.CANCEL_OUTCOME_CANCELLED


async def test_an_order_is_found_and_cancelled_by_the_id_of_the_exchange(door: Door) -> None:
    placed = await door.call("PlaceOrder", an_order())
    which = {
        "account": ACCOUNT,
        "exchange_order_id": placed.exchange_order_id,
        "instrument": "BTC-USDT",
    }
    found = await door.call("GetOrder", api.GetOrderRequest(**which))
    assert found.order.state == order_pb2.ORDER_STATE_LIVE
    cancelled = await door.call("CancelOrder", api.CancelOrderRequest(**which))
    assert cancelled.exchange_order_id == placed.exchange_order_id


async def test_a_market_order_sent_again_is_replayed_and_fills_once(door: Door) -> None:
    quote = order_pb2.MarketOrder(target_currency=order_pb2.TARGET_CURRENCY_QUOTE)
    order = an_order(market=quote, quantity="50")
    before = await available(door, "USDT")
    first = await door.call("PlaceOrder", order)
    once = await available(door, "USDT")
    again = await door.call("PlaceOrder", order)
    assert again.replayed
    assert again.exchange_order_id == first.exchange_order_id
    assert before - once > 49
    assert await available(door, "USDT") == once
    cancel = api.CancelOrderRequest(account=ACCOUNT, client_order_id=order.client_order_id)
    cancelled = await door.call("CancelOrder", cancel)
    assert cancelled.outcome == api.CANCEL_OUTCOME_ALREADY_FILLED


@pytest.mark.parametrize(
    ("time_in_force", "price", "cancel_source"),
    [
        (order_pb2.TIME_IN_FORCE_POST_ONLY, "104000", "31"),
        (order_pb2.TIME_IN_FORCE_FILL_OR_KILL, "97000", "13"),
        (order_pb2.TIME_IN_FORCE_IMMEDIATE_OR_CANCEL, "97000", "14"),
    ],
)
async def test_what_cannot_stand_is_placed_and_then_cancelled(
    door: Door,
    time_in_force: "order_pb2.TimeInForce.ValueType",
    price: str,
    cancel_source: str,
) -> None:
    limit = order_pb2.LimitOrder(price=price, time_in_force=time_in_force)
    order = an_order(limit=limit)
    await door.call("PlaceOrder", order)
    ended = await until_final(door, order)
    assert (ended.state, ended.cancel_source) == (order_pb2.ORDER_STATE_CANCELLED, cancel_source)


async def test_every_type_of_instrument_can_be_ordered(door: Door, exchange: Exchange) -> None:
    seen = set()
    for each in await exchange.tradable():
        if each["type"] in seen:
            continue
        seen.add(each["type"])
        spot = each["type"] == "SPOT"
        order = an_order(
            each["instrument"],
            quantity=each["quantity"],
            trade_mode=order_pb2.TRADE_MODE_CASH if spot else order_pb2.TRADE_MODE_CROSS,
            limit=order_pb2.LimitOrder(price=each["below"], time_in_force=GTC),
            margin_currency="USDT" if each["type"] == "MARGIN" else "",
        )
        placed = await door.call("PlaceOrder", order)
        assert placed.outcome == order_pb2.ORDER_OUTCOME_PLACED
    assert seen == {"SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION"}


async def test_exits_travel_with_the_order(door: Door, exchange: Exchange) -> None:
    order = an_order(
        "BTC-USDT-SWAP",
        trade_mode=order_pb2.TRADE_MODE_CROSS,
        quantity="0.01",
        take_profit=order_pb2.AttachedExit(trigger_price="120000"),
        stop_loss=order_pb2.AttachedExit(trigger_price="80000", order_price="79000"),
    )
    await door.call("PlaceOrder", order)
    [held] = [e for e in await exchange.orders() if e["clOrdId"] == order.client_order_id]
    [exits] = held["attachAlgoOrds"]
    assert (exits["tpTriggerPx"], exits["tpOrdPx"]) == ("120000", "-1")
    assert (exits["slTriggerPx"], exits["slOrdPx"]) == ("80000", "79000")


async def test_another_order_under_a_used_id_is_refused_by_the_first_difference(door: Door) -> None:
    order = an_order()
    await door.call("PlaceOrder", order)
    order.limit.price = "90001"
    refused = await refusal(door, "PlaceOrder", order)
    assert (refused.code, refused.reason) == ("ALREADY_EXISTS", "CLIENT_ORDER_ID_TAKEN")
    assert refused.metadata["firstDifference"] == "limit.price"


async def test_an_order_of_another_caller_is_not_told(door: Door) -> None:
    order = an_order()
    placed = await door.call("PlaceOrder", order, caller="desk-7")
    again = await door.call("PlaceOrder", order, caller="desk-7")
    assert (again.exchange_order_id, again.replayed) == (placed.exchange_order_id, True)
    for caller in ("desk-8", ""):
        refused = await refusal(door, "PlaceOrder", order, caller=caller)
        assert (refused.code, refused.reason) == ("ALREADY_EXISTS", "CLIENT_ORDER_ID_TAKEN")
        assert refused.metadata["firstDifference"] == ""
    refused = await refusal(door, "PlaceOrder", order, caller="Desk 7")
    assert (refused.code, refused.fields) == ("INVALID_ARGUMENT", {"x-caller"})


async def test_what_the_exchange_refuses_is_told_in_its_words_twice(door: Door) -> None:
    order = an_order("OKB-USDT", market=order_pb2.MarketOrder(), side=order_pb2.SIDE_SELL)
    order.quantity = "1"  # of which the account has none
    first = await refusal(door, "PlaceOrder", order)
    assert (first.code, first.reason) == ("FAILED_PRECONDITION", "ORDER_REFUSED")
    assert first.metadata["okxCode"] == "51008"
    assert first.metadata["replayed"] == "false"
    again = await refusal(door, "PlaceOrder", order)
    assert again.metadata == {**first.metadata, "replayed": "true"}
    found = await door.call("GetOrder", named(order))
    assert (found.outcome, found.okx_code) == (order_pb2.ORDER_OUTCOME_REFUSED, "51008")


async def test_everything_wrong_is_told_at_once(door: Door) -> None:
    order = an_order(tag="not-a-tag")
    order.quantity, order.client_order_id, order.side = "1e3", "an_id", order_pb2.SIDE_UNSPECIFIED
    refused = await refusal(door, "PlaceOrder", order)
    assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "INVALID_REQUEST")
    assert refused.fields == {"quantity", "client_order_id", "side", "tag"}


async def test_the_rules_of_the_instrument_are_told_at_once(door: Door) -> None:
    order = an_order(trade_mode=order_pb2.TRADE_MODE_CASH, reduce_only=True)
    order.quantity, order.limit.price = "0.000000001", "90000.05"
    refused = await refusal(door, "PlaceOrder", order)
    assert refused.fields == {"quantity", "limit.price", "reduce_only"}


async def test_unknown_names(door: Door) -> None:
    refused = await refusal(door, "GetBalance", api.GetBalanceRequest(account="nobody"))
    assert (refused.code, refused.reason) == ("NOT_FOUND", "ACCOUNT_UNKNOWN")
    refused = await refusal(door, "PlaceOrder", an_order("NOT-LISTED"))
    assert refused.fields == {"instrument"}
    refused = await refusal(door, "GetOrder", named(an_order()))
    assert (refused.code, refused.reason) == ("NOT_FOUND", "ORDER_NOT_FOUND")
    with pytest.raises(RefusedError) as stream:
        await anext(door.stream(["BTC-USDT", "NOT-LISTED"]))
    assert stream.value.fields == {"instruments[1]"}


async def test_a_full_budget_is_refused_with_the_time_to_wait(door: Door) -> None:
    instrument = "DOGE-USDT" if isinstance(door, RestDoor) else "XRP-USDT"

    def unplaced() -> api.CancelOrderRequest:
        order = an_order(instrument)
        return api.CancelOrderRequest(
            account=ACCOUNT, client_order_id=order.client_order_id, instrument=instrument
        )

    exhausted: list[RefusedError] = []
    # Where a busy machine takes as long over them as OKX allows, the next ones are too many.
    for _ in range(4):
        answers = await asyncio.gather(
            *(door.call("CancelOrder", unplaced(), deadline_s=1.0) for _ in range(200)),
            return_exceptions=True,
        )
        refused = [each for each in answers if isinstance(each, RefusedError)]
        exhausted += [each for each in refused if each.reason == "BUDGET_EXHAUSTED"]
        if len(exhausted) >= 10:
            break
    assert len(exhausted) >= 10
    assert {each.code for each in exhausted} == {"RESOURCE_EXHAUSTED"}
    windows = {f"cancel_order:{instrument}", f"get_order:{instrument}"}
    assert {each.quota for each in exhausted} <= windows
    assert all(0 < each.retry_ms <= 2_200 for each in exhausted)
    if isinstance(door, RestDoor):
        assert all(each.retry_after_s in (1, 2, 3) for each in exhausted)


async def test_an_order_is_amended_and_shows_it(door: Door) -> None:
    order = an_order()
    placed = await door.call("PlaceOrder", order)
    amend = api.AmendOrderRequest(
        account=ACCOUNT,
        client_order_id=order.client_order_id,
        new_price="90001",
        new_quantity="0.002",
    )
    amended = await door.call("AmendOrder", amend)
    assert amended.outcome == api.AMEND_OUTCOME_AMENDING
    assert amended.client_order_id == order.client_order_id
    assert amended.exchange_order_id == placed.exchange_order_id
    assert amended.update_time.ToMilliseconds() > 0
    by_okx = api.AmendOrderRequest(
        account=ACCOUNT,
        exchange_order_id=placed.exchange_order_id,
        instrument="BTC-USDT",
        new_price="90002",
    )
    await door.call("AmendOrder", by_okx)
    found = await door.call("GetOrder", named(order))
    assert (found.order.price, found.order.quantity) == ("90002", "0.002")


async def test_an_order_that_is_finished_is_told_so_instead_of_amended(door: Door) -> None:
    filled = an_order(market=order_pb2.MarketOrder())
    cancelled = an_order()
    for order in (filled, cancelled):
        await door.call("PlaceOrder", order)
    which = {"account": ACCOUNT, "client_order_id": cancelled.client_order_id}
    await door.call("CancelOrder", api.CancelOrderRequest(**which))
    for order, outcome in (
        (filled, api.AMEND_OUTCOME_ALREADY_FILLED),
        (cancelled, api.AMEND_OUTCOME_ALREADY_CANCELLED),
    ):
        await until_final(door, order)
        amend = api.AmendOrderRequest(
            account=ACCOUNT, client_order_id=order.client_order_id, new_price="90001"
        )
        assert (await door.call("AmendOrder", amend)).outcome == outcome


async def test_what_is_wrong_with_an_amend_is_told(door: Door) -> None:
    order = an_order()
    amend = api.AmendOrderRequest(account=ACCOUNT, client_order_id=order.client_order_id)
    refused = await refusal(door, "AmendOrder", amend)
    assert refused.fields == {"new_quantity"}
    amend.new_price = "90000.05"
    refused = await refusal(door, "AmendOrder", amend)
    assert (refused.code, refused.reason) == ("NOT_FOUND", "ORDER_NOT_FOUND")
    await door.call("PlaceOrder", order)
    refused = await refusal(door, "AmendOrder", amend)
    assert refused.fields == {"new_price"}
    # More than the account has of the quote currency: OKX's own words.
    amend.new_price, amend.new_quantity = "90000", "9000"
    refused = await refusal(door, "AmendOrder", amend)
    assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "EXCHANGE_REFUSED")
    assert refused.metadata["okxCode"]


async def test_an_amend_in_doubt_ends_and_lets_no_other_in_before(
    door: Door, exchange: Exchange
) -> None:
    order = an_order()
    await door.call("PlaceOrder", order)
    match = {"method": "POST", "path": "/api/v5/trade/amend-order"}
    await exchange.put_faults({"kind": "drop_before", "count": 1, "match": match})
    amend = api.AmendOrderRequest(
        account=ACCOUNT, client_order_id=order.client_order_id, new_price="90001"
    )
    refused = await refusal(door, "AmendOrder", amend, deadline_s=0.7)
    assert (refused.code, refused.reason) == ("UNKNOWN", "AMEND_OUTCOME_UNKNOWN")
    assert refused.metadata["resolveTime"].startswith("20")
    refused = await refusal(door, "AmendOrder", amend)
    assert (refused.code, refused.reason) == ("ABORTED", "AMEND_IN_FLIGHT")
    assert 0 < refused.retry_ms <= 3_000
    if isinstance(door, RestDoor):
        assert refused.retry_after_s in (1, 2, 3)
    await asyncio.sleep(refused.retry_ms / 1000 + 0.3)
    assert (await door.call("GetOrder", named(order))).order.price == "90000"
    await exchange.put_faults({"kind": "drop_before", "count": 1, "match": match})
    for _ in range(20):
        refused = await refusal(door, "AmendOrder", amend)
        if refused.reason != "AMEND_IN_FLIGHT":
            break
        await asyncio.sleep(0.5)  # on a busy machine looking takes a while
    assert (refused.code, refused.reason) == ("ABORTED", "AMEND_NOT_TAKEN")
    await exchange.put_faults({"kind": "drop_after", "count": 1, "match": match})
    amended = await door.call("AmendOrder", amend)
    assert amended.outcome == api.AMEND_OUTCOME_AMENDED
    assert (await door.call("GetOrder", named(order))).order.price == "90001"


async def test_doubt_is_told_and_ends(door: Door, exchange: Exchange) -> None:
    match = {"method": "POST", "path": "/api/v5/trade/order"}
    await exchange.put_faults({"kind": "drop_before", "count": 1, "match": match})
    order = an_order("SOL-USDT", limit=order_pb2.LimitOrder(price="190", time_in_force=GTC))
    order.quantity = "1"
    refused = await refusal(door, "PlaceOrder", order, deadline_s=1.0)
    assert (refused.code, refused.reason) == ("UNKNOWN", "ORDER_OUTCOME_UNKNOWN")
    assert refused.metadata["resolveTime"].startswith("20")
    found = await door.call("GetOrder", named(order))
    assert found.outcome in (
        order_pb2.ORDER_OUTCOME_IN_DOUBT,
        order_pb2.ORDER_OUTCOME_NOT_PLACED,
    )
    for _ in range(40):
        found = await door.call("GetOrder", named(order))
        if found.outcome == order_pb2.ORDER_OUTCOME_NOT_PLACED:
            break
        await asyncio.sleep(0.2)
    assert found.outcome == order_pb2.ORDER_OUTCOME_NOT_PLACED
    refused = await refusal(door, "PlaceOrder", order)
    assert (refused.code, refused.reason) == ("ABORTED", "ORDER_NOT_PLACED")


async def test_a_stream_begins_with_the_last_ticker_and_tells_a_gap(
    door: Door, exchange: Exchange
) -> None:
    events = door.stream(["BTC-USDT", "ETH-USDT"])
    first = [await anext(events) for _ in range(2)]
    assert {each.ticker.instrument for each in first} == {"BTC-USDT", "ETH-USDT"}
    await exchange.control_call("POST", "/disconnect", {"url": "public"})
    gapped: set[str] = set()
    resumed: set[str] = set()
    async with asyncio.timeout(15):
        async for event in events:
            if event.HasField("gap"):
                gapped |= set(event.gap.instruments)
            elif event.HasField("ticker") and gapped:
                resumed.add(event.ticker.instrument)
            if resumed == {"BTC-USDT", "ETH-USDT"}:
                break
    assert gapped == {"BTC-USDT", "ETH-USDT"}
    await events.aclose()  # type: ignore[attr-defined]
