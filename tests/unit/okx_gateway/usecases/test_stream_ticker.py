import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from okx_gateway.domain.errors import InvalidRequestError, OverloadedError
from okx_gateway.domain.ticker import Gap, Heartbeat, Ticker
from okx_gateway.market.ticker_board import TickerBoard
from okx_gateway.okx.channel import channel_of
from okx_gateway.usecases import stream_ticker
from okx_gateway.usecases.stream_ticker import StreamTicker
from tests.fakes.channels import Subscriptions
from tests.fakes.desk import Desk
from tests.fakes.tickers import a_ticker, push_ticker

BTC, SWAP = "BTC-USDT", "BTC-USDT-SWAP"


@pytest.fixture
async def board() -> AsyncIterator[TickerBoard]:
    board = TickerBoard(Subscriptions(), readers_max=2)
    yield board
    board.close()


@pytest.fixture
def stream(desk: Desk, board: TickerBoard) -> StreamTicker:
    return StreamTicker(board=board, instruments=desk.instruments)


async def test_the_last_known_value_comes_first_and_then_updates(
    stream: StreamTicker, board: TickerBoard
) -> None:
    push_ticker(board, BTC, 1)
    async with aclosing(stream([BTC])) as events:
        assert await anext(events) == a_ticker(BTC, 1)
        push_ticker(board, BTC, 2)
        assert await anext(events) == a_ticker(BTC, 2)


async def test_a_slow_reader_gets_the_latest_only(stream: StreamTicker, board: TickerBoard) -> None:
    async with aclosing(stream([BTC, SWAP])) as events:
        push_ticker(board, SWAP, 1)
        first = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.01)
        for number in range(1, 50):
            push_ticker(board, BTC, number)
        seen = [await first, await anext(events)]
    assert a_ticker(BTC, 49) in seen
    assert sum(isinstance(event, Ticker) for event in seen) == 2


async def test_a_gap_is_told(stream: StreamTicker, board: TickerBoard) -> None:
    async with aclosing(stream([BTC])) as events:
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        board.on_lost(channel_of("tickers", instId=BTC))
        gap = await waiting
    assert isinstance(gap, Gap)
    assert gap.instruments == (BTC,)
    assert gap.connection_lost


async def test_silence_is_explained_by_heartbeats(
    stream: StreamTicker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_ticker, "HEARTBEAT_S", 0.02)
    async with aclosing(stream([BTC])) as events:
        beats = [await anext(events) for _ in range(3)]
    assert all(isinstance(beat, Heartbeat) for beat in beats)


async def test_every_instrument_that_is_not_listed_is_named(stream: StreamTicker) -> None:
    with pytest.raises(InvalidRequestError) as invalid:
        await anext(stream(["XYZ-USDT", BTC, "ABC-USDT"]))
    fields = [violation.field for violation in invalid.value.violations]
    assert fields == ["instruments[0]", "instruments[2]"]


async def test_a_stream_that_ends_makes_room_for_another(stream: StreamTicker) -> None:
    async with aclosing(stream([BTC])) as one, aclosing(stream([BTC])) as two:
        waiting = [asyncio.ensure_future(anext(each)) for each in (one, two)]
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError):
            await anext(stream([BTC]))
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    async with aclosing(stream([BTC])) as events:
        waiting = [asyncio.ensure_future(anext(events))]
        await asyncio.sleep(0)
        assert not waiting[0].done()
        waiting[0].cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
