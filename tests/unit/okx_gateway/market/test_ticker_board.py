import asyncio
from collections.abc import AsyncIterator

import pytest

from okx_gateway.domain.errors import OverloadedError
from okx_gateway.domain.ticker import Gap, Ticker
from okx_gateway.market import ticker_board
from okx_gateway.market.ticker_board import TickerBoard, TickerReader
from okx_gateway.okx.ticker_feed import SubscriptionRefused, TickerFeed
from tests.fakes.tickers import a_ticker

BTC, ETH, SOL = "BTC-USDT", "ETH-USDT", "SOL-USDT"


@pytest.fixture
def feed() -> TickerFeed:
    return TickerFeed()


@pytest.fixture
async def board(feed: TickerFeed) -> AsyncIterator[TickerBoard]:
    board = TickerBoard(feed, readers_max=10)
    yield board
    board.close()


async def news(reader: TickerReader) -> list[Ticker | Gap]:
    return await reader.take(wait_s=0.02)


def shown(events: list[Ticker | Gap]) -> list[str | tuple[str, ...]]:
    """Each event in short: a ticker by its price, a gap by its instruments."""
    return [each.last_price if isinstance(each, Ticker) else each.instruments for each in events]


async def test_many_readers_share_one_subscription(board: TickerBoard, feed: TickerFeed) -> None:
    feed.connected()
    readers = [board.join([BTC]) for _ in range(3)]
    assert len(feed.to_send()) == 1
    board.on_event(a_ticker(BTC, 1))
    assert [shown(await news(each)) for each in readers] == [["1"]] * 3


async def test_a_new_reader_first_gets_the_last_known_value(board: TickerBoard) -> None:
    board.join([BTC])
    board.on_event(a_ticker(BTC, 7))
    late = board.join([BTC, ETH])
    assert shown(await news(late)) == ["7"]
    assert await news(late) == []


async def test_a_reader_gets_what_it_asked_for_only(board: TickerBoard) -> None:
    reader, other = board.join([BTC]), board.join([ETH])
    board.on_event(a_ticker(BTC, 1))
    assert shown(await news(reader)) == ["1"]
    assert await news(other) == []


async def test_values_not_yet_taken_are_replaced_by_the_latest(board: TickerBoard) -> None:
    reader = board.join([BTC, ETH])
    for number in range(1, 1_000):
        board.on_event(a_ticker(BTC, number))
    board.on_event(a_ticker(ETH, 5))
    assert sorted(map(str, shown(await news(reader)))) == ["5", "999"]


async def test_an_older_value_never_follows_a_newer_one(board: TickerBoard) -> None:
    reader = board.join([BTC])
    board.on_event(a_ticker(BTC, 5))
    board.on_event(a_ticker(BTC, 4))
    assert shown(await news(reader)) == ["5"]
    assert shown(await news(board.join([BTC]))) == ["5"]


async def test_a_lost_connection_is_a_gap_told_after_what_came_before_it(
    board: TickerBoard,
) -> None:
    reader = board.join([BTC, ETH])
    board.on_event(a_ticker(BTC, 1))
    board.on_lost()
    board.on_connected()
    board.on_event(a_ticker(BTC, 2))
    assert shown(await news(reader)) == ["1", (BTC, ETH), "2"]


async def test_a_gap_is_told_once_until_the_next_value_ends_it(board: TickerBoard) -> None:
    reader = board.join([BTC, ETH])
    board.on_lost()
    assert shown(await news(reader)) == [(BTC, ETH)]
    board.on_lost()
    assert await news(reader) == []
    board.on_connected()
    board.on_event(a_ticker(BTC, 1))
    board.on_lost()
    assert shown(await news(reader)) == ["1", (BTC,)]


async def test_who_joins_during_a_gap_is_told_of_it(board: TickerBoard) -> None:
    board.join([BTC])
    board.on_event(a_ticker(BTC, 1))
    board.on_lost()
    during = board.join([BTC, ETH])
    assert shown(await news(during)) == ["1", (BTC, ETH)]
    board.on_connected()
    after = board.join([BTC, SOL])
    assert shown(await news(after)) == ["1", (BTC,)]
    board.on_event(a_ticker(BTC, 2))
    assert shown(await news(board.join([BTC]))) == ["2"]


async def test_a_subscription_that_okx_refuses_is_a_gap_of_another_cause(
    board: TickerBoard,
) -> None:
    reader, other = board.join([BTC]), board.join([ETH])
    board.on_event(SubscriptionRefused(BTC, "60018"))
    [gap] = await news(reader)
    assert isinstance(gap, Gap)
    assert (gap.instruments, gap.connection_lost) == ((BTC,), False)
    assert await news(other) == []


async def test_gaps_of_two_causes_are_told_apart(board: TickerBoard) -> None:
    reader = board.join([BTC, ETH])
    board.on_event(SubscriptionRefused(BTC, "60018"))
    board.on_event(a_ticker(ETH, 1))
    board.on_event(SubscriptionRefused(ETH, "60018"))
    gaps = [each for each in await news(reader) if isinstance(each, Gap)]
    assert {name for gap in gaps for name in gap.instruments} == {BTC, ETH}
    assert not any(gap.connection_lost for gap in gaps)


async def test_a_subscription_ends_a_while_after_its_last_reader(
    board: TickerBoard, feed: TickerFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticker_board, "_LEAVE_AFTER_S", 0.05)
    woken: list[int] = []
    board.wake = lambda: woken.append(1)
    first, second = board.join([BTC, ETH]), board.join([BTC])
    board.leave(first)
    await asyncio.sleep(0.1)
    assert feed.wanted == {BTC}
    board.leave(second)
    assert feed.wanted == {BTC}
    await asyncio.sleep(0.1)
    assert feed.wanted == frozenset()
    assert len(woken) == 4
    board.on_event(a_ticker(BTC, 1))  # on its way when the subscription ended


async def test_a_reader_who_comes_back_in_time_keeps_the_subscription(
    board: TickerBoard, feed: TickerFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticker_board, "_LEAVE_AFTER_S", 0.05)
    reader = board.join([BTC])
    board.on_event(a_ticker(BTC, 3))
    board.leave(reader)
    again = board.join([BTC])
    await asyncio.sleep(0.1)
    assert feed.wanted == {BTC}
    assert shown(await news(again)) == ["3"]


async def test_readers_and_instruments_have_a_bound(
    feed: TickerFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = TickerBoard(feed, readers_max=2)
    first, _ = board.join([BTC]), board.join([BTC])
    with pytest.raises(OverloadedError):
        board.join([BTC])
    board.leave(first)
    monkeypatch.setattr(ticker_board, "_INSTRUMENTS_MAX", 2)
    with pytest.raises(OverloadedError):
        board.join([ETH, SOL])
    board.join([BTC, ETH])
    assert feed.wanted == {BTC, ETH}
    board.close()


async def test_closing_leaves_no_timer(feed: TickerFeed) -> None:
    board = TickerBoard(feed, readers_max=1)
    board.leave(board.join([BTC, ETH]))
    board.close()
    await asyncio.sleep(0)
    assert feed.wanted == {BTC, ETH}
