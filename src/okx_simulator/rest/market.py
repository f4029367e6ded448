"""What do the endpoints below /market say? Pure. Source: OKX docs, 'Market Data'."""

from typing import Literal, TypeAlias

from okx_simulator.error_code import RefusedError
from okx_simulator.exchange import Exchange
from okx_simulator.market.candle import BARS, Candle, candles
from okx_simulator.market.instrument import Instrument
from okx_simulator.market.ticker import book_row, index_ticker_row, ticker_row
from okx_simulator.rest.endpoint import Answer, Call, Rows, public
from okx_simulator.rest.param import Params, choice, integer, required, text_of
from okx_simulator.rest.public import matching, named

_CANDLES_MAX = 300
_TRADES_MAX = 500
_PAST_TRADES_MAX = 100
_DEPTH_MAX = 400
_FULL_DEPTH_MAX = 5_000
_MS_MAX = 10**15
_Priced: TypeAlias = Literal["last", "index", "mark"]


def _ticker(exchange: Exchange, call: Call) -> Rows:
    return [ticker_row(exchange.desk, named(exchange, call.params))]


def _tickers(exchange: Exchange, call: Call) -> Rows:
    return [ticker_row(exchange.desk, one) for one in matching(exchange, call.params)]


def indexes(exchange: Exchange) -> dict[str, Instrument]:
    """Return the indexes by name (`BTC-USD`), each with an instrument that follows it."""
    found: dict[str, Instrument] = {}
    for instrument in exchange.market.listing.all():
        found.setdefault(f"{instrument.base_ccy}-{instrument.quote_ccy}", instrument)
    return found


def _index_tickers(exchange: Exchange, call: Call) -> Rows:
    inst_id, quote = text_of(call.params, "instId"), text_of(call.params, "quoteCcy")
    if not inst_id and not quote:
        raise RefusedError("50015", "quoteCcy", "instId")
    found = [
        index_ticker_row(exchange.market, name, instrument)
        for name, instrument in indexes(exchange).items()
        if inst_id in ("", name) and quote in ("", instrument.quote_ccy)
    ]
    if not found:
        raise RefusedError("51001")
    return found


def _book(exchange: Exchange, call: Call) -> Rows:
    depth = integer(call.params, "sz", 1, 1, _DEPTH_MAX)
    return [book_row(exchange.desk, named(exchange, call.params), depth)]


def _full_book(exchange: Exchange, call: Call) -> Rows:
    """Answer 'Get full order book', whose levels have no second, retired field."""
    depth = integer(call.params, "sz", 1, 1, _FULL_DEPTH_MAX)
    row = book_row(exchange.desk, named(exchange, call.params), depth)
    for side in ("asks", "bids"):
        row[side] = [[px, sz, orders] for px, sz, _, orders in row[side]]
    return [row]


def _trades(exchange: Exchange, call: Call) -> Rows:
    instrument = named(exchange, call.params)
    limit = integer(call.params, "limit", 100, 1, _TRADES_MAX)
    found = exchange.desk.tape.newest_first(instrument, limit)
    return [trade.row(instrument.inst_id) for trade in found]


def _past_trades(exchange: Exchange, call: Call) -> Rows:
    """Answer 'Get trades history', by trade id (type 1) or by time (type 2)."""
    instrument, params = named(exchange, call.params), call.params
    by_time = choice(params, "type", ("1", "2"), "1") == "2"
    if by_time and text_of(params, "before"):
        raise RefusedError("50039")
    limit = integer(params, "limit", _PAST_TRADES_MAX, 1, _PAST_TRADES_MAX)
    unit_us = 1_000 if by_time else 1
    after = integer(params, "after", 0, 0, _MS_MAX * 1_000)
    newer_than = integer(params, "before", -1, 0, _MS_MAX * 1_000)
    older_than_us = after * unit_us if after else None
    found = exchange.desk.tape.newest_first(instrument, limit, older_than_us)
    return [trade.row(instrument.inst_id) for trade in found if trade.trade_id > newer_than]


def _candle_answer(of: _Priced, *, is_past: bool) -> Answer:
    def answer(exchange: Exchange, call: Call) -> Rows:
        if of == "index":
            instrument = indexes(exchange).get(required(call.params, "instId"))
            if instrument is None:
                raise RefusedError("51001")
        else:
            instrument = named(exchange, call.params)
        found = _candle_page(exchange, instrument, call.params, of, is_past=is_past)
        return [one.row() if of == "last" else one.price_row() for one in found]

    return answer


def _candle_page(
    exchange: Exchange, instrument: Instrument, params: Params, of: _Priced, *, is_past: bool
) -> list[Candle]:
    """Return a page of bars; those of the past are complete."""
    bar = choice(params, "bar", BARS, "1m")
    limit = min(integer(params, "limit", 100, 1, _MS_MAX), _CANDLES_MAX)
    now_ms = exchange.market.now_ms
    newest_ms = min(now_ms, integer(params, "after", now_ms + 1, 1, _MS_MAX) - 1)
    newer_than_ms = integer(params, "before", -1, 0, _MS_MAX)
    found = candles(exchange.market, instrument, bar, newest_ms, limit + is_past, of=of)
    fitting = [
        candle
        for candle in found
        if candle.start_ms > newer_than_ms and (candle.is_complete or not is_past)
    ]
    return fitting[:limit]


ENDPOINTS = (
    public("/market/ticker", _ticker),
    public("/market/tickers", _tickers),
    public("/market/index-tickers", _index_tickers),
    public("/market/books", _book),
    public("/market/books-full", _full_book),
    public("/market/trades", _trades),
    public("/market/history-trades", _past_trades),
    public("/market/candles", _candle_answer("last", is_past=False)),
    public("/market/history-candles", _candle_answer("last", is_past=True)),
    public("/market/index-candles", _candle_answer("index", is_past=False)),
    public("/market/history-index-candles", _candle_answer("index", is_past=True)),
    public("/market/mark-price-candles", _candle_answer("mark", is_past=False)),
    public("/market/history-mark-price-candles", _candle_answer("mark", is_past=True)),
)
