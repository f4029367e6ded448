"""What is a currency worth in USD at a given moment? Pure: the same seed makes the same path.

The path is noise in octaves, each four times as long as the one before and twice as high, which
looks like a random walk at every scale but can be asked for any moment, past or future, in any
order. Moments are milliseconds relative to the start of the simulation.
"""

import math
from functools import lru_cache
from zlib import crc32

from okx_simulator.market.instrument_table import START_USD

_MASK = (1 << 64) - 1
_FIRST_PERIOD_MS = 1_000
_OCTAVES = 13
# Height of the first octave as a share of the price: some 60 % a year for a volatile currency.
_FIRST_HEIGHT = 0.00009
_CALM = frozenset({"USDT"})
_STABLE_HEIGHT = 0.000002


def mixed(seed: int, key: int) -> int:
    """Return 64 well mixed bits of `seed` and `key` (the finalizer of splitmix64)."""
    bits = (seed * 0x9E3779B97F4A7C15 + key * 0xD1B54A32D192ED03) & _MASK
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & _MASK
    return bits ^ (bits >> 31)


def share(seed: int, key: int) -> float:
    """Return a number in [0, 1) that looks random but depends on `seed` and `key` only."""
    return (mixed(seed, key) >> 11) / (1 << 53)


@lru_cache(maxsize=1 << 16)
def _lattice(seed: int, octave: int, index: int) -> float:
    return 2 * share(seed + octave, index) - 1


def _noise(seed: int, at_ms: int) -> float:
    total, period_ms, height = 0.0, _FIRST_PERIOD_MS, 1.0
    for octave in range(_OCTAVES):
        index, rest_ms = divmod(at_ms, period_ms)
        part = rest_ms / period_ms
        smooth = part * part * (3 - 2 * part)
        left = _lattice(seed, octave, index)
        total += height * (left + smooth * (_lattice(seed, octave, index + 1) - left))
        period_ms *= 4
        height *= 2
    return total


class PriceProcess:
    """Prices in USD by currency, from `START_USD` at moment 0 onwards and backwards.

    `move` shifts a price for good, so that a test can make the market cross an order.
    """

    MOVES_MAX = 10_000

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._origin: dict[str, float] = {}
        self._moves: dict[str, list[tuple[int, float]]] = {}

    def usd(self, ccy: str, at_ms: int) -> float:
        """Return the price of one `ccy` in USD at `at_ms` after the start.

        Raises:
            KeyError: Nothing trades in this currency.
        """
        start = START_USD[ccy]
        if ccy in _CALM:
            return start
        seed = mixed(self._seed, crc32(ccy.encode()))
        if ccy not in self._origin:
            self._origin[ccy] = _noise(seed, 0)
        height = _STABLE_HEIGHT if start == 1.0 else _FIRST_HEIGHT
        wandered = height * (_noise(seed, at_ms) - self._origin[ccy])
        return start * math.exp(wandered) * self._moved(ccy, at_ms)

    def move(self, ccy: str, at_ms: int, usd: float) -> None:
        """Make the price of `ccy` be `usd` at `at_ms` and wander on from there.

        Raises:
            ValueError: The currency has been moved too often, or `usd` is not positive.
        """
        moves = self._moves.setdefault(ccy, [])
        if len(moves) >= self.MOVES_MAX:
            raise ValueError(f"{ccy} has been moved {self.MOVES_MAX} times")
        if not usd > 0:
            raise ValueError("a price must be positive")
        moves.append((at_ms, self._moved(ccy, at_ms) * usd / self.usd(ccy, at_ms)))

    def _moved(self, ccy: str, at_ms: int) -> float:
        for since_ms, factor in reversed(self._moves.get(ccy, ())):
            if since_ms <= at_ms:
                return factor
        return 1.0
