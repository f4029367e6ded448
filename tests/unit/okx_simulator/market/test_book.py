from itertools import islice, pairwise

import pytest

from okx_simulator.market.book import LEVELS_MAX, strangers, typical_lots
from okx_simulator.market.instrument import Instrument
from okx_simulator.market.market import Market
from tests.support.trading_floor import START_MS, listed

MARKET = Market(7, START_MS)


@pytest.mark.parametrize("buying", [True, False])
@pytest.mark.parametrize("instrument", MARKET.listing.all(), ids=lambda one: one.inst_id)
def test_levels_go_from_the_touch_outwards(instrument: Instrument, *, buying: bool) -> None:
    quote = MARKET.quote(instrument)
    levels = list(strangers(7, 0, instrument, quote, buying=buying))
    assert levels[0].price == (quote.bid if buying else quote.ask)
    for nearer, farther in pairwise(levels):
        assert (nearer.price > farther.price) == buying
        assert nearer.price != farther.price
    for level in levels:
        assert level.price > 0
        assert level.price % instrument.tick_sz == 0
        assert level.size > 0
        assert level.size % instrument.lot_sz == 0
        assert level.orders >= 1
    assert len(levels) == LEVELS_MAX or levels[-1].price < 2 * 400 * instrument.tick_sz


def test_two_steps_apart_few_levels_differ() -> None:
    spot = listed(MARKET.listing, "BTC-USDT")
    quote = MARKET.quote(spot)
    first = list(strangers(7, 10, spot, quote, buying=True))
    second = list(strangers(7, 11, spot, quote, buying=True))
    assert 0 < sum(one != other for one, other in zip(first, second, strict=True)) < 40
    assert first == list(strangers(7, 10, spot, quote, buying=True))


def test_seeds_make_different_books() -> None:
    spot = listed(MARKET.listing, "BTC-USDT")
    quote = MARKET.quote(spot)
    tops = [list(islice(strangers(seed, 0, spot, quote, buying=True), 5)) for seed in range(3)]
    assert tops[0] != tops[1] != tops[2]


def test_a_level_is_worth_about_the_same_everywhere() -> None:
    for instrument in MARKET.listing.all():
        assert typical_lots(instrument) >= 2
