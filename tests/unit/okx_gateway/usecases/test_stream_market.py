import asyncio
from contextlib import aclosing

import pytest

from okx_gateway.domain.candle import Bar
from okx_gateway.domain.errors import InvalidRequestError, OverloadedError
from okx_gateway.domain.market_notice import Gap, Heartbeat
from okx_gateway.market.stream_log import Batch
from okx_gateway.okx.market_channel import candles_of, tickers_of
from okx_gateway.usecases import stream_market
from tests.fakes.desk import Desk
from tests.fakes.metering import Metered
from tests.fakes.tickers import a_ticker, push_ticker

BTC, SWAP = "BTC-USDT", "BTC-USDT-SWAP"


def events_of(told: object) -> list[object]:
    assert isinstance(told, Batch)
    return list(told.events)


async def test_the_last_known_value_comes_first_and_then_updates(desk: Desk) -> None:
    async with aclosing(desk.market.stream_ticker([BTC])) as first:
        waiting = asyncio.ensure_future(anext(first))
        await asyncio.sleep(0)
        push_ticker(desk.boards.tickers, BTC, 1)
        assert events_of(await waiting) == [a_ticker(BTC, 1)]
        async with aclosing(desk.market.stream_ticker([BTC])) as second:
            assert events_of(await anext(second)) == [a_ticker(BTC, 1)]
            push_ticker(desk.boards.tickers, BTC, 2)
            assert events_of(await anext(second)) == [a_ticker(BTC, 2)]


async def test_a_slow_reader_gets_the_latest_only_and_it_is_counted(
    desk: Desk, metered: Metered
) -> None:
    async with aclosing(desk.market.stream_ticker([BTC, SWAP])) as events:
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        push_ticker(desk.boards.tickers, SWAP, 1)
        await waiting
        for number in range(1, 50):
            push_ticker(desk.boards.tickers, BTC, number)
        assert events_of(await anext(events)) == [a_ticker(BTC, 49)]
    assert metered.told("stream.values_skipped") == {"StreamTicker": 48}


async def test_a_gap_is_told(desk: Desk) -> None:
    async with aclosing(desk.market.stream_ticker([BTC])) as events:
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        desk.boards.tickers.on_lost(tickers_of(BTC))
        [gap] = events_of(await waiting)
    assert isinstance(gap, Gap)
    assert gap.instruments == (BTC,)


async def test_silence_is_explained_by_heartbeats(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_market, "HEARTBEAT_S", 0.02)
    async with aclosing(desk.market.stream_ticker([BTC])) as events:
        beats = [await anext(events) for _ in range(3)]
    assert all(isinstance(beat, Heartbeat) for beat in beats)


async def test_every_instrument_that_is_not_listed_is_named(desk: Desk) -> None:
    with pytest.raises(InvalidRequestError) as invalid:
        await anext(desk.market.stream_trades(["XYZ-USDT", BTC, "ABC-USDT"]))
    fields = [violation.field for violation in invalid.value.violations]
    assert fields == ["instruments[0]", "instruments[2]"]
    assert desk.boards.okx.asked == []


async def test_what_else_names_a_channel_is_passed_on(desk: Desk) -> None:
    async with aclosing(desk.market.stream_candles([BTC], Bar.HOUR_1)) as events:
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        assert set(desk.boards.okx.listeners) == {candles_of(BTC, Bar.HOUR_1)}
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_a_stream_that_ends_leaves_its_channels(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("okx_gateway.market.channel_board._LEAVE_AFTER_S", 0.01)
    async with aclosing(desk.market.stream_ticker([BTC])) as events:
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        assert desk.boards.okx.instruments == {BTC}
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.sleep(0.05)
    assert desk.boards.okx.instruments == set()


async def test_more_channels_than_there_may_be_are_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk.boards.tickers, "_channels_max", 1)
    with pytest.raises(OverloadedError):
        await anext(desk.market.stream_ticker([BTC, SWAP]))
