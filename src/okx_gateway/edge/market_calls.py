"""What does each call about the market do?  A part of `gateway_calls`, and as that."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from google.protobuf.message import Message

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.domain.candle import Candle
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.market_notice import Heartbeat
from okx_gateway.domain.ticker import Ticker
from okx_gateway.domain.trade import Trade
from okx_gateway.edge import translate_market, translate_stream
from okx_gateway.edge.call import Call, StreamCall, StreamEvent, UnaryCall
from okx_gateway.edge.translate import check
from okx_gateway.market.live_book import BookEvent
from okx_gateway.market.stream_log import Batch
from okx_gateway.usecases.get_order_book import GetOrderBook
from okx_gateway.usecases.get_ticker import GetTicker
from okx_gateway.usecases.list_instruments import ListInstruments
from okx_gateway.usecases.list_tickers import ListTickers
from okx_gateway.usecases.market_reads import Asker
from okx_gateway.usecases.stream_market import StreamMarket

_E = TypeVar("_E")
_Stream = AsyncGenerator[StreamEvent, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketUseCases:
    """What the gateway can tell of the market."""

    list_instruments: ListInstruments
    get_ticker: GetTicker
    list_tickers: ListTickers
    get_order_book: GetOrderBook
    stream_ticker: StreamMarket[Ticker]
    stream_order_book: StreamMarket[BookEvent]
    stream_trades: StreamMarket[Trade]
    stream_candles: StreamMarket[Candle]


class MarketCalls:
    """The calls about the market by RPC name."""

    def __init__(self, usecases: MarketUseCases, *, default_deadline_s: float) -> None:
        self._usecases = usecases
        self._default_deadline_s = default_deadline_s
        self.unary: dict[str, UnaryCall] = {
            "ListInstruments": self._list_instruments,
            "GetTicker": self._get_ticker,
            "ListTickers": self._list_tickers,
            "GetOrderBook": self._get_order_book,
        }
        self.stream: dict[str, StreamCall] = {
            "StreamTicker": self._stream_ticker,
            "StreamOrderBook": self._stream_order_book,
            "StreamTrades": self._stream_trades,
            "StreamCandles": self._stream_candles,
        }

    async def _list_instruments(
        self, request: api.ListInstrumentsRequest, call: Call
    ) -> api.ListInstrumentsResponse:
        del call
        check(request)
        kind = translate_market.instrument_type(request)
        return translate_market.instruments_response(self._usecases.list_instruments(kind))

    async def _get_ticker(self, request: api.GetTickerRequest, call: Call) -> api.GetTickerResponse:
        check(request)
        dated = await self._usecases.get_ticker(
            request.instrument,
            self._asker(call),
            max_age_s=translate_market.max_age_s(request),
        )
        return translate_market.ticker_response(dated)

    async def _list_tickers(
        self, request: api.ListTickersRequest, call: Call
    ) -> api.ListTickersResponse:
        check(request)
        kind = translate_market.instrument_type(request)
        dated = await self._usecases.list_tickers(kind, self._asker(call))
        return translate_market.tickers_response(dated)

    async def _get_order_book(
        self, request: api.GetOrderBookRequest, call: Call
    ) -> api.GetOrderBookResponse:
        check(request)
        dated = await self._usecases.get_order_book(
            request.instrument,
            self._asker(call),
            depth=request.depth or None,
            max_age_s=translate_market.max_age_s(request),
        )
        return translate_market.order_book_response(dated)

    def _stream_ticker(self, request: api.StreamTickerRequest, call: Call) -> _Stream:
        del call
        check(request)
        batches = self._usecases.stream_ticker(request.instruments)
        told = partial(translate_stream.ticker_events, together=request.together)
        return _events(batches, told, api.StreamTickerResponse)

    def _stream_order_book(self, request: api.StreamOrderBookRequest, call: Call) -> _Stream:
        del call
        check(request)
        batches = self._usecases.stream_order_book(request.instruments)
        return _events(batches, translate_stream.book_events, api.StreamOrderBookResponse)

    def _stream_trades(self, request: api.StreamTradesRequest, call: Call) -> _Stream:
        del call
        check(request)
        batches = self._usecases.stream_trades(request.instruments)
        return _events(batches, translate_stream.trade_events, api.StreamTradesResponse)

    def _stream_candles(self, request: api.StreamCandlesRequest, call: Call) -> _Stream:
        del call
        check(request)
        bar = translate_stream.candle_bar(request)
        batches = self._usecases.stream_candles(request.instruments, bar)
        return _events(batches, translate_stream.candle_events, api.StreamCandlesResponse)

    def _asker(self, call: Call) -> Asker:
        return Asker(call.caller, call.deadline or Deadline.after(self._default_deadline_s))


async def _events(
    batches: AsyncGenerator[Batch[_E] | Heartbeat, None],
    told: Callable[[Batch[_E]], Sequence[StreamEvent]],
    kind: type[Message],
) -> _Stream:
    async with aclosing(batches):
        async for batch in batches:
            if isinstance(batch, Heartbeat):
                yield translate_stream.heartbeat_event(kind, batch)
                continue
            for event in told(batch):
                yield event
