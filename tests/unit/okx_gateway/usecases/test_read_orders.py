from dataclasses import replace

import pytest
from redis.asyncio import Redis

from okx_gateway.domain.errors import ExchangeUnavailableError
from okx_gateway.domain.instrument import InstrumentType
from okx_gateway.domain.order import OrderState
from okx_gateway.okx.account_list import AccountList, AccountPage
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.verdict import Absent, NoEvidence
from okx_gateway.usecases.read_orders import ReadOrders
from tests.fakes.desk import Desk
from tests.fakes.live_orders import a_fill, a_live_order
from tests.fakes.orders import an_order

PENDING = AccountList(Endpoint.GET_ORDERS_PENDING)
FILLS = AccountList(Endpoint.GET_FILLS, begin_ms=500)
END = AccountPage((), (), "")


@pytest.fixture
def read(desk: Desk) -> ReadOrders:
    return ReadOrders(desk.accounts, desk.instruments, desk.ask)


def past(kind: InstrumentType) -> AccountList:
    return AccountList(Endpoint.GET_ORDERS_HISTORY, kind, 500)


async def test_all_lists_are_read_to_their_ends_and_the_fills_last(
    read: ReadOrders, desk: Desk, redis: "Redis"
) -> None:
    pages = desk.exchange.account_pages
    open_orders = [a_live_order(str(number)) for number in (3, 2, 1)]
    ended = a_live_order("9", state=OrderState.CANCELLED)
    pages[PENDING] = [
        AccountPage(tuple(open_orders[:2]), (), "1"),
        AccountPage(tuple(open_orders[2:]), (), "2"),
        END,
    ]
    pages[past(InstrumentType.SWAP)] = [AccountPage((ended,), (), "1"), END]
    pages[FILLS] = [AccountPage((), (a_fill(),), "1"), END]
    reading = await read("main", 500, {"1": open_orders[2]})
    assert reading.orders == [*open_orders, ended]
    assert reading.fills == [a_fill()]
    lists = [wanted for wanted, _ in desk.exchange.account_pages_read]
    assert lists[:3] == [PENDING] * 3
    assert set(lists[3:-2]) == {past(kind) for kind in InstrumentType}
    assert lists[-2:] == [FILLS] * 2
    windows = sorted(str(key).rpartition(":window:")[2] for key in await redis.keys("*:window:*"))
    assert windows == ["get_fills", "get_orders_history", "get_orders_pending"]


async def test_an_order_that_was_open_and_is_on_no_list_is_looked_up(
    read: ReadOrders, desk: Desk
) -> None:
    row = desk.exchange.enter(an_order("ours"))
    row["state"] = "canceled"
    known = a_live_order(row["ordId"])
    reading = await read("main", 500, {row["ordId"]: known})
    assert [each.state for each in reading.orders] == [OrderState.CANCELLED]


@pytest.mark.parametrize("told", [Absent(), NoEvidence("HTTP 503")])
async def test_nothing_is_said_of_orders_that_okx_does_not_tell_of(
    read: ReadOrders, desk: Desk, told: Absent | NoEvidence
) -> None:
    desk.exchange.lookups.append(told)
    with pytest.raises(ExchangeUnavailableError):
        await read("main", 500, {"1": a_live_order("1")})


async def test_an_order_on_an_instrument_that_is_gone_cannot_be_looked_up(
    read: ReadOrders,
) -> None:
    gone = replace(a_live_order("1"), instrument="BTC-USD-200101")
    with pytest.raises(ExchangeUnavailableError):
        await read("main", 500, {"1": gone})


async def test_a_list_without_an_end_is_not_read_for_ever(read: ReadOrders, desk: Desk) -> None:
    desk.exchange.account_pages[FILLS] = [AccountPage((), (a_fill(),), "0")]
    with pytest.raises(ExchangeUnavailableError):
        await read("main", 500, {})
    assert len(desk.exchange.account_pages_read) < 150
