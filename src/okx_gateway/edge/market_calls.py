"""What does each call about the market do?  A part of `gateway_calls`, and as that."""

from dataclasses import dataclass

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.domain.deadline import Deadline
from okx_gateway.edge import translate_market
from okx_gateway.edge.call import Call, UnaryCall
from okx_gateway.edge.translate import check
from okx_gateway.usecases.get_order_book import GetOrderBook
from okx_gateway.usecases.get_ticker import GetTicker
from okx_gateway.usecases.list_instruments import ListInstruments
from okx_gateway.usecases.list_tickers import ListTickers
from okx_gateway.usecases.market_reads import Asker


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketUseCases:
    """What the gateway can tell of the market."""

    list_instruments: ListInstruments
    get_ticker: GetTicker
    list_tickers: ListTickers
    get_order_book: GetOrderBook


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

    async def _list_instruments(
        self, request: api.ListInstrumentsRequest, call: Call
    ) -> api.ListInstrumentsResponse:
        del call
        check(request)
        kind = translate_market.instrument_type(request)
        return translate_market.instruments_response(self._usecases.list_instruments(kind))

    async def _get_ticker(self, request: api.GetTickerRequest, call: Call) -> api.GetTickerResponse:
        check(request)
        dated = await self._usecases.get_ticker(request.instrument, self._asker(call))
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
            request.instrument, self._asker(call), depth=request.depth or None
        )
        return translate_market.order_book_response(dated)

    def _asker(self, call: Call) -> Asker:
        return Asker(call.caller, call.deadline or Deadline.after(self._default_deadline_s))
