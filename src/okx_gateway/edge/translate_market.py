"""How does what the market says become answers?  Pure."""

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import instrument_pb2, order_book_pb2, ticker_pb2
from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.domain.money import text_from_amount
from okx_gateway.domain.order_book import OrderBook, PriceLevel
from okx_gateway.domain.ticker import Ticker
from okx_gateway.edge.stamp import duration_of, time_of
from okx_gateway.market.dated import Dated


def instrument_type(
    request: api.ListInstrumentsRequest | api.ListTickersRequest,
) -> InstrumentType:
    """The type that a checked request names."""
    return _TYPES[request.type]


def max_age_s(request: api.GetTickerRequest | api.GetOrderBookRequest) -> float | None:
    """The greatest age that a checked request takes, in seconds; None where it does not say."""
    return request.max_age.ToNanoseconds() / 1e9 if request.HasField("max_age") else None


def instruments_response(instruments: list[Instrument]) -> api.ListInstrumentsResponse:
    """Answer of ListInstruments."""
    return api.ListInstrumentsResponse(instruments=map(_instrument, instruments))


def ticker_response(dated: Dated[Ticker]) -> api.GetTickerResponse:
    """Answer of GetTicker."""
    return api.GetTickerResponse(ticker=ticker_message(dated.value), age=duration_of(dated.age_s()))


def tickers_response(dated: Dated[list[Ticker]]) -> api.ListTickersResponse:
    """Answer of ListTickers."""
    return api.ListTickersResponse(
        tickers=map(ticker_message, dated.value), age=duration_of(dated.age_s())
    )


def order_book_response(dated: Dated[OrderBook]) -> api.GetOrderBookResponse:
    """Answer of GetOrderBook."""
    return api.GetOrderBookResponse(
        order_book=order_book_message(dated.value), age=duration_of(dated.age_s())
    )


def ticker_message(ticker: Ticker) -> ticker_pb2.Ticker:
    """A ticker as callers see it."""
    return ticker_pb2.Ticker(
        instrument=ticker.instrument,
        last_price=ticker.last_price,
        last_quantity=ticker.last_quantity,
        bid_price=ticker.bid_price,
        bid_quantity=ticker.bid_quantity,
        ask_price=ticker.ask_price,
        ask_quantity=ticker.ask_quantity,
        open_price_24h=ticker.open_price_24h,
        high_price_24h=ticker.high_price_24h,
        low_price_24h=ticker.low_price_24h,
        volume_24h=ticker.volume_24h,
        volume_currency_24h=ticker.volume_currency_24h,
        exchange_time=time_of(ticker.exchange_ms),
        receive_time=time_of(ticker.receive_ms),
    )


def order_book_message(book: OrderBook) -> order_book_pb2.OrderBook:
    """An order book as callers see it."""
    return order_book_pb2.OrderBook(
        instrument=book.instrument,
        asks=map(level_message, book.asks),
        bids=map(level_message, book.bids),
        sequence=book.sequence,
        exchange_time=time_of(book.exchange_ms),
        receive_time=time_of(book.receive_ms),
    )


def level_message(level: PriceLevel) -> order_book_pb2.PriceLevel:
    """A level of a book as callers see it."""
    return order_book_pb2.PriceLevel(
        price=level.price, quantity=level.quantity, orders=level.orders
    )


def _instrument(instrument: Instrument) -> instrument_pb2.Instrument:
    return instrument_pb2.Instrument(
        instrument=instrument.name,
        type=_TYPE_NUMBERS[instrument.type],
        family=instrument.family,
        tradable=instrument.tradable,
        price_step=text_from_amount(instrument.tick),
        quantity_step=text_from_amount(instrument.lot),
        minimum_quantity=text_from_amount(instrument.minimum),
        maximum_limit_quantity=text_from_amount(instrument.maximum_limit),
        maximum_market_quantity=text_from_amount(instrument.maximum_market),
        base_currency=instrument.base_currency,
        quote_currency=instrument.quote_currency,
        settlement_currency=instrument.settlement_currency,
        contract_value=instrument.contract_value,
        contract_currency=instrument.contract_currency,
        strike_price=instrument.strike_price,
        expiry_time=time_of(instrument.expiry_ms),
    )


_TYPES = {
    instrument_pb2.INSTRUMENT_TYPE_SPOT: InstrumentType.SPOT,
    instrument_pb2.INSTRUMENT_TYPE_MARGIN: InstrumentType.MARGIN,
    instrument_pb2.INSTRUMENT_TYPE_SWAP: InstrumentType.SWAP,
    instrument_pb2.INSTRUMENT_TYPE_FUTURES: InstrumentType.FUTURES,
    instrument_pb2.INSTRUMENT_TYPE_OPTION: InstrumentType.OPTION,
}
_TYPE_NUMBERS = {kind: number for number, kind in _TYPES.items()}
