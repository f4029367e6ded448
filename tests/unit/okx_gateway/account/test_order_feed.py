import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from okx_gateway.account import order_feed
from okx_gateway.account.order_feed import ORDERS_CHANNEL, OrderFeed
from okx_gateway.account.order_log import OrderLog
from okx_gateway.account.order_state import PushedOrder
from okx_gateway.domain.order import Order, OrderState
from okx_gateway.domain.order_event import Fill, OrderChange
from okx_gateway.okx.channel import Push
from tests.fakes.live_orders import FakeLists, a_fill, a_live_order, pushed_row
from tests.fakes.okx_socket import until

NOW_MS = 100_000
LIVE = a_live_order(place_ms=NOW_MS, update_ms=NOW_MS)
PARTLY = replace(LIVE, state=OrderState.PARTIALLY_FILLED, filled_quantity="1", update_ms=NOW_MS + 1)
CANCELLED = replace(PARTLY, state=OrderState.CANCELLED, cancel_source="1", update_ms=NOW_MS + 2)
FILL = a_fill(fill_ms=NOW_MS + 1)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_feed, "_LOOK_AGAIN_S", 0.03)
    monkeypatch.setattr(order_feed, "_WITHOUT_CHANNEL_S", 0.01)
    monkeypatch.setattr(order_feed, "_PAUSE_S_MAX", 0.005)


@pytest.fixture
def lists() -> FakeLists:
    return FakeLists()


@pytest.fixture
async def feed(lists: FakeLists) -> AsyncIterator[OrderFeed]:
    feed = OrderFeed("main", lists, now_ms=lambda: NOW_MS, kept_max=1_000)
    yield feed
    feed.close()


def push(feed: OrderFeed, order: Order, fill: Fill | None = None) -> None:
    row = pushed_row(PushedOrder(order, fill, 5))
    feed.on_rows(ORDERS_CHANNEL, [row], Push(receive_ms=5))


async def usable(feed: OrderFeed) -> OrderLog:
    await until(lambda: feed.usable)
    assert feed.log is not None
    return feed.log


def told(feed: OrderFeed) -> list[OrderChange]:
    assert feed.log is not None
    count = feed.log.end.number
    first = replace(feed.log.end, number=0)
    return [each.change for each in feed.log.after(first, count_max=count)]


def short(feed: OrderFeed) -> list[tuple[str, str, bool]]:
    return [
        (each.order.state.value, each.fill.trade_id if each.fill else "", each.recovered)
        for each in told(feed)
    ]


async def test_what_is_open_when_the_channel_begins_is_no_news(
    feed: OrderFeed, lists: FakeLists
) -> None:
    lists.orders = [LIVE]
    assert feed.find("1") is None
    feed.on_subscribed(ORDERS_CHANNEL)
    await usable(feed)
    assert told(feed) == []
    assert feed.open_orders == [LIVE]
    assert feed.find("1") == LIVE
    assert lists.readings[0][0] < NOW_MS


async def test_pushes_are_told_at_once(feed: OrderFeed) -> None:
    feed.on_subscribed(ORDERS_CHANNEL)
    await usable(feed)
    news = asyncio.Event()
    feed.join(news)
    push(feed, LIVE)
    push(feed, PARTLY, FILL)
    assert news.is_set()
    assert short(feed) == [("live", "", False), ("partially_filled", "7", False)]
    assert told(feed)[0].receive_ms == 5
    news.clear()
    feed.leave(news)
    push(feed, CANCELLED)
    assert not news.is_set()


async def test_what_comes_while_the_lists_are_read_is_told_behind_them(
    feed: OrderFeed, lists: FakeLists
) -> None:
    feed.on_subscribed(ORDERS_CHANNEL)
    await usable(feed)
    push(feed, LIVE)
    feed.on_lost(ORDERS_CHANNEL)
    assert not feed.usable
    assert feed.find("1") is None
    lists.orders, lists.fills = [PARTLY], [FILL]
    lists.gate.clear()
    feed.on_subscribed(ORDERS_CHANNEL)
    await asyncio.sleep(0)
    push(feed, CANCELLED)
    assert len(told(feed)) == 1
    lists.gate.set()
    await usable(feed)
    assert short(feed) == [
        ("live", "", False),
        ("partially_filled", "7", True),
        ("cancelled", "", False),
    ]
    assert lists.readings[-1][1] == ["1"]


async def test_lists_are_read_until_they_are_there(feed: OrderFeed, lists: FakeLists) -> None:
    lists.failures = 3
    feed.on_subscribed(ORDERS_CHANNEL)
    await usable(feed)
    assert len(lists.readings) == 4


async def test_a_list_that_lags_is_waited_for(feed: OrderFeed, lists: FakeLists) -> None:
    feed.on_subscribed(ORDERS_CHANNEL)
    log = await usable(feed)
    push(feed, LIVE)
    feed.on_lost(ORDERS_CHANNEL)
    lists.orders = [PARTLY]
    read = len(lists.readings)
    feed.on_subscribed(ORDERS_CHANNEL)
    await until(lambda: len(lists.readings) >= read + 2)
    lists.fills = [FILL]
    assert await usable(feed) is log
    assert short(feed)[1:] == [("partially_filled", "7", True)]


async def test_what_never_adds_up_is_a_new_beginning(feed: OrderFeed, lists: FakeLists) -> None:
    feed.on_subscribed(ORDERS_CHANNEL)
    log = await usable(feed)
    push(feed, LIVE)
    feed.on_lost(ORDERS_CHANNEL)
    lists.orders = [PARTLY]
    feed.on_subscribed(ORDERS_CHANNEL)
    assert await usable(feed) is not log
    assert feed.open_orders == [PARTLY]


async def test_a_hole_that_okx_has_forgotten_is_a_new_beginning(
    feed: OrderFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.on_subscribed(ORDERS_CHANNEL)
    log = await usable(feed)
    feed.on_lost(ORDERS_CHANNEL)
    monkeypatch.setattr(order_feed, "_HOLE_S_MAX", 0.0)
    feed.on_subscribed(ORDERS_CHANNEL)
    assert await usable(feed) is not log


async def test_what_a_list_shows_late_is_told_all_the_same(
    feed: OrderFeed, lists: FakeLists
) -> None:
    feed.on_subscribed(ORDERS_CHANNEL)
    await usable(feed)
    lists.orders, lists.fills = [CANCELLED], [FILL]
    await asyncio.sleep(0.06)
    assert short(feed) == [
        ("live", "", True),
        ("partially_filled", "7", True),
        ("cancelled", "", True),
    ]


async def test_a_channel_that_is_silent_for_long_is_checked_by_the_lists(
    feed: OrderFeed, lists: FakeLists
) -> None:
    feed.on_subscribed(ORDERS_CHANNEL)
    await usable(feed)
    push(feed, LIVE)
    lists.orders = [replace(LIVE, state=OrderState.CANCELLED, update_ms=NOW_MS + 9)]
    feed.on_stale(ORDERS_CHANNEL)
    assert not feed.usable
    await usable(feed)
    assert short(feed)[1:] == [("cancelled", "", True)]


async def test_the_lists_are_followed_where_the_channel_is_refused(
    feed: OrderFeed, lists: FakeLists
) -> None:
    feed.on_subscribed(ORDERS_CHANNEL)
    feed.on_refused(ORDERS_CHANNEL, "channel-conn-count-error")
    await until(lambda: feed.readable)
    lists.orders = [LIVE]
    await until(lambda: told(feed))
    lists.orders = [CANCELLED]
    lists.fills = [FILL]
    await until(lambda: len(told(feed)) >= 3)
    assert not feed.usable
    assert short(feed) == [
        ("live", "", True),
        ("partially_filled", "7", True),
        ("cancelled", "", True),
    ]


async def test_a_row_that_cannot_be_read_stops_nothing(feed: OrderFeed) -> None:
    feed.on_subscribed(ORDERS_CHANNEL)
    await usable(feed)
    row = {**pushed_row(PushedOrder(LIVE, None, 5)), "unheardOf": {"a": [1]}}
    odd = {**row, "state": ""}
    feed.on_rows(ORDERS_CHANNEL, [odd, row], Push(receive_ms=5))
    assert short(feed) == [("live", "", False)]


async def test_a_state_that_okx_adds_is_told_as_another(feed: OrderFeed) -> None:
    feed.on_subscribed(ORDERS_CHANNEL)
    await usable(feed)
    row = pushed_row(PushedOrder(LIVE, None, 5))
    for changed in (row, {**row, "state": "rebased", "uTime": str(NOW_MS + 1)}):
        feed.on_rows(ORDERS_CHANNEL, [changed], Push(receive_ms=5))
    assert short(feed) == [("live", "", False), ("other", "", False)]
    known = feed.find(row["ordId"])
    assert known is not None
    assert known.state is OrderState.OTHER


async def test_too_many_pushes_while_the_lists_are_read_are_a_new_beginning(
    feed: OrderFeed, lists: FakeLists, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.on_subscribed(ORDERS_CHANNEL)
    log = await usable(feed)
    monkeypatch.setattr(order_feed, "_PUSHES_WAITING_MAX", 2)
    feed.on_lost(ORDERS_CHANNEL)
    lists.gate.clear()
    feed.on_subscribed(ORDERS_CHANNEL)
    await asyncio.sleep(0)
    for number in range(3):
        push(feed, a_live_order(str(number)))
    lists.gate.set()
    assert await usable(feed) is not log


async def test_what_was_forgotten_begins_anew(feed: OrderFeed) -> None:
    feed.on_subscribed(ORDERS_CHANNEL)
    log = await usable(feed)
    feed.forget()
    assert (feed.usable, feed.log) == (False, None)
    feed.on_subscribed(ORDERS_CHANNEL)
    assert await usable(feed) is not log
