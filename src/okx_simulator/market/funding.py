"""What is the funding rate of a perpetual future, and when is it paid? Pure.

Source: OKX docs, 'Get funding rate' and 'Get funding rate history'. Paid every eight hours, by
those who are long if the rate is positive.
"""

from decimal import Decimal
from zlib import crc32

from okx_simulator.answer import Row
from okx_simulator.market.instrument import Instrument
from okx_simulator.market.market import Market
from okx_simulator.market.price import share
from okx_simulator.number import text

PERIOD_MS = 8 * 3_600_000
_INTEREST = Decimal("0.0001")
_SPREAD = 0.0003
_RATE_MAX = "0.00375"


def rate_at(market: Market, instrument: Instrument, funding_ms: int) -> Decimal:
    """Return the rate that is paid at `funding_ms` since the epoch."""
    seed = market.seed ^ crc32(f"{instrument.inst_id}:funding".encode())
    premium = (share(seed, funding_ms // PERIOD_MS) - 0.5) * _SPREAD
    return _INTEREST + Decimal(repr(round(premium, 10)))


def next_funding_ms(now_ms: int) -> int:
    """Return when funding is paid next."""
    return (now_ms // PERIOD_MS + 1) * PERIOD_MS


def funding_row(market: Market, instrument: Instrument) -> Row:
    """Return the row of 'Get funding rate', which the funding-rate channel pushes too."""
    due_ms = next_funding_ms(market.now_ms)
    rate, before = (
        rate_at(market, instrument, due_ms),
        rate_at(market, instrument, due_ms - PERIOD_MS),
    )
    return {
        "formulaType": "withRate",
        "fundingRate": text(rate),
        "fundingTime": str(due_ms),
        "impactValue": "20000",
        "instId": instrument.inst_id,
        "instType": instrument.inst_type,
        "interestRate": text(_INTEREST),
        "maxFundingRate": _RATE_MAX,
        "method": "current_period",
        "minFundingRate": f"-{_RATE_MAX}",
        "nextFundingRate": "",
        "nextFundingTime": str(due_ms + PERIOD_MS),
        "premium": text(rate - _INTEREST),
        "prevFundingTime": str(due_ms - PERIOD_MS),
        "settFundingRate": text(before),
        "settState": "settled",
        "ts": str(market.now_ms),
    }


def past_row(market: Market, instrument: Instrument, funding_ms: int) -> Row:
    """Return one row of 'Get funding rate history'."""
    rate = text(rate_at(market, instrument, funding_ms))
    return {
        "formulaType": "withRate",
        "fundingRate": rate,
        "fundingTime": str(funding_ms),
        "instId": instrument.inst_id,
        "instType": instrument.inst_type,
        "method": "current_period",
        "realizedRate": rate,
    }
