"""Where do index, mark, bid and ask of an instrument stand, given what currencies are worth? Pure.

Source: OKX docs, 'Get mark price' and 'Get limit price'.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from okx_simulator.market.instrument import Instrument
from okx_simulator.market.option_price import Greeks, greeks
from okx_simulator.number import rounded

_YEAR_MS = 365 * 86_400_000
_SWAP_PREMIUM = 0.0001
_DATED_PREMIUM_YEAR = 0.06
# A taker may not pay more than this share beyond the middle of the book.
BAND = Decimal("0.05")
_OPTION_BAND = Decimal("0.05")

# The price of a currency in USD.
Usd: TypeAlias = Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Quote:
    """Prices of one instrument at one moment, in its quote currency (options: in coins)."""

    index: Decimal
    mark: Decimal
    bid: Decimal
    ask: Decimal
    highest_buy: Decimal
    lowest_sell: Decimal


def index_of(instrument: Instrument, usd: Usd) -> float:
    """Return the price of the base currency in the quote currency."""
    quote = 1.0 if instrument.quote_ccy == "USD" else usd(instrument.quote_ccy)
    return usd(instrument.base_ccy) / quote


def premium_of(instrument: Instrument, now_ms: int) -> float:
    """Return mark / index of a pair or a future."""
    if instrument.inst_type == "SWAP":
        return 1 + _SWAP_PREMIUM
    if instrument.inst_type == "FUTURES":
        left_ms = max(instrument.expiry_ms - now_ms, 0)
        return 1 + _DATED_PREMIUM_YEAR * left_ms / _YEAR_MS
    return 1.0


def greeks_of(instrument: Instrument, index: float, now_ms: int) -> Greeks:
    """Return the value of an option and its derivatives."""
    return greeks(
        index,
        float(instrument.strike),
        instrument.expiry_ms - now_ms,
        is_call=instrument.opt_type == "C",
    )


def middle_of(instrument: Instrument, index: float, now_ms: int) -> float:
    """Return the middle of the book."""
    if instrument.inst_type == "OPTION":
        return greeks_of(instrument, index, now_ms).value
    return index * premium_of(instrument, now_ms)


def quote_of(instrument: Instrument, usd: Usd, now_ms: int) -> Quote:
    """Return where the instrument stands at `now_ms`."""
    index = index_of(instrument, usd)
    middle = middle_of(instrument, index, now_ms)
    spread_ticks = 1
    if instrument.inst_type == "OPTION":
        spread_ticks = 2 + int(middle * 0.02 / float(instrument.tick_sz))
    tick = instrument.tick_sz
    bid_ticks = max(1, math.floor(middle / float(tick)) - spread_ticks // 2)
    mark = rounded(middle, tick)
    band = _OPTION_BAND if instrument.inst_type == "OPTION" else mark * BAND
    return Quote(
        index=rounded(index, tick if instrument.inst_type != "OPTION" else Decimal("0.01")),
        mark=mark,
        bid=bid_ticks * tick,
        ask=(bid_ticks + spread_ticks) * tick,
        highest_buy=_on_grid(mark + band, tick),
        lowest_sell=max(tick, _on_grid(mark - band, tick)),
    )


def _on_grid(price: Decimal, tick: Decimal) -> Decimal:
    return round(price / tick) * tick
