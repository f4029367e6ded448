import asyncio
from collections.abc import AsyncIterator

import pytest

from okx_gateway.account import order_reader
from okx_gateway.account.order_feed import ORDERS_CHANNEL, OrderFeed
from okx_gateway.account.order_reader import OrderReader
from okx_gateway.account.order_state import PushedOrder
from okx_gateway.domain.errors import ReaderTooSlowError
from okx_gateway.domain.order_event import (
    NumberedChange,
    OrdersGap,
    OrdersGapReason,
    OrdersSnapshot,
    OrderStreamEvent,
    Resumed,
    Stale,
)
from okx_gateway.okx.channel import Push
from tests.fakes.live_orders import FakeLists, a_live_order, pushed_row
from tests.fakes.okx_socket import until

KEPT = 40


@pytest.fixture
def lists() -> FakeLists:
    return FakeLists()


@pytest.fixture
async def feed(lists: FakeLists) -> AsyncIterator[OrderFeed]:
    feed = OrderFeed("main", lists, now_ms=lambda: 100, kept_max=KEPT)
    yield feed
    feed.close()


async def begin(feed: OrderFeed) -> None:
    feed.on_subscribed(ORDERS_CHANNEL)
    await until(lambda: feed.usable)


def push(feed: OrderFeed, *names: int) -> None:
    rows = [pushed_row(PushedOrder(a_live_order(str(name)), None, 5)) for name in names]
    feed.on_rows(ORDERS_CHANNEL, rows, Push(receive_ms=5))


def reader_of(feed: OrderFeed, token: str = "", behind_max: int = 30) -> OrderReader:
    return OrderReader(feed, token=token, behind_max=behind_max)


async def take(reader: OrderReader) -> list[OrderStreamEvent]:
    return await reader.take(wait_s=0.01)


def short(events: list[OrderStreamEvent]) -> list[object]:
    """Each event in short: a change by its order, a snapshot by all of them."""
    found: list[object] = []
    for event in events:
        match event:
            case NumberedChange(change, _):
                found.append(change.order.exchange_order_id)
            case OrdersSnapshot(orders, last, _):
                found.append(([each.exchange_order_id for each in orders], last))
            case OrdersGap(reason, _):
                found.append(reason)
            case _:
                found.append(type(event))
    return found


def token_of(event: OrderStreamEvent) -> str:
    assert isinstance(event, NumberedChange | OrdersSnapshot)
    return event.token


async def test_a_new_reader_is_told_what_is_open_and_then_what_changes(
    feed: OrderFeed, lists: FakeLists
) -> None:
    lists.orders = [a_live_order("1"), a_live_order("2")]
    with reader_of(feed) as reader:
        assert await take(reader) == []
        await begin(feed)
        assert short(await take(reader))[0] == (["1", "2"], True)
        push(feed, 3, 4)
        assert short(await take(reader)) == ["3", "4"]
        assert await take(reader) == []


async def test_a_reader_waits_for_news(feed: OrderFeed) -> None:
    with reader_of(feed) as reader:
        await begin(feed)
        await take(reader)
        waiting = asyncio.ensure_future(reader.take(wait_s=5))
        await asyncio.sleep(0.01)
        push(feed, 3)
        assert short(await waiting) == ["3"]


async def test_many_open_orders_are_told_in_parts(
    feed: OrderFeed, lists: FakeLists, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_reader, "_SNAPSHOT_ORDERS", 2)
    lists.orders = [a_live_order(str(number)) for number in range(5)]
    await begin(feed)
    with reader_of(feed) as reader:
        events = await take(reader)
        assert short(events) == [(["0", "1"], False), (["2", "3"], False), (["4"], True)]
        assert [bool(token_of(each)) for each in events] == [False, False, True]


async def test_a_reader_that_comes_back_goes_on_behind_its_token(feed: OrderFeed) -> None:
    await begin(feed)
    with reader_of(feed) as reader:
        token = token_of((await take(reader))[0])
    push(feed, 1, 2, 3)
    with reader_of(feed, token) as reader:
        events = await take(reader)
        assert short(events) == ["1", "2", "3"]
    with reader_of(feed, token_of(events[1])) as reader:
        assert short(await take(reader)) == ["3"]


@pytest.mark.parametrize("token", ["0123456789ab-1", "nonsense"])
async def test_a_token_of_elsewhere_is_a_gap_and_all_that_is_open(
    feed: OrderFeed, token: str
) -> None:
    await begin(feed)
    push(feed, 1)
    with reader_of(feed, token) as reader:
        assert short(await take(reader)) == [OrdersGapReason.TOKEN_UNKNOWN, (["1"], True)]


async def test_a_token_that_is_too_old_is_a_gap(feed: OrderFeed) -> None:
    await begin(feed)
    with reader_of(feed) as reader:
        token = token_of((await take(reader))[0])
    push(feed, *range(3 * KEPT))
    with reader_of(feed, token) as reader:
        assert short(await take(reader))[0] is OrdersGapReason.TOKEN_UNKNOWN


async def test_a_break_is_told_as_stale_and_resumed_around_what_was_missed(
    feed: OrderFeed, lists: FakeLists
) -> None:
    await begin(feed)
    with reader_of(feed) as reader:
        await take(reader)
        feed.on_lost(ORDERS_CHANNEL)
        assert short(await take(reader)) == [Stale]
        assert await take(reader) == []
        lists.orders = [a_live_order("1")]
        await begin(feed)
        assert short(await take(reader)) == ["1", Resumed]


async def test_history_that_was_lost_is_a_gap_and_all_that_is_open(
    feed: OrderFeed, lists: FakeLists
) -> None:
    await begin(feed)
    with reader_of(feed) as reader:
        await take(reader)
        feed.forget()
        lists.orders = [a_live_order("1")]
        await begin(feed)
        assert short(await take(reader)) == [OrdersGapReason.HISTORY_LOST, (["1"], True)]


async def test_a_stream_that_finds_the_channel_down_says_so_after_a_while(
    feed: OrderFeed,
) -> None:
    with reader_of(feed) as reader:
        assert await take(reader) == []
        assert short(await take(reader)) == [Stale]
        await begin(feed)
        assert short(await take(reader)) == [([], True), Resumed]


async def test_a_reader_that_is_too_slow_is_ended_and_can_go_on(feed: OrderFeed) -> None:
    await begin(feed)
    with reader_of(feed) as reader:
        token = token_of((await take(reader))[0])
        await take(reader)
        push(feed, *range(31))
        with pytest.raises(ReaderTooSlowError):
            await take(reader)
    with reader_of(feed, token) as reader:
        assert short(await take(reader)) == [str(number) for number in range(31)]


async def test_changes_are_told_in_bounded_parts(
    feed: OrderFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_reader, "_CHANGES_AT_ONCE", 2)
    await begin(feed)
    with reader_of(feed) as reader:
        await take(reader)
        push(feed, 1, 2, 3)
        assert [short(await take(reader)) for _ in range(3)] == [["1", "2"], ["3"], []]


async def test_each_of_many_readers_gets_everything(feed: OrderFeed) -> None:
    await begin(feed)
    with reader_of(feed) as one, reader_of(feed) as other:
        push(feed, 1)
        for reader in (one, other):
            events = await take(reader)
            assert short(events) == [(["1"], True)]
        push(feed, 2)
        assert [short(await take(each)) for each in (one, other)] == [["2"], ["2"]]
