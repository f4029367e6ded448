"""What do the tickers and the book of an instrument say? Pure.

Source: OKX docs, 'Get ticker', 'Get index tickers' and 'Get order book'.
"""

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from okx_simulator.answer import Row
from okx_simulator.market.book import Level
from okx_simulator.market.candle import in_currencies, start_of, volume
from okx_simulator.market.instrument import Instrument
from okx_simulator.market.market import Market
from okx_simulator.number import ZERO, text
from okx_simulator.order.desk import OrderDesk

_DAY_MS = 86_400_000
_MINUTE_MS = 60_000
_SAMPLES = 48


class Day(NamedTuple):
    """The last 24 hours, and the prices at the two beginnings of a day."""

    open: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal
    start_utc0: Decimal
    start_utc8: Decimal


@lru_cache(maxsize=512)
def _day(market: Market, instrument: Instrument, minute: int) -> Day:
    """Return the day that ends with `minute` (since the epoch); once a minute is often enough."""
    end_ms = minute * _MINUTE_MS
    start_ms = end_ms - _DAY_MS
    step_ms = _DAY_MS // _SAMPLES
    prices = [
        market.middle_at(instrument, start_ms + step_ms * number) for number in range(_SAMPLES + 1)
    ]
    return Day(
        open=prices[0],
        high=max(prices),
        low=min(prices),
        volume=volume(market, instrument, start_ms, end_ms),
        start_utc0=market.middle_at(instrument, start_of("1Dutc", end_ms)),
        start_utc8=market.middle_at(instrument, start_of("1D", end_ms)),
    )


def ticker_row(desk: OrderDesk, instrument: Instrument) -> Row:
    """Return the row of 'Get ticker', which the tickers channel pushes too."""
    market = desk.market
    last, now_ms = desk.tape.latest(instrument), market.now_ms
    day = _day(market, instrument, now_ms // _MINUTE_MS)
    bid, ask = _best(desk, instrument, buying=True), _best(desk, instrument, buying=False)
    base, quote = in_currencies(instrument, day.volume, last.px)
    return {
        "askPx": text(ask.price),
        "askSz": text(ask.size),
        "bidPx": text(bid.price),
        "bidSz": text(bid.size),
        "high24h": text(max(day.high, last.px)),
        "instId": instrument.inst_id,
        "instType": instrument.inst_type,
        "last": text(last.px),
        "lastSz": text(last.sz),
        "low24h": text(min(day.low, last.px)),
        "open24h": text(day.open),
        "sodUtc0": text(day.start_utc0),
        "sodUtc8": text(day.start_utc8),
        "ts": str(now_ms),
        "vol24h": text(day.volume),
        "volCcy24h": text(base if instrument.is_contract else quote),
    }


def index_ticker_row(market: Market, index_id: str, pair: Instrument) -> Row:
    """Return the row of 'Get index tickers' for an index such as BTC-USD, traded as `pair`."""
    day = _day(market, pair, market.now_ms // _MINUTE_MS)
    index = market.quote(pair).index
    return {
        "high24h": text(max(day.high, index)),
        "idxPx": text(index),
        "instId": index_id,
        "low24h": text(min(day.low, index)),
        "open24h": text(day.open),
        "sodUtc0": text(day.start_utc0),
        "sodUtc8": text(day.start_utc8),
        "ts": str(market.now_ms),
    }


def book_row(desk: OrderDesk, instrument: Instrument, depth: int) -> Row:
    """Return the row of 'Get order book' with up to `depth` levels a side."""
    return {
        "asks": list(_sides(desk, instrument, depth, buying=False)),
        "bids": list(_sides(desk, instrument, depth, buying=True)),
        "seqId": desk.liquidity.seq,
        "ts": str(desk.market.now_ms),
    }


def _sides(
    desk: OrderDesk, instrument: Instrument, depth: int, *, buying: bool
) -> Iterator[list[str]]:
    for level in islice(desk.liquidity.levels(instrument, buying=buying), depth):
        yield [text(level.price), text(level.size), "0", str(level.orders)]


def _best(desk: OrderDesk, instrument: Instrument, *, buying: bool) -> Level:
    return next(desk.liquidity.levels(instrument, buying=buying), Level(ZERO, ZERO, 0))
