"""The gateway's own client of OKX against the simulator, which shares no code with it."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from okx_gateway.custody.credential import Credential, Environment
from okx_gateway.custody.signer import Signer
from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.domain.order import (
    Limit,
    Market,
    NewOrder,
    OrderName,
    OrderState,
    Placed,
    Refused,
    TargetCurrency,
    TimeInForce,
)
from okx_gateway.okx.amend_verdict import AmendNeedsLook, AmendTaken
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.exchange_client import ExchangeClient
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.order_list import ListedOrder, ListPage
from okx_gateway.okx.rest_client import RestClient
from okx_gateway.okx.verdict import CancelTaken, Found, InDoubt
from tests.fakes.orders import an_order

PENDING, HISTORY = Endpoint.GET_ORDERS_PENDING, Endpoint.GET_ORDERS_HISTORY
_PAGES_MAX = 10


@dataclass(frozen=True)
class Desk:
    """The client, an instrument, and a price at which orders rest."""

    exchange: ExchangeClient
    instrument: Instrument
    price: Decimal
    clock: ExchangeClock
    control: str

    def order(self, client_order_id: str, **changes: Any) -> NewOrder:
        kind = Limit(self.price, TimeInForce.GOOD_TILL_CANCELLED)
        return an_order(client_order_id, **{"quantity": Decimal("0.001"), "kind": kind, **changes})

    def soon_ms(self) -> int:
        return self.clock.earliest_ms() + 2_000

    async def place(self, *orders: NewOrder) -> list[Any]:
        return await self.exchange.place_batch(orders, self.instrument, expiry_ms=self.soon_ms())

    async def look(self, client_order_id: str) -> Found:
        found = await self.exchange.look_up("main", "BTC-USDT", OrderName(client_order_id))
        assert isinstance(found, Found)
        return found

    async def listed(self, endpoint: Endpoint, begin_ms: int, end_ms: int) -> list[ListPage]:
        """Every page of a list, to its end."""
        pages: list[ListPage] = []
        while len(pages) < _PAGES_MAX:
            page = await self.exchange.orders_page(
                "main",
                endpoint,
                self.instrument,
                after=pages[-1].after if pages else "",
                begin_ms=begin_ms,
                end_ms=end_ms,
            )
            assert isinstance(page, ListPage)
            pages.append(page)
            if not page.after:
                return pages
        raise AssertionError("a list without an end")


@pytest.fixture
async def desk(simulated: Any) -> AsyncIterator[Desk]:
    secrets = (simulated.key, simulated.secret, simulated.passphrase)
    credential = Credential(
        account="main", environment=Environment.LIVE, version=1, secrets=secrets
    )
    signer = Signer([credential], environment=Environment.LIVE)
    clock = ExchangeClock()
    async with RestClient(simulated.url) as rest, aiohttp.ClientSession(simulated.url) as session:
        exchange = ExchangeClient(rest, signer, clock, demo=False)
        await exchange.synchronise()
        instruments = await exchange.instruments(InstrumentType.SPOT)
        [instrument] = [each for each in instruments if each.name == "BTC-USDT"]
        async with session.get("/api/v5/market/ticker?instId=BTC-USDT") as response:
            last = Decimal((await response.json())["data"][0]["last"])
        price = last * Decimal("0.99") // instrument.tick * instrument.tick
        yield Desk(exchange, instrument, price, clock, simulated.control)


async def test_orders_of_a_batch_are_placed_and_refused_each_for_itself(desk: Desk) -> None:
    dear = Limit(desk.price, TimeInForce.GOOD_TILL_CANCELLED)
    first, poor, last = await desk.place(
        desk.order("batch1"),
        desk.order("batch2", quantity=Decimal(900), kind=dear),
        desk.order("batch3"),
    )
    assert isinstance(first, Placed)
    assert isinstance(poor, Refused)
    assert isinstance(last, Placed)
    assert first.receive_us
    for name, placed in (("batch1", first), ("batch3", last)):
        found = await desk.look(name)
        assert found.order.exchange_order_id == placed.exchange_order_id


async def test_a_batch_that_comes_after_its_expiry_is_refused_for_all(desk: Desk) -> None:
    orders = [desk.order("late1"), desk.order("late2")]
    past_ms = desk.clock.earliest_ms() - 1_000
    verdicts = await desk.exchange.place_batch(orders, desk.instrument, expiry_ms=past_ms)
    assert [each.code for each in verdicts if isinstance(each, Refused)] == ["50036"] * 2


async def test_a_batch_whose_answer_is_lost_is_in_doubt_and_can_be_looked_up(desk: Desk) -> None:
    match = {"path": "/api/v5/trade/batch-orders"}
    fault = {"name": "lost", "kind": "drop_after", "count": 1, "match": match}
    async with aiohttp.ClientSession(f"http://{desk.control}") as session:
        async with session.put("/faults", json={"faults": [fault]}) as response:
            assert response.ok
        verdicts = await desk.place(desk.order("lost1"), desk.order("lost2"))
        async with session.put("/faults", json={"faults": []}) as response:
            assert response.ok
    assert [type(each) for each in verdicts] == [InDoubt, InDoubt]
    for name in ("lost1", "lost2"):
        assert (await desk.look(name)).order.state is OrderState.LIVE


async def amend(desk: Desk, exchange_order_id: str, **new: Decimal) -> object:
    return await desk.exchange.amend(
        "main",
        desk.instrument,
        exchange_order_id,
        quantity=new.get("quantity"),
        price=new.get("price"),
        amend_id="change1",
        expiry_ms=desk.soon_ms(),
    )


async def test_an_order_is_amended_until_it_is_finished(desk: Desk) -> None:
    placed, _ = await desk.place(desk.order("amend1"), desk.order("amend2"))
    name = placed.exchange_order_id
    assert isinstance(await amend(desk, name, quantity=Decimal("0.002")), AmendTaken)
    lower = desk.price - desk.instrument.tick
    taken = await amend(desk, name, price=lower)
    assert isinstance(taken, AmendTaken)
    assert taken.exchange_order_id == name
    order = (await desk.look("amend1")).order
    assert (Decimal(order.quantity), Decimal(order.price)) == (Decimal("0.002"), lower)

    assert isinstance(await amend(desk, name), Refused)
    assert isinstance(await amend(desk, name, quantity=Decimal(10_000)), Refused)
    assert (await desk.look("amend1")).order.state is OrderState.LIVE
    cancelled = await desk.exchange.cancel(
        "main", desk.instrument, OrderName(exchange_order_id=name)
    )
    assert isinstance(cancelled, CancelTaken)
    assert await amend(desk, name, quantity=Decimal("0.001")) == AmendNeedsLook()
    assert await amend(desk, "17", quantity=Decimal("0.001")) == AmendNeedsLook()


async def test_lists_are_read_to_their_end_and_tell_where_an_order_is(desk: Desk) -> None:
    begin_ms = desk.clock.earliest_ms()
    names = [f"list{n}" for n in range(120)]
    placed: list[Any] = []
    for at in range(0, len(names), 20):
        placed += await desk.place(*(desk.order(name) for name in names[at : at + 20]))
    ids = {
        ListedOrder(name, each.exchange_order_id) for name, each in zip(names, placed, strict=True)
    }
    gone = ListedOrder("list7", placed[7].exchange_order_id)
    await desk.exchange.cancel("main", desk.instrument, OrderName("list7"))
    at_market = Market(TargetCurrency.BASE)
    bought = await desk.exchange.place(
        desk.order("list120", kind=at_market), desk.instrument, expiry_ms=desk.soon_ms()
    )
    assert isinstance(bought, Placed)
    filled = ListedOrder("list120", bought.exchange_order_id)
    end_ms = desk.clock.latest_ms() + 1

    pending = await desk.listed(PENDING, 0, 0)
    assert [len(page.orders) for page in pending[:1]] == [100]
    everything = {order for page in pending for order in page.orders}
    assert ids - {gone} <= everything
    assert not everything & {gone, filled}

    finished = await desk.listed(HISTORY, begin_ms, end_ms)
    assert {order for page in finished for order in page.orders} == {gone, filled}
    assert await desk.listed(HISTORY, begin_ms - 9_000, begin_ms - 1_000) == [ListPage((), "")]
    fills = await desk.listed(Endpoint.GET_FILLS, begin_ms, end_ms)
    assert {order for page in fills for order in page.orders} == {filled}
    assert await desk.listed(Endpoint.GET_FILLS, end_ms + 1, end_ms + 2) == [ListPage((), "")]


async def test_the_rate_limit_of_an_account_below_vip_5_is_that_of_everybody(desk: Desk) -> None:
    assert await desk.exchange.account_rate_limit("main") == 1_000


async def test_nothing_is_written_after_the_time_for_it(desk: Desk) -> None:
    await asyncio.gather(
        *(
            desk.exchange.place(
                desk.order(f"held{n}"),
                desk.instrument,
                expiry_ms=desk.soon_ms(),
                write_before_s=time.monotonic() - 0.001,
            )
            for n in range(5)
        )
    )
    pending = await desk.listed(PENDING, 0, 0)
    assert not [
        order for page in pending for order in page.orders if "held" in order.client_order_id
    ]
