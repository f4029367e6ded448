import asyncio

import pytest

from okx_gateway.account import balance_feed
from okx_gateway.account.balance_feed import ACCOUNT_CHANNEL, BalanceFeed, BalanceReader
from okx_gateway.domain.balance_event import BalanceChange, BalanceSnapshot, BalanceStreamEvent
from okx_gateway.domain.order_event import Resumed, Stale
from okx_gateway.okx.channel import Push
from tests.fakes.live_orders import balance_row

SNAPSHOT = Push(receive_ms=7, event_type="snapshot")
LAST_PAGE = Push(receive_ms=7, event_type="snapshot", page=2)
UPDATE = Push(receive_ms=8, event_type="event_update")


@pytest.fixture
def feed() -> BalanceFeed:
    feed = BalanceFeed("main")
    feed.on_subscribed(ACCOUNT_CHANNEL)
    return feed


def begun(feed: BalanceFeed) -> BalanceFeed:
    feed.on_rows(ACCOUNT_CHANNEL, [balance_row({"BTC": "1", "USDT": "5"})], SNAPSHOT)
    return feed


def of_use(feed: BalanceFeed) -> bool:
    return feed.usable


def held(feed: BalanceFeed, *currencies: str) -> dict[str, str]:
    balance = feed.balance(currencies)
    assert balance is not None
    return {each.currency: each.cash for each in balance.currencies}


async def take(reader: BalanceReader) -> list[BalanceStreamEvent]:
    return await reader.take(wait_s=0.01)


def short(events: list[BalanceStreamEvent]) -> list[object]:
    """Each event in short: what it tells of which currencies."""
    found: list[object] = []
    for event in events:
        match event:
            case BalanceSnapshot(balance, _):
                found.append({each.currency: each.cash for each in balance.currencies})
            case BalanceChange():
                found.append([(each.currency, each.cash) for each in event.currencies])
            case _:
                found.append(type(event))
    return found


def test_the_balance_is_of_use_once_everything_was_told(feed: BalanceFeed) -> None:
    assert not of_use(feed)
    first = Push(receive_ms=7, event_type="snapshot", page=1, last_page=False)
    feed.on_rows(ACCOUNT_CHANNEL, [balance_row({"BTC": "1"})], first)
    assert not of_use(feed)
    feed.on_rows(ACCOUNT_CHANNEL, [balance_row({"USDT": "5"})], LAST_PAGE)
    assert of_use(feed)
    assert (held(feed), feed.receive_ms) == ({"BTC": "1", "USDT": "5"}, 7)
    assert feed.age_s() < 1


def test_updates_are_taken(feed: BalanceFeed) -> None:
    begun(feed).on_rows(ACCOUNT_CHANNEL, [balance_row({"BTC": "2"}, 11)], UPDATE)
    assert held(feed) == {"BTC": "2", "USDT": "5"}
    assert held(feed, "BTC") == {"BTC": "2"}
    assert feed.receive_ms == 8


@pytest.mark.parametrize("lost", ["on_lost", "on_stale"])
def test_what_was_missed_makes_it_useless_until_everything_is_told_anew(
    feed: BalanceFeed, lost: str
) -> None:
    getattr(begun(feed), lost)(ACCOUNT_CHANNEL)
    assert not of_use(feed)
    feed.on_subscribed(ACCOUNT_CHANNEL)
    feed.on_rows(ACCOUNT_CHANNEL, [balance_row({"BTC": "2"}, 11)], UPDATE)
    assert not of_use(feed)
    feed.on_rows(ACCOUNT_CHANNEL, [balance_row({"BTC": "3"}, 12)], SNAPSHOT)
    assert of_use(feed)
    assert held(feed) == {"BTC": "3"}


def test_rows_of_a_channel_that_was_lost_are_not_taken(feed: BalanceFeed) -> None:
    begun(feed).on_refused(ACCOUNT_CHANNEL, "channel-conn-count-error")
    feed.on_rows(ACCOUNT_CHANNEL, [balance_row({"BTC": "2"}, 11)], SNAPSHOT)
    assert not of_use(feed)


def test_a_channel_that_is_silent_for_long_is_not_believed(
    feed: BalanceFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(feed)
    monkeypatch.setattr(balance_feed, "_SILENT_S_MAX", -1.0)
    assert not of_use(feed)


def test_a_row_that_cannot_be_read_makes_it_useless(feed: BalanceFeed) -> None:
    begun(feed).on_rows(ACCOUNT_CHANNEL, [{"details": "none"}], UPDATE)
    assert not of_use(feed)


async def test_a_reader_is_told_everything_and_then_what_changes(feed: BalanceFeed) -> None:
    with BalanceReader(feed) as reader:
        assert await take(reader) == []
        begun(feed)
        assert short(await take(reader)) == [{"BTC": "1", "USDT": "5"}]
        assert await take(reader) == []
        waiting = asyncio.ensure_future(reader.take(wait_s=5))
        await asyncio.sleep(0)
        feed.on_rows(ACCOUNT_CHANNEL, [balance_row({"BTC": "2"}, 11)], UPDATE)
        assert short(await waiting) == [[("BTC", "2")]]


async def test_a_slow_reader_gets_the_latest_of_each_currency(feed: BalanceFeed) -> None:
    with BalanceReader(begun(feed)) as reader:
        await take(reader)
        for amount in range(2, 100):
            feed.on_rows(ACCOUNT_CHANNEL, [balance_row({"BTC": str(amount)}, 10 + amount)], UPDATE)
        feed.on_rows(ACCOUNT_CHANNEL, [balance_row({"USDT": "0"}, 200, totalEq="3")], UPDATE)
        events = await take(reader)
        assert short(events) == [[("BTC", "99"), ("USDT", "0")]]
        assert isinstance(events[0], BalanceChange)
        assert events[0].total_equity_usd == "3"


async def test_a_break_is_told_with_what_changed_meanwhile(feed: BalanceFeed) -> None:
    with BalanceReader(begun(feed)) as reader:
        await take(reader)
        feed.on_lost(ACCOUNT_CHANNEL)
        assert short(await take(reader)) == [Stale]
        feed.on_subscribed(ACCOUNT_CHANNEL)
        feed.on_rows(ACCOUNT_CHANNEL, [balance_row({"BTC": "1", "USDT": "4"}, 30)], SNAPSHOT)
        assert short(await take(reader)) == [[("USDT", "4")], Resumed]


async def test_a_stream_that_finds_the_channel_down_says_so_after_a_while(
    feed: BalanceFeed,
) -> None:
    with BalanceReader(feed) as reader:
        assert await take(reader) == []
        assert short(await take(reader)) == [Stale]
        begun(feed)
        assert short(await take(reader)) == [{"BTC": "1", "USDT": "5"}, Resumed]


def test_what_was_forgotten_is_not_told(feed: BalanceFeed) -> None:
    begun(feed).forget()
    assert feed.balance() is None
    assert not of_use(feed)


async def test_what_was_told_is_as_late_as_okx_says(feed: BalanceFeed) -> None:
    assert not await feed.told_since(0, wait_s=1)
    assert await begun(feed).told_since(10, wait_s=0)
    assert not await feed.told_since(11, wait_s=0.01)
    feed.on_rows(ACCOUNT_CHANNEL, [balance_row({"BTC": "2"}, 11)], UPDATE)
    assert await feed.told_since(11, wait_s=0)


async def test_what_is_told_meanwhile_is_waited_for(feed: BalanceFeed) -> None:
    waiting = asyncio.ensure_future(begun(feed).told_since(12, wait_s=5))
    for update_ms in (11, 12):
        await asyncio.sleep(0)
        assert not waiting.done()
        feed.on_rows(ACCOUNT_CHANNEL, [balance_row({"BTC": "2"}, update_ms)], UPDATE)
    assert await waiting


async def test_some_pages_are_not_the_whole(feed: BalanceFeed) -> None:
    first = Push(receive_ms=7, event_type="snapshot", page=1, last_page=False)
    begun(feed).on_rows(ACCOUNT_CHANNEL, [balance_row({"BTC": "2"}, 20)], first)
    assert not await feed.told_since(20, wait_s=0)
    feed.on_rows(ACCOUNT_CHANNEL, [balance_row({"USDT": "5"}, 20)], LAST_PAGE)
    assert await feed.told_since(20, wait_s=0)


async def test_nobody_waits_for_a_channel_that_is_lost(feed: BalanceFeed) -> None:
    waiting = asyncio.ensure_future(begun(feed).told_since(11, wait_s=60))
    await asyncio.sleep(0)
    feed.on_lost(ACCOUNT_CHANNEL)
    async with asyncio.timeout(5):
        assert not await waiting
