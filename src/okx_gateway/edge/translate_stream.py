"""How do the streams of the market become messages?  Pure.

What several readers are told is made and encoded once for all of them.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import groupby
from typing import Any, TypeVar, cast

from google.protobuf.message import Message

from okx_gateway.api.v1 import candle_pb2, order_book_pb2, order_pb2, ticker_pb2, trade_pb2
from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.domain.candle import Bar, Candle
from okx_gateway.domain.market_notice import Gap, GapReason, Heartbeat, Notice, Resumed, Stale
from okx_gateway.domain.order import Side
from okx_gateway.domain.order_book import BookUpdate, OrderBook
from okx_gateway.domain.ticker import Ticker
from okx_gateway.domain.trade import Trade
from okx_gateway.edge.call import StreamEvent
from okx_gateway.edge.stamp import time_of
from okx_gateway.edge.translate_market import level_message, order_book_message, ticker_message
from okx_gateway.market.live_book import BookEvent
from okx_gateway.market.stream_log import Batch

# What readers of all streams are told about now; more would be made anew for each of them.
_BATCHES_KEPT = 1_000
_TICKERS_KEPT = 2_000
# A whole book is some ten thousand bytes.
_BOOKS_KEPT = 100
# One message stays far below what gRPC clients take by default.
_TOGETHER_MAX = 500
_V = TypeVar("_V")
_Events = tuple[StreamEvent, ...]


def candle_bar(request: api.StreamCandlesRequest) -> Bar:
    """The bar that a checked request names."""
    name = candle_pb2.CandleBar.Name(request.bar)
    return Bar[name.removeprefix("CANDLE_BAR_")]


@lru_cache(maxsize=_BATCHES_KEPT)
def ticker_events(batch: Batch[Ticker | Notice], *, together: bool) -> _Events:
    """Events of StreamTicker: tickers one by one, or `together` where there are several."""
    return tuple(_ticker_events(batch.events, together=together))


def _ticker_events(events: Sequence[Ticker | Notice], *, together: bool) -> Iterator[StreamEvent]:
    for is_ticker, part in groupby(events, lambda each: isinstance(each, Ticker)):
        if not is_ticker:
            yield from (
                _notice_event(api.StreamTickerResponse, cast("Notice", each)) for each in part
            )
            continue
        tickers = [_ticker_event(cast("Ticker", each)) for each in part]
        if not together or len(tickers) == 1:
            yield from tickers
            continue
        messages = [cast("api.StreamTickerResponse", each.message).ticker for each in tickers]
        yield StreamEvent(api.StreamTickerResponse(tickers=ticker_pb2.Tickers(tickers=messages)))


@lru_cache(maxsize=_TICKERS_KEPT)
def _ticker_event(ticker: Ticker) -> StreamEvent:
    return StreamEvent(api.StreamTickerResponse(ticker=ticker_message(ticker)))


@lru_cache(maxsize=_BATCHES_KEPT)
def trade_events(batch: Batch[Trade | Notice]) -> _Events:
    """Events of StreamTrades."""

    def event(trades: Sequence[Trade]) -> Message:
        return api.StreamTradesResponse(trades=trade_pb2.Trades(trades=map(_trade, trades)))

    return tuple(_grouped(batch.events, Trade, event, api.StreamTradesResponse))


@lru_cache(maxsize=_BATCHES_KEPT)
def candle_events(batch: Batch[Candle | Notice]) -> _Events:
    """Events of StreamCandles."""

    def event(candles: Sequence[Candle]) -> Message:
        return api.StreamCandlesResponse(candles=candle_pb2.Candles(candles=map(_candle, candles)))

    return tuple(_grouped(batch.events, Candle, event, api.StreamCandlesResponse))


@lru_cache(maxsize=_BATCHES_KEPT)
def book_events(batch: Batch[BookEvent | Notice]) -> _Events:
    """Events of StreamOrderBook."""
    return tuple(_book_event(each) for each in batch.events)


@lru_cache(maxsize=_BOOKS_KEPT)
def _book_event(event: BookEvent | Notice) -> StreamEvent:
    match event:
        case OrderBook():
            return StreamEvent(api.StreamOrderBookResponse(snapshot=order_book_message(event)))
        case BookUpdate():
            update = order_book_pb2.OrderBookUpdate(
                instrument=event.instrument,
                asks=map(level_message, event.asks),
                bids=map(level_message, event.bids),
                sequence=event.sequence,
                previous_sequence=event.previous_sequence,
                exchange_time=time_of(event.exchange_ms),
                receive_time=time_of(event.receive_ms),
            )
            return StreamEvent(api.StreamOrderBookResponse(update=update))
        case _:
            return _notice_event(api.StreamOrderBookResponse, event)


def heartbeat_event(kind: type[Message], heartbeat: Heartbeat) -> StreamEvent:
    """A heartbeat of a stream whose events are of `kind`."""
    message = ticker_pb2.Heartbeat(send_time=time_of(heartbeat.send_ms))
    return StreamEvent(cast("Any", kind)(heartbeat=message))


def _grouped(
    events: Sequence[_V | Notice],
    of: type[_V],
    make: Callable[[Sequence[_V]], Message],
    kind: type[Message],
) -> Iterator[StreamEvent]:
    """Values that come together in one message, up to a bound, and notices by themselves."""
    for is_value, part in groupby(events, lambda each: isinstance(each, of)):
        found = list(part)
        if not is_value:
            yield from map(partial(_notice_event, kind), cast("list[Notice]", found))
            continue
        for start in range(0, len(found), _TOGETHER_MAX):
            yield StreamEvent(make(cast("list[_V]", found[start : start + _TOGETHER_MAX])))


def _notice_event(kind: type[Message], notice: Notice) -> StreamEvent:
    make = cast("Any", kind)
    match notice:
        case Gap(instruments, reason, detect_ms, lost_count):
            gap = ticker_pb2.Gap(
                instruments=instruments,
                reason=_GAP_REASONS[reason],
                detect_time=time_of(detect_ms),
                lost_count=lost_count,
            )
            return StreamEvent(make(gap=gap))
        case Stale(instruments, detect_ms):
            stale = ticker_pb2.Stale(instruments=instruments, detect_time=time_of(detect_ms))
            return StreamEvent(make(stale=stale))
        case Resumed(instruments, resume_ms):
            resumed = ticker_pb2.Resumed(instruments=instruments, resume_time=time_of(resume_ms))
            return StreamEvent(make(resumed=resumed))


def _trade(trade: Trade) -> trade_pb2.Trade:
    return trade_pb2.Trade(
        instrument=trade.instrument,
        trade_id=trade.trade_id,
        side=_SIDES[trade.side],
        price=trade.price,
        quantity=trade.quantity,
        count=trade.count,
        exchange_time=time_of(trade.exchange_ms),
        receive_time=time_of(trade.receive_ms),
    )


def _candle(candle: Candle) -> candle_pb2.Candle:
    return candle_pb2.Candle(
        instrument=candle.instrument,
        start_time=time_of(candle.start_ms),
        open_price=candle.open_price,
        high_price=candle.high_price,
        low_price=candle.low_price,
        close_price=candle.close_price,
        volume=candle.volume,
        volume_currency=candle.volume_currency,
        volume_quote=candle.volume_quote,
        complete=candle.complete,
        receive_time=time_of(candle.receive_ms),
    )


_SIDES = {
    None: order_pb2.SIDE_UNSPECIFIED,
    Side.BUY: order_pb2.SIDE_BUY,
    Side.SELL: order_pb2.SIDE_SELL,
}
_GAP_REASONS = {
    GapReason.CONNECTION_LOST: ticker_pb2.GAP_REASON_CONNECTION_LOST,
    GapReason.SUBSCRIPTION_ENDED: ticker_pb2.GAP_REASON_SUBSCRIPTION_ENDED,
    GapReason.READER_TOO_SLOW: ticker_pb2.GAP_REASON_READER_TOO_SLOW,
    GapReason.SEQUENCE_BROKEN: ticker_pb2.GAP_REASON_SEQUENCE_BROKEN,
}
