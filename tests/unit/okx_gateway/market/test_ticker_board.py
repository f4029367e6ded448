import asyncio
from collections.abc import AsyncIterator

import pytest

from okx_gateway.domain.errors import OverloadedError
from okx_gateway.domain.ticker import Gap, Ticker
from okx_gateway.market import ticker_board
from okx_gateway.market.ticker_board import TickerBoard, TickerReader
from okx_gateway.okx.channel import Channel, channel_of
from tests.fakes.channels import Subscriptions
from tests.fakes.tickers import push_ticker

BTC, ETH, SOL = "BTC-USDT", "ETH-USDT", "SOL-USDT"


@pytest.fixture
def subscriptions() -> Subscriptions:
    return Subscriptions()


@pytest.fixture
async def board(subscriptions: Subscriptions) -> AsyncIterator[TickerBoard]:
    board = TickerBoard(subscriptions, readers_max=10)
    yield board
    board.close()


async def news(reader: TickerReader) -> list[Ticker | Gap]:
    await asyncio.sleep(0)  # losses are told together
    return await reader.take(wait_s=0.02)


def tickers(instrument: str) -> Channel:
    return channel_of("tickers", instId=instrument)


def lose(board: TickerBoard, *instruments: str) -> None:
    for name in instruments:
        board.on_lost(tickers(name))


def shown(events: list[Ticker | Gap]) -> list[str | tuple[str, ...]]:
    """Each event in short: a ticker by its price, a gap by its instruments."""
    return [each.last_price if isinstance(each, Ticker) else each.instruments for each in events]


async def test_many_readers_share_one_subscription(
    board: TickerBoard, subscriptions: Subscriptions
) -> None:
    readers = [board.join([BTC]) for _ in range(3)]
    assert subscriptions.instruments == {BTC}
    push_ticker(board, BTC, 1)
    assert [shown(await news(each)) for each in readers] == [["1"]] * 3


async def test_a_new_reader_first_gets_the_last_known_value(board: TickerBoard) -> None:
    board.join([BTC])
    push_ticker(board, BTC, 7)
    late = board.join([BTC, ETH])
    assert shown(await news(late)) == ["7"]
    assert await news(late) == []


async def test_a_reader_gets_what_it_asked_for_only(board: TickerBoard) -> None:
    reader, other = board.join([BTC]), board.join([ETH])
    push_ticker(board, BTC, 1)
    assert shown(await news(reader)) == ["1"]
    assert await news(other) == []


async def test_values_not_yet_taken_are_replaced_by_the_latest(board: TickerBoard) -> None:
    reader = board.join([BTC, ETH])
    for number in range(1, 1_000):
        push_ticker(board, BTC, number)
    push_ticker(board, ETH, 5)
    assert sorted(map(str, shown(await news(reader)))) == ["5", "999"]


async def test_an_older_value_never_follows_a_newer_one(board: TickerBoard) -> None:
    reader = board.join([BTC])
    push_ticker(board, BTC, 5)
    push_ticker(board, BTC, 4)
    assert shown(await news(reader)) == ["5"]
    assert shown(await news(board.join([BTC]))) == ["5"]


async def test_a_lost_connection_is_a_gap_told_after_what_came_before_it(
    board: TickerBoard,
) -> None:
    reader = board.join([BTC, ETH])
    push_ticker(board, BTC, 1)
    lose(board, BTC, ETH)
    push_ticker(board, BTC, 2)
    assert shown(await news(reader)) == ["1", (BTC, ETH), "2"]


async def test_a_gap_is_told_once_until_the_next_value_ends_it(board: TickerBoard) -> None:
    reader = board.join([BTC, ETH])
    lose(board, BTC, ETH)
    assert shown(await news(reader)) == [(BTC, ETH)]
    lose(board, BTC, ETH)
    assert await news(reader) == []
    push_ticker(board, BTC, 1)
    lose(board, BTC, ETH)
    assert shown(await news(reader)) == ["1", (BTC,)]


async def test_who_joins_during_a_gap_is_told_of_it(board: TickerBoard) -> None:
    board.join([BTC])
    push_ticker(board, BTC, 1)
    lose(board, BTC)
    during = board.join([BTC, ETH])
    assert shown(await news(during)) == ["1", (BTC,)]
    lose(board, ETH)  # as the socket says to whoever comes while there is none
    assert shown(await news(during)) == [(ETH,)]
    after = board.join([BTC, SOL])
    assert shown(await news(after)) == ["1", (BTC,)]
    push_ticker(board, BTC, 2)
    assert shown(await news(board.join([BTC]))) == ["2"]


async def test_a_subscription_that_okx_refuses_is_a_gap_of_another_cause(
    board: TickerBoard,
) -> None:
    reader, other = board.join([BTC]), board.join([ETH])
    board.on_refused(tickers(BTC), "60018")
    [gap] = await news(reader)
    assert isinstance(gap, Gap)
    assert (gap.instruments, gap.connection_lost) == ((BTC,), False)
    assert await news(other) == []


async def test_gaps_of_two_causes_are_told_apart(board: TickerBoard) -> None:
    reader = board.join([BTC, ETH])
    board.on_refused(tickers(BTC), "60018")
    push_ticker(board, ETH, 1)
    board.on_refused(tickers(ETH), "60018")
    gaps = [each for each in await news(reader) if isinstance(each, Gap)]
    assert {name for gap in gaps for name in gap.instruments} == {BTC, ETH}
    assert not any(gap.connection_lost for gap in gaps)


async def test_a_subscription_ends_a_while_after_its_last_reader(
    board: TickerBoard, subscriptions: Subscriptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticker_board, "_LEAVE_AFTER_S", 0.05)
    first, second = board.join([BTC, ETH]), board.join([BTC])
    board.leave(first)
    await asyncio.sleep(0.1)
    assert subscriptions.instruments == {BTC}
    board.leave(second)
    assert subscriptions.instruments == {BTC}
    await asyncio.sleep(0.1)
    assert subscriptions.instruments == set()
    push_ticker(board, BTC, 1)  # on its way when the subscription ended


async def test_a_reader_who_comes_back_in_time_keeps_the_subscription(
    board: TickerBoard, subscriptions: Subscriptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticker_board, "_LEAVE_AFTER_S", 0.05)
    reader = board.join([BTC])
    push_ticker(board, BTC, 3)
    board.leave(reader)
    again = board.join([BTC])
    await asyncio.sleep(0.1)
    assert subscriptions.instruments == {BTC}
    assert shown(await news(again)) == ["3"]


async def test_readers_and_instruments_have_a_bound(
    subscriptions: Subscriptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = TickerBoard(subscriptions, readers_max=2)
    first, _ = board.join([BTC]), board.join([BTC])
    with pytest.raises(OverloadedError):
        board.join([BTC])
    board.leave(first)
    monkeypatch.setattr(ticker_board, "_INSTRUMENTS_MAX", 2)
    with pytest.raises(OverloadedError):
        board.join([ETH, SOL])
    board.join([BTC, ETH])
    assert subscriptions.instruments == {BTC, ETH}
    board.close()


async def test_closing_leaves_no_timer(subscriptions: Subscriptions) -> None:
    board = TickerBoard(subscriptions, readers_max=1)
    board.leave(board.join([BTC, ETH]))
    board.close()
    await asyncio.sleep(0)
    assert subscriptions.instruments == {BTC, ETH}
