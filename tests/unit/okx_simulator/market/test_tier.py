from decimal import Decimal
from itertools import pairwise

import pytest

from okx_simulator.market.listing import Listing
from okx_simulator.market.tier import size_max, tiers
from tests.support.trading_floor import START_MS, listed

LISTING = Listing(START_MS)


@pytest.mark.parametrize("inst_id", ["BTC-USDT-SWAP", "BTC-USD-SWAP", "DOGE-USDT-SWAP"])
def test_larger_positions_have_less_leverage(inst_id: str) -> None:
    instrument = listed(LISTING, inst_id)
    found = tiers(instrument)
    assert found[0].lever_max == instrument.lever
    for smaller, larger in pairwise(found):
        assert larger.number == smaller.number + 1
        assert larger.min_sz == smaller.max_sz < larger.max_sz
        assert larger.lever_max < smaller.lever_max
        assert larger.mmr > smaller.mmr
        assert larger.imr > smaller.imr


def test_the_largest_size_falls_with_leverage() -> None:
    swap = listed(LISTING, "BTC-USDT-SWAP")
    assert size_max(swap, Decimal(100)) == 5_000
    assert size_max(swap, Decimal(51)) == 5_000
    assert size_max(swap, Decimal(50)) == 10_000
    assert size_max(swap, Decimal(101)) == 0
