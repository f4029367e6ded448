"""How did a price move during a bar, and how much was traded? Pure.

Bars of the past follow from the seed like the price itself, so that any page of history can be
made. Source: OKX docs, 'Get candlesticks'.
"""

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple
from zlib import crc32

from okx_simulator.market.book import typical_lots
from okx_simulator.market.instrument import Instrument
from okx_simulator.market.market import Market
from okx_simulator.market.price import share
from okx_simulator.number import ONE, floor_to, text

_SECOND_MS, _MINUTE_MS, _HOUR_MS, _DAY_MS = 1_000, 60_000, 3_600_000, 86_400_000
_UTC8_MS = 8 * _HOUR_MS
# A Monday, 1970-01-05, which weeks are counted from.
_MONDAY_MS = 4 * _DAY_MS
_SAMPLES = 6
# How many levels' worth of lots change hands in an hour, on average.
_LEVELS_PER_HOUR = 400
# A day has between 16 and 32 usual hours.
_DAY_SPREAD_HOURS = 8

_FIXED = {
    "1s": _SECOND_MS,
    **{f"{count}m": count * _MINUTE_MS for count in (1, 3, 5, 15, 30)},
    **{f"{count}H": count * _HOUR_MS for count in (1, 2, 4, 6, 12)},
    **{f"{count}D": count * _DAY_MS for count in (1, 2, 3)},
    "1W": 7 * _DAY_MS,
}
_MONTHS = {"1M": 1, "3M": 3}
# Bars of six hours and more begin by the clock of Hong Kong, unless they say utc.
_LONG = ("6H", "12H", "1D", "2D", "3D", "1W", "1M", "3M")
BARS = (*_FIXED, *_MONTHS, *(f"{bar}utc" for bar in _LONG))


class Candle(NamedTuple):
    """One bar; `volume` in the instrument's sizes, the others in base and quote currency."""

    start_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    volume_ccy: Decimal
    volume_quote: Decimal
    is_complete: bool

    def row(self) -> list[str]:
        """Return the row of 'Get candlesticks'."""
        return [
            str(self.start_ms),
            *(text(price) for price in (self.open, self.high, self.low, self.close)),
            text(self.volume),
            text(self.volume_ccy),
            text(self.volume_quote),
            "1" if self.is_complete else "0",
        ]

    def price_row(self) -> list[str]:
        """Return the row of candlesticks of the index and mark prices, which have no volume."""
        return [*self.row()[:5], "1" if self.is_complete else "0"]


def start_of(bar: str, at_ms: int) -> int:
    """Return when the bar that `at_ms` lies in began, in ms since the epoch."""
    kind = bar.removesuffix("utc")
    shift_ms = _UTC8_MS if bar in _LONG else 0
    local_ms = at_ms + shift_ms
    if kind in _MONTHS:
        moment = datetime.fromtimestamp(local_ms / 1_000, UTC)
        month = (moment.month - 1) // _MONTHS[kind] * _MONTHS[kind] + 1
        first = datetime(moment.year, month, 1, tzinfo=UTC)
        return int(first.timestamp() * 1_000) - shift_ms
    origin_ms = _MONDAY_MS if kind == "1W" else 0
    length_ms = _FIXED[kind]
    return (local_ms - origin_ms) // length_ms * length_ms + origin_ms - shift_ms


def end_of(bar: str, start_ms: int) -> int:
    """Return when the bar that began at `start_ms` ends."""
    kind = bar.removesuffix("utc")
    if kind in _FIXED:
        return start_ms + _FIXED[kind]
    # A day into the month that follows, whose beginning is the end.
    return start_of(bar, start_ms + (_MONTHS[kind] * 31 + 1) * _DAY_MS)


def candles(
    market: Market,
    instrument: Instrument,
    bar: str,
    newest_ms: int,
    count: int,
    *,
    of: str = "last",
) -> list[Candle]:
    """Return up to `count` bars, newest first, the first being the one that `newest_ms` lies in.

    `of` is last, index or mark. No bar begins before the instrument was listed.
    """
    found: list[Candle] = []
    start_ms = start_of(bar, min(newest_ms, market.now_ms))
    while len(found) < count and start_ms >= instrument.listed_ms:
        found.append(_candle(market, instrument, bar, start_ms, of))
        start_ms = start_of(bar, start_ms - 1)
    return found


def volume(market: Market, instrument: Instrument, start_ms: int, end_ms: int) -> Decimal:
    """Return how much was traded in a span of time."""
    seed = market.seed ^ crc32(instrument.inst_id.encode())
    usual = typical_lots(instrument) * _LEVELS_PER_HOUR
    lots = usual * (_volume_until(seed, end_ms) - _volume_until(seed, start_ms))
    return Decimal(int(lots)) * instrument.lot_sz


def _volume_until(seed: int, at_ms: int) -> float:
    """Return the volume up to a moment, in usual hours.

    Adding up to a moment keeps the volumes of short bars and long bars in line.
    """
    hour, rest_ms = divmod(at_ms, _HOUR_MS)
    day, hour_of_day = divmod(hour, 24)
    shares = _hour_shares(seed, day)
    done = sum(shares[:hour_of_day]) + shares[hour_of_day] * _part_of_hour(seed, hour, rest_ms)
    return _until_day(seed, day) + done / sum(shares) * (
        _until_day(seed, day + 1) - _until_day(seed, day)
    )


def _until_day(seed: int, day: int) -> float:
    return 24 * day + _DAY_SPREAD_HOURS * share(seed + 2, day)


@lru_cache(maxsize=1 << 12)
def _hour_shares(seed: int, day: int) -> tuple[float, ...]:
    return tuple(0.5 + share(seed, day * 24 + hour) for hour in range(24))


def _part_of_hour(seed: int, hour: int, rest_ms: int) -> float:
    minute, part_ms = divmod(rest_ms, _MINUTE_MS)
    weights = _minute_weights(seed, hour)
    done = sum(weights[:minute]) + weights[minute] * part_ms / _MINUTE_MS
    return done / sum(weights)


@lru_cache(maxsize=1 << 11)
def _minute_weights(seed: int, hour: int) -> tuple[float, ...]:
    return tuple(0.2 + share(seed + 1, hour * 60 + minute) for minute in range(60))


def _candle(market: Market, instrument: Instrument, bar: str, start_ms: int, of: str) -> Candle:
    end_ms, now_ms = end_of(bar, start_ms), market.now_ms
    until_ms = min(end_ms, now_ms)
    at = market.index_at if of == "index" else market.middle_at
    step_ms = max(1, (until_ms - start_ms) // _SAMPLES)
    prices = [at(instrument, start_ms + step_ms * number) for number in range(_SAMPLES)]
    prices.append(at(instrument, until_ms))
    traded = volume(market, instrument, start_ms, until_ms)
    base, quote = in_currencies(instrument, traded, prices[-1])
    return Candle(
        start_ms=start_ms,
        open=prices[0],
        high=max(prices),
        low=min(prices),
        close=prices[-1],
        volume=traded,
        volume_ccy=base if instrument.is_contract else quote,
        volume_quote=quote,
        is_complete=end_ms <= now_ms,
    )


def in_currencies(instrument: Instrument, sz: Decimal, px: Decimal) -> tuple[Decimal, Decimal]:
    """Return a size in the base and in the quote currency, at most eight decimals."""
    units = sz * instrument.ct_val * instrument.ct_mult
    grain = Decimal("0.00000001")
    if instrument.is_inverse:
        return floor_to(units / px, grain), units
    price = instrument.strike if instrument.inst_type == "OPTION" else px
    return units, floor_to(units * (price or ONE), grain)
