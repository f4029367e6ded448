from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_simulator.account.valuation import average, fee_rate, initial_margin, profit, worth
from okx_simulator.market.listing import Listing
from tests.support.trading_floor import START_MS, listed

LISTING = Listing(START_MS)
LINEAR, INVERSE = listed(LISTING, "BTC-USDT-SWAP"), listed(LISTING, "BTC-USD-SWAP")
OPTION, PAIR = listed(LISTING, "BTC-USD-261225-90000-C"), listed(LISTING, "BTC-USDT")
PRICES = st.integers(1_000, 1_000_000).map(Decimal)
SIZES = st.integers(1, 10_000).map(Decimal)


def test_worth_of_each_kind() -> None:
    assert worth(PAIR, Decimal("0.5"), Decimal(100_000)) == 50_000
    assert worth(LINEAR, Decimal(3), Decimal(100_000)) == 3_000
    assert worth(INVERSE, Decimal(50), Decimal(100_000)) == Decimal("0.05")
    assert worth(OPTION, Decimal(10), Decimal("0.02")) == Decimal("0.002")


@given(SIZES, PRICES, PRICES)
def test_long_and_short_gain_what_the_other_loses(
    sz: Decimal, entry: Decimal, leave: Decimal
) -> None:
    for instrument in (LINEAR, INVERSE, OPTION):
        gained = profit(instrument, sz, entry, leave)
        assert gained == -profit(instrument, -sz, entry, leave)
        assert (gained > 0) == (leave > entry)


@given(SIZES, PRICES, SIZES, PRICES)
def test_an_average_is_worth_its_parts(
    first: Decimal, low: Decimal, second: Decimal, high: Decimal
) -> None:
    for instrument in (LINEAR, INVERSE):
        mean = average(instrument, first, low, second, high)
        assert min(low, high) <= round(mean, 12) <= max(low, high)
        parts = worth(instrument, first, low) + worth(instrument, second, high)
        assert float(worth(instrument, first + second, mean)) == pytest.approx(float(parts))


def test_margin_is_worth_by_leverage_and_premium_for_options() -> None:
    px = Decimal(100_000)
    assert initial_margin(LINEAR, Decimal(10), px, Decimal(5), is_buy=True) == 2_000
    assert initial_margin(INVERSE, Decimal(10), px, Decimal(5), is_buy=False) == Decimal("0.002")
    premium = Decimal("0.02")
    assert initial_margin(OPTION, Decimal(10), premium, Decimal(1), is_buy=True) == Decimal("0.002")
    assert initial_margin(OPTION, Decimal(10), premium, Decimal(1), is_buy=False) == (
        Decimal("0.015")
    )


def test_takers_pay_more_than_makers() -> None:
    for instrument in (PAIR, LINEAR, OPTION):
        assert fee_rate(instrument, is_taker=True) > fee_rate(instrument, is_taker=False) > 0
