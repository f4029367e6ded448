"""What is an option worth, and how does that change? Pure. Black and Scholes without interest."""

import math
from dataclasses import dataclass
from decimal import Decimal

from okx_simulator.market.instrument import Instrument

_YEAR_MS = 365 * 86_400_000
_ROOT_TWO_PI = math.sqrt(2 * math.pi)


@dataclass(frozen=True, slots=True)
class Greeks:
    """Value in coins of the underlying, and its derivatives.

    `delta` and `gamma` are per USD of the underlying, `vega` per 1 % of volatility, `theta` per
    day; `volatility` is the share per year that was assumed.
    """

    value: float
    delta: float
    gamma: float
    vega: float
    theta: float
    volatility: float


def volatility_of(spot: float, strike: float) -> float:
    """Return the volatility per year the market sees at this strike: lowest near the money."""
    return 0.5 + 0.25 * min(1.0, abs(math.log(strike / spot)))


def price_at_volatility(
    instrument: Instrument, index: Decimal, volatility: Decimal, left_ms: int
) -> Decimal:
    """Return the price in coins that a volatility (1 is 100 % per year) means for an option."""
    is_call = instrument.opt_type == "C"
    made = greeks(
        float(index), float(instrument.strike), left_ms, float(volatility), is_call=is_call
    )
    return Decimal(repr(round(made.value, 8)))


def greeks(
    spot: float, strike: float, left_ms: int, volatility: float | None = None, *, is_call: bool
) -> Greeks:
    """Return value and derivatives of a European option `left_ms` before its expiry.

    `volatility` is the share per year, the market's own where it is None.
    """
    volatility = volatility_of(spot, strike) if volatility is None else volatility
    years = max(left_ms, 1_000) / _YEAR_MS
    spread = volatility * math.sqrt(years)
    d1 = (math.log(spot / strike) + spread * spread / 2) / spread
    d2 = d1 - spread
    density = math.exp(-d1 * d1 / 2) / _ROOT_TWO_PI
    sign = 1 if is_call else -1
    usd = sign * (spot * _normal(sign * d1) - strike * _normal(sign * d2))
    return Greeks(
        value=max(usd, 0.0) / spot,
        delta=sign * _normal(sign * d1),
        gamma=density / (spot * spread),
        vega=spot * density * math.sqrt(years) / 100,
        theta=-spot * density * volatility / (2 * math.sqrt(years)) / 365,
        volatility=volatility,
    )


def _normal(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2
