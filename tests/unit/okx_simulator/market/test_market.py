from decimal import Decimal

import pytest

from okx_simulator.market.market import STEP_MS, Market
from tests.support.trading_floor import START_MS, listed


def test_prices_stand_still_within_a_step() -> None:
    market = Market(7, START_MS)
    spot = listed(market.listing, "BTC-USDT")
    assert not market.advance(START_MS + STEP_MS - 1)
    first = market.quote(spot)
    assert market.quote(spot) is first
    assert market.advance(START_MS + 50 * STEP_MS)
    assert market.quote(spot) != first
    assert market.now_ms == START_MS + 50 * STEP_MS
    assert market.quote_at(spot, START_MS) == first
    assert market.middle_at(spot, START_MS) == first.mark
    assert market.index_at(spot, START_MS) == first.index


@pytest.mark.parametrize("inst_id", ["BTC-USDT", "BTC-USD-SWAP", "BTC-USDT-261225", "ETH-BTC"])
def test_a_moved_instrument_stands_where_it_was_put(inst_id: str) -> None:
    market = Market(7, START_MS)
    market.advance(START_MS + 10_000)
    instrument = listed(market.listing, inst_id)
    wanted = market.quote(instrument).mark * 2
    market.move(instrument, wanted)
    assert market.mark(instrument) == wanted


def test_an_option_follows_its_underlying() -> None:
    market = Market(7, START_MS)
    option = market.listing.find("BTC-USD-261225-100000-C")
    future = market.listing.find("BTC-USD-SWAP")
    assert option is not None
    assert future is not None
    before = market.mark(option)
    with pytest.raises(ValueError, match="underlying"):
        market.move(option, Decimal(1))
    market.move(future, Decimal(120_000))
    assert market.mark(option) > before * 2


def test_currencies_have_a_price_in_usd() -> None:
    market = Market(7, START_MS)
    assert market.usd("USD") == market.usd("USDT") == 1
    assert market.usd("BTC") == 100_000
