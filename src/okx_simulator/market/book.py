"""How much do strangers offer at each price? Pure: the same seed makes the same book.

Levels lie on an absolute grid of prices, and each changes its size every few seconds, so that
two books 100 ms apart differ in few places, as those of a real market do.
"""

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple
from zlib import crc32

from okx_simulator.market.instrument import Instrument
from okx_simulator.market.instrument_table import START_USD
from okx_simulator.market.price import mixed
from okx_simulator.market.quote import Quote

LEVELS_MAX = 400
_GRID = Decimal("0.00001")
_LEVEL_USD = 25_000
_LEVEL_AGE_STEPS = 50


class Level(NamedTuple):
    """Size resting at one price, and by how many orders."""

    price: Decimal
    size: Decimal
    orders: int


@lru_cache(maxsize=512)
def _grid_ticks(instrument: Instrument) -> int:
    """Return the distance of levels in ticks: 0.001 % of the price at the start, one at least."""
    if instrument.inst_type == "OPTION":
        return 1
    quote = START_USD.get(instrument.quote_ccy, 1.0)
    price = Decimal(START_USD[instrument.base_ccy] / quote)
    return max(1, int(price * _GRID / instrument.tick_sz))


@lru_cache(maxsize=512)
def typical_lots(instrument: Instrument) -> int:
    """Return how many lots make up the usual size of a level."""
    base_usd = Decimal(START_USD[instrument.base_ccy])
    contract_usd = instrument.ct_val * instrument.ct_mult
    if not instrument.is_inverse:
        contract_usd *= base_usd
    return max(2, int(_LEVEL_USD / (contract_usd * instrument.lot_sz)))


def strangers(
    seed: int, step: int, instrument: Instrument, quote: Quote, *, buying: bool
) -> Iterator[Level]:
    """Yield the levels of strangers, best first: those who buy, or those who sell."""
    tick, grid = instrument.tick_sz, _grid_ticks(instrument)
    touch = int((quote.bid if buying else quote.ask) / tick)
    away = -1 if buying else 1
    nearest = touch // grid * grid if buying else -(-touch // grid) * grid
    key = mixed(seed, crc32(f"{instrument.inst_id}:{buying}".encode()))
    yield _level(key, step, instrument, touch)
    ticks = nearest + (away * grid if nearest == touch else 0)
    for _ in range(LEVELS_MAX - 1):
        if ticks <= 0:
            return
        yield _level(key, step, instrument, ticks)
        ticks += away * grid


def _level(key: int, step: int, instrument: Instrument, ticks: int) -> Level:
    place = mixed(key, ticks)
    bits = mixed(place, (step + place % _LEVEL_AGE_STEPS) // _LEVEL_AGE_STEPS)
    part = (bits & 0xFFFF) / 0xFFFF
    lots = 1 + int(typical_lots(instrument) * (0.1 + 1.8 * part * part))
    return Level(ticks * instrument.tick_sz, lots * instrument.lot_sz, 1 + (bits >> 16) % 9)
