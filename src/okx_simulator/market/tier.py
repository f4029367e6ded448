"""How large may a position be at a given leverage? Pure.

Tiers are made from the size of a contract: each tier is twice as large as the one before, at half
the leverage. Source: OKX docs, 'Get position tiers'.
"""

from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from okx_simulator.account.valuation import maintenance_rate
from okx_simulator.market.instrument import Instrument
from okx_simulator.market.instrument_table import START_USD
from okx_simulator.number import ONE, ZERO, floor_to

_FIRST_TIER_USD = Decimal(5_000_000)
_TIERS = 6


class Tier(NamedTuple):
    """Positions above `min_sz` up to `max_sz`, worth `max_usd`, may have leverage `lever_max`."""

    number: int
    min_sz: Decimal
    max_sz: Decimal
    lever_max: Decimal
    imr: Decimal
    mmr: Decimal
    max_usd: Decimal


@lru_cache(maxsize=512)
def tiers(instrument: Instrument) -> tuple[Tier, ...]:
    """Return the tiers of a contract or margin pair, smallest first."""
    unit_usd = instrument.ct_val * instrument.ct_mult
    if not instrument.is_inverse:
        unit_usd *= Decimal(START_USD[instrument.base_ccy])
    found: list[Tier] = []
    lever, most_usd, smallest = instrument.lever or ONE, _FIRST_TIER_USD, ZERO
    for number in range(1, _TIERS + 1):
        largest = floor_to(most_usd / unit_usd, instrument.lot_sz)
        mmr = maintenance_rate(instrument) * number
        found.append(Tier(number, smallest, largest, lever, ONE / lever, mmr, most_usd))
        smallest, most_usd = largest, most_usd * 2
        lever = max(ONE, (lever / 2).to_integral_value())
    return tuple(found)


def size_max(instrument: Instrument, lever: Decimal) -> Decimal:
    """Return the largest position allowed at this leverage."""
    return max((tier.max_sz for tier in tiers(instrument) if tier.lever_max >= lever), default=ZERO)
