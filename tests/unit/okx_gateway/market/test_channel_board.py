import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from okx_gateway.domain.errors import OverloadedError
from okx_gateway.domain.market_notice import Gap, GapReason, Notice, Resumed, Stale
from okx_gateway.domain.ticker import Ticker
from okx_gateway.domain.trade import Trade
from okx_gateway.market import channel_board
from okx_gateway.market.channel_board import ChannelBoard
from okx_gateway.market.live_ticker import LiveTicker
from okx_gateway.market.live_trades import LiveTrades
from okx_gateway.market.stream_log import LatestLog, RingLog
from okx_gateway.market.stream_reader import StreamReader
from okx_gateway.okx.channel import Push
from okx_gateway.okx.market_channel import tickers_of, trades_of
from okx_gateway.okx.reply import Row
from tests.fakes.channels import Subscriptions

BTC, ETH, SOL = (tickers_of(f"{name}-USDT") for name in ("BTC", "ETH", "SOL"))
TRADES = trades_of("BTC-USDT")
PUSH = Push(receive_ms=7)
Board = ChannelBoard[Ticker]


@pytest.fixture
def okx() -> Subscriptions:
    return Subscriptions()


@pytest.fixture
async def board(okx: Subscriptions) -> AsyncIterator[Board]:
    board: Board = ChannelBoard(
        okx,
        make_live=LiveTicker,
        make_log=lambda channels: LatestLog(4 * channels),
        channels_max=4,
    )
    yield board
    board.close()


@pytest.fixture
async def trades(okx: Subscriptions) -> AsyncIterator[ChannelBoard[Trade]]:
    board: ChannelBoard[Trade] = ChannelBoard(
        okx, make_live=LiveTrades, make_log=lambda _: RingLog(10), channels_max=4
    )
    yield board
    board.close()


def at(number: int) -> list[Row]:
    return [{"instId": "BTC-USDT", "last": str(number), "ts": str(number)}]


def eth_at(number: int) -> list[Row]:
    return [{"instId": "ETH-USDT", "last": str(number), "ts": str(number)}]


def a_trade(number: int) -> Row:
    return {"instId": "BTC-USDT", "tradeId": str(number), "px": "1", "sz": "1", "side": "buy"}


def shown(events: Sequence[Ticker | Trade | Notice]) -> list[object]:
    """Each event in short."""
    short: list[object] = []
    for each in events:
        match each:
            case Ticker():
                short.append(each.last_price)
            case Trade():
                short.append(each.trade_id)
            case Gap():
                short.append((each.reason.name, *each.instruments))
            case Stale():
                short.append(("STALE", *each.instruments))
            case Resumed():
                short.append(("RESUMED", *each.instruments))
    return short


async def news(reader: StreamReader[Ticker] | StreamReader[Trade]) -> list[object]:
    return shown((await reader.take(wait_s=0.02)).events)


async def test_many_readers_share_one_subscription(board: Board, okx: Subscriptions) -> None:
    readers = [board.join([BTC]), board.join([BTC]), board.join([BTC, ETH])]
    assert okx.asked == [("want", BTC), ("want", ETH)]
    board.on_subscribed(BTC)
    board.on_rows(BTC, at(1), PUSH)
    assert [await news(each) for each in readers] == [["1"]] * 3


async def test_a_new_reader_first_gets_the_last_known_value(board: Board) -> None:
    board.join([BTC])
    board.on_rows(BTC, at(7), PUSH)
    late = board.join([BTC, ETH])
    assert await news(late) == ["7"]
    assert await news(late) == []


async def test_values_not_yet_taken_are_replaced_by_the_latest(board: Board) -> None:
    reader = board.join([BTC, ETH])
    for number in range(1, 1_000):
        board.on_rows(BTC, at(number), PUSH)
    board.on_rows(ETH, eth_at(5), PUSH)
    assert await news(reader) == ["999", "5"]


async def test_a_loss_is_one_gap_of_all_instruments_until_each_has_its_next_value(
    board: Board,
) -> None:
    reader, other = board.join([BTC, ETH]), board.join([ETH])
    board.on_rows(BTC, at(1), PUSH)
    board.on_lost(BTC)
    board.on_lost(ETH)
    board.on_lost(BTC)
    assert await news(reader) == ["1"]
    assert await news(reader) == [("CONNECTION_LOST", "BTC-USDT", "ETH-USDT")]
    assert await news(other) == [("CONNECTION_LOST", "ETH-USDT")]
    board.on_subscribed(BTC)
    assert await news(reader) == []
    board.on_rows(BTC, at(2), PUSH)
    assert await news(reader) == [("RESUMED", "BTC-USDT"), "2"]
    assert await news(other) == []


async def test_a_gap_is_told_before_what_comes_after_it(board: Board) -> None:
    reader = board.join([BTC, ETH])
    board.on_lost(BTC)
    board.on_rows(BTC, at(1), PUSH)
    assert await news(reader) == [("CONNECTION_LOST", "BTC-USDT"), ("RESUMED", "BTC-USDT"), "1"]


async def test_who_joins_during_a_gap_is_told_of_it(board: Board) -> None:
    board.join([BTC])
    board.on_rows(BTC, at(1), PUSH)
    board.on_lost(BTC)
    during = board.join([BTC, ETH])
    assert await news(during) == ["1", ("CONNECTION_LOST", "BTC-USDT")]
    assert await news(during) == []
    board.on_rows(BTC, at(2), PUSH)
    assert await news(board.join([BTC])) == ["2"]


async def test_silence_is_told_until_something_comes(board: Board) -> None:
    reader = board.join([BTC])
    board.on_rows(BTC, at(1), PUSH)
    board.on_stale(BTC)
    board.on_stale(BTC)
    assert await news(reader) == ["1"]
    assert await news(reader) == [("STALE", "BTC-USDT")]
    board.on_rows(BTC, at(2), PUSH)
    assert await news(reader) == [("RESUMED", "BTC-USDT"), "2"]


async def test_a_loss_is_told_also_after_silence_but_not_silence_after_a_loss(
    board: Board,
) -> None:
    reader = board.join([BTC])
    board.on_stale(BTC)
    assert await news(reader) == [("STALE", "BTC-USDT")]
    board.on_lost(BTC)
    board.on_stale(BTC)
    assert await news(reader) == [("CONNECTION_LOST", "BTC-USDT")]


async def test_a_refused_subscription_is_a_gap_of_another_cause(board: Board) -> None:
    reader, other = board.join([BTC]), board.join([ETH])
    board.on_refused(BTC, "60018")
    assert await news(reader) == [("SUBSCRIPTION_ENDED", "BTC-USDT")]
    assert await news(other) == []


async def test_what_is_known_is_fresh_only_while_nothing_is_missed(board: Board) -> None:
    assert board.fresh(BTC) is None
    board.join([BTC])
    assert board.fresh(BTC) is None
    board.on_rows(BTC, at(1), PUSH)
    known = board.fresh(BTC)
    assert known is not None
    assert known.value.last_price == "1"
    board.on_stale(BTC)
    assert board.fresh(BTC) is None
    board.on_rows(BTC, at(2), PUSH)
    assert board.fresh(BTC) is not None
    board.on_lost(BTC)
    board.on_subscribed(BTC)
    assert board.fresh(BTC) is None


async def test_trades_go_on_once_they_are_subscribed(
    trades: ChannelBoard[Trade], okx: Subscriptions
) -> None:
    reader = trades.join([TRADES])
    trades.on_subscribed(TRADES)
    trades.on_rows(TRADES, [a_trade(1), a_trade(2)], PUSH)
    trades.on_lost(TRADES)
    assert await news(reader) == ["1", "2"]
    trades.on_subscribed(TRADES)
    trades.on_rows(TRADES, [a_trade(2), a_trade(3)], PUSH)
    assert await news(reader) == [
        ("CONNECTION_LOST", "BTC-USDT"),
        ("RESUMED", "BTC-USDT"),
        "3",
    ]


async def test_one_who_reads_trades_too_slowly_is_told_how_many_were_lost(
    trades: ChannelBoard[Trade],
) -> None:
    reader = trades.join([TRADES])
    for number in range(100):
        trades.on_rows(TRADES, [a_trade(number)], PUSH)
    events = (await reader.take(wait_s=0.01)).events
    gap = events[0]
    assert isinstance(gap, Gap)
    assert gap.reason is GapReason.READER_TOO_SLOW
    assert gap.lost_count + len(events) - 1 == 100
    assert shown(events[1:])[-1] == "99"


async def test_what_does_not_follow_begins_anew_with_longer_and_longer_pauses(
    trades: ChannelBoard[Trade], okx: Subscriptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_board, "_FIRST_PAUSE_S", 0.02)
    reader = trades.join([TRADES])
    loop = asyncio.get_running_loop()
    pauses_s = []
    for number in range(3):
        trades.on_rows(TRADES, [{"tradeId": number}], PUSH)
        trades.on_rows(TRADES, [{"tradeId": number}], PUSH)
        assert okx.listeners == {}
        began_s = loop.time()
        while not okx.listeners:  # noqa: ASYNC110  # a fake has no event
            await asyncio.sleep(0.001)
        pauses_s.append(loop.time() - began_s)
        assert okx.listeners == {TRADES: trades}
    assert await news(reader) == [("SEQUENCE_BROKEN", "BTC-USDT")]
    assert pauses_s[0] >= 0.015
    assert pauses_s[2] > 1.5 * pauses_s[0]
    trades.on_subscribed(TRADES)
    assert await news(reader) == [("RESUMED", "BTC-USDT")]


async def test_a_subscription_ends_a_while_after_its_last_reader(
    board: Board, okx: Subscriptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_board, "_LEAVE_AFTER_S", 0.05)
    board.join([BTC, ETH])
    board.join([BTC, ETH])
    board.join([BTC])
    board.leave([BTC, ETH])
    board.leave([BTC, ETH])
    await asyncio.sleep(0.1)
    assert set(okx.listeners) == {BTC}
    board.leave([BTC])
    assert set(okx.listeners) == {BTC}
    await asyncio.sleep(0.1)
    assert okx.listeners == {}
    board.on_rows(BTC, at(1), PUSH)  # on its way when the subscription ended
    board.on_lost(BTC)
    board.on_stale(BTC)
    board.on_subscribed(BTC)


async def test_a_reader_who_comes_back_in_time_keeps_the_subscription(
    board: Board, okx: Subscriptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_board, "_LEAVE_AFTER_S", 0.05)
    board.join([BTC])
    board.on_rows(BTC, at(3), PUSH)
    board.leave([BTC])
    again = board.join([BTC])
    await asyncio.sleep(0.1)
    assert okx.asked == [("want", BTC)]
    assert await news(again) == ["3"]


async def test_one_that_begins_anew_may_end_meanwhile(
    trades: ChannelBoard[Trade], okx: Subscriptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_board, "_LEAVE_AFTER_S", 0.01)
    monkeypatch.setattr(channel_board, "_FIRST_PAUSE_S", 0.05)
    trades.join([TRADES])
    trades.on_rows(TRADES, [{"tradeId": 1}], PUSH)
    trades.leave([TRADES])
    await asyncio.sleep(0.1)
    assert okx.listeners == {}


async def test_channels_have_a_bound(board: Board, okx: Subscriptions) -> None:
    board.join([BTC, ETH, SOL])
    more = [tickers_of(f"X{number}-USDT") for number in range(2)]
    with pytest.raises(OverloadedError):
        board.join([BTC, *more])
    assert set(okx.listeners) == {BTC, ETH, SOL}
    board.join([BTC, more[0]])


async def test_closing_leaves_no_timer(board: Board, okx: Subscriptions) -> None:
    board.join([BTC, ETH])
    board.leave([BTC, ETH])
    board.close()
    await asyncio.sleep(0)
    assert set(okx.listeners) == {BTC, ETH}
