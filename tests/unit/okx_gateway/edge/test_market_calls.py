"""The calls over real use cases, a real ledger and a scripted exchange."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from okx_gateway.api.v1 import candle_pb2, instrument_pb2
from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import BudgetExhaustedError, InvalidRequestError
from okx_gateway.edge.call import Call
from okx_gateway.edge.market_calls import MarketCalls
from okx_gateway.okx.channel import Push
from okx_gateway.okx.market_channel import books_of, tickers_of
from okx_gateway.usecases import stream_market
from tests.fakes.desk import Desk
from tests.fakes.exchange import ScriptedExchange
from tests.fakes.tickers import push_ticker

SPOT = instrument_pb2.INSTRUMENT_TYPE_SPOT


@pytest.fixture
async def desk(redis: "Redis") -> AsyncIterator[Desk]:
    desk = await Desk(redis, ScriptedExchange()).open()
    yield desk
    await desk.close()


@pytest.fixture
def calls(desk: Desk) -> MarketCalls:
    return MarketCalls(desk.market, default_deadline_s=2.0)


def a_call(deadline_s: float | None = None) -> Call:
    return Call("", "desk", None if deadline_s is None else Deadline.after(deadline_s))


async def test_every_read_of_the_market_is_answered(calls: MarketCalls) -> None:
    listed = await calls.unary["ListInstruments"](api.ListInstrumentsRequest(type=SPOT), a_call())
    assert isinstance(listed, api.ListInstrumentsResponse)
    assert [each.instrument for each in listed.instruments] == ["BTC-USDT"]
    ticker = await calls.unary["GetTicker"](api.GetTickerRequest(instrument="BTC-USDT"), a_call())
    assert isinstance(ticker, api.GetTickerResponse)
    assert ticker.ticker.instrument == "BTC-USDT"
    tickers = await calls.unary["ListTickers"](api.ListTickersRequest(type=SPOT), a_call())
    assert isinstance(tickers, api.ListTickersResponse)
    assert len(tickers.tickers) == 2
    request = api.GetOrderBookRequest(instrument="BTC-USDT", depth=1)
    book = await calls.unary["GetOrderBook"](request, a_call())
    assert isinstance(book, api.GetOrderBookResponse)
    assert (len(book.order_book.asks), len(book.order_book.bids)) == (1, 1)


async def test_a_request_that_breaks_a_rule_is_refused(calls: MarketCalls, desk: Desk) -> None:
    for name, request in (
        ("ListInstruments", api.ListInstrumentsRequest()),
        ("GetTicker", api.GetTickerRequest(instrument="btc")),
        ("ListTickers", api.ListTickersRequest()),
        ("GetOrderBook", api.GetOrderBookRequest(instrument="BTC-USDT", depth=1_000)),
    ):
        with pytest.raises(InvalidRequestError):
            await calls.unary[name](request, a_call())
    assert desk.exchange.market_read == []


async def test_what_is_streamed_is_read_without_asking(calls: MarketCalls, desk: Desk) -> None:
    desk.boards.tickers.join([tickers_of("BTC-USDT")])
    push_ticker(desk.boards.tickers, "BTC-USDT", 7)
    request = api.GetTickerRequest(instrument="BTC-USDT")
    told = await calls.unary["GetTicker"](request, a_call())
    assert isinstance(told, api.GetTickerResponse)
    assert told.ticker.last_price == "7"
    desk.boards.books.join([books_of("BTC-USDT")])
    side = [["1", "2", "0", "3"]]
    row = {"asks": side, "bids": [], "ts": "1", "seqId": 99}
    push = Push(receive_ms=1, action="snapshot")
    desk.boards.books.on_rows(books_of("BTC-USDT"), [row], push)
    asked = api.GetOrderBookRequest(instrument="BTC-USDT")
    book = await calls.unary["GetOrderBook"](asked, a_call())
    assert isinstance(book, api.GetOrderBookResponse)
    assert book.order_book.sequence == 99
    assert desk.exchange.market_read == []
    await asyncio.sleep(0.02)
    request.max_age.FromMilliseconds(10)
    asked.max_age.FromMilliseconds(10)
    await calls.unary["GetTicker"](request, a_call())
    await calls.unary["GetOrderBook"](asked, a_call())
    assert desk.exchange.market_read == [("ticker", "BTC-USDT"), ("order_book", "BTC-USDT")]


async def test_what_may_be_old_is_read_anew(calls: MarketCalls, desk: Desk) -> None:
    desk.boards.tickers.join([tickers_of("BTC-USDT")])
    push_ticker(desk.boards.tickers, "BTC-USDT", 7)
    desk.boards.tickers.on_stale(tickers_of("BTC-USDT"))
    await calls.unary["GetTicker"](api.GetTickerRequest(instrument="BTC-USDT"), a_call())
    assert desk.exchange.market_read == [("ticker", "BTC-USDT")]


BTC = ["BTC-USDT"]
STREAMS = [
    ("StreamTicker", api.StreamTickerRequest(instruments=BTC), api.StreamTickerRequest()),
    ("StreamOrderBook", api.StreamOrderBookRequest(instruments=BTC), api.StreamOrderBookRequest()),
    ("StreamTrades", api.StreamTradesRequest(instruments=BTC), api.StreamTradesRequest()),
    (
        "StreamCandles",
        api.StreamCandlesRequest(instruments=BTC, bar=candle_pb2.CANDLE_BAR_HOUR_1),
        api.StreamCandlesRequest(instruments=BTC),
    ),
]


@pytest.mark.parametrize(("rpc", "request_", "wrong"), STREAMS)
async def test_a_stream_tells_what_happens_until_its_caller_leaves(  # noqa: PLR0917
    calls: MarketCalls,
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    rpc: str,
    request_: object,
    wrong: object,
) -> None:
    monkeypatch.setattr(stream_market, "HEARTBEAT_S", 0.02)
    with pytest.raises(InvalidRequestError):
        await anext(calls.stream[rpc](wrong, a_call()))
    assert desk.boards.okx.asked == []
    async with aclosing(calls.stream[rpc](request_, a_call())) as events:
        first = await anext(events)
        [(channel, listener)] = desk.boards.okx.listeners.items()
        listener.on_lost(channel)
        second = await anext(events)
    assert type(first.message).__name__ == f"{rpc}Response"
    kinds = [cast("Any", each.message).WhichOneof("event") for each in (first, second)]
    assert kinds == ["heartbeat", "gap"]


async def test_tickers_come_together_for_those_who_say_so(calls: MarketCalls, desk: Desk) -> None:
    both = ["BTC-USDT", "BTC-USDT-SWAP"]
    for together, kinds in ((True, ["tickers"]), (False, ["ticker", "ticker"])):
        request = api.StreamTickerRequest(instruments=both, together=together)
        async with aclosing(calls.stream["StreamTicker"](request, a_call())) as events:
            waiting = asyncio.ensure_future(anext(events))
            await asyncio.sleep(0)
            for number, name in enumerate(both, start=1 + 10 * together):
                push_ticker(desk.boards.tickers, name, number + 100)
            told = [await waiting, *[await anext(events) for _ in kinds[1:]]]
        assert [cast("Any", each.message).WhichOneof("event") for each in told] == kinds


async def test_the_deadline_of_a_call_bounds_its_wait(calls: MarketCalls) -> None:
    request = api.GetTickerRequest(instrument="BTC-USDT")
    for _ in range(20):
        await calls.unary["GetTicker"](request, a_call())
    with pytest.raises(BudgetExhaustedError):
        await calls.unary["GetTicker"](request, a_call(0.1))
