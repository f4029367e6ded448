import pytest
from redis.asyncio import Redis

from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.order_list import ListedOrder, ListPage, ListVerdict
from okx_gateway.okx.verdict import NoEvidence
from okx_gateway.usecases.order_lists import OrderLists
from tests.fakes.desk import Desk
from tests.fakes.orders import NET, an_instrument, an_order

LISTS = (Endpoint.GET_ORDERS_PENDING, Endpoint.GET_ORDERS_HISTORY, Endpoint.GET_FILLS)
OURS, ANOTHER = ListedOrder("a1", "7"), ListedOrder("b1", "8")


async def lack(desk: Desk, read: set[Endpoint] | None = None) -> bool:
    return await OrderLists(desk.ask).lack(
        NET,
        an_instrument(),
        an_order(),
        since_ms=10_000,
        until_ms=20_000,
        read=set() if read is None else read,
    )


async def test_an_order_that_no_list_has_is_lacking(redis: "Redis", desk: Desk) -> None:
    assert await lack(desk)
    assert desk.exchange.pages_read == [(endpoint, "") for endpoint in LISTS]
    windows = sorted(str(key).rpartition(":window:")[2] for key in await redis.keys("*:window:*"))
    assert windows == ["get_fills", "get_orders_history", "get_orders_pending"]


@pytest.mark.parametrize("endpoint", LISTS)
async def test_a_list_is_read_to_its_end(desk: Desk, endpoint: Endpoint) -> None:
    pages: list[ListVerdict] = [
        ListPage((ANOTHER,), "1"),
        ListPage((ANOTHER,), "2"),
        ListPage((), ""),
    ]
    desk.exchange.lists[endpoint] = pages
    assert await lack(desk)
    pages[2] = ListPage((OURS,), "")
    assert not await lack(desk)


@pytest.mark.parametrize("endpoint", LISTS)
async def test_a_list_that_is_not_told_proves_nothing(desk: Desk, endpoint: Endpoint) -> None:
    desk.exchange.lists[endpoint] = [NoEvidence("HTTP 503")]
    assert not await lack(desk)


async def test_a_list_without_an_end_proves_nothing(desk: Desk) -> None:
    desk.exchange.lists[Endpoint.GET_FILLS] = [ListPage((ANOTHER,), "0")]
    assert not await lack(desk)
    assert len(desk.exchange.pages_read) < 200


async def test_a_list_that_was_read_is_not_read_again(desk: Desk) -> None:
    read: set[Endpoint] = set()
    desk.exchange.lists[Endpoint.GET_FILLS] = [NoEvidence("HTTP 503")]
    assert not await lack(desk, read)
    desk.exchange.lists.clear()
    desk.exchange.pages_read.clear()
    assert await lack(desk, read)
    assert desk.exchange.pages_read == [(Endpoint.GET_FILLS, "")]
