"""The calls over real use cases, a real ledger and a scripted exchange."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import instrument_pb2
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import BudgetExhaustedError, InvalidRequestError
from okx_gateway.edge.call import Call
from okx_gateway.edge.market_calls import MarketCalls
from tests.fakes.desk import Desk
from tests.fakes.exchange import ScriptedExchange

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


async def test_the_deadline_of_a_call_bounds_its_wait(calls: MarketCalls) -> None:
    request = api.GetTickerRequest(instrument="BTC-USDT")
    for _ in range(20):
        await calls.unary["GetTicker"](request, a_call())
    with pytest.raises(BudgetExhaustedError):
        await calls.unary["GetTicker"](request, a_call(0.1))
