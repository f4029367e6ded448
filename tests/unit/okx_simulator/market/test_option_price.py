from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_simulator.market.listing import Listing
from okx_simulator.market.option_price import greeks, price_at_volatility, volatility_of
from tests.support.trading_floor import START_MS

WEEK_MS = 7 * 86_400_000
SPOTS = st.floats(50_000, 200_000)


@given(SPOTS, st.integers(1, 50))
def test_a_call_less_a_put_is_the_underlying_less_the_strike(spot: float, weeks: int) -> None:
    call = greeks(spot, 100_000, weeks * WEEK_MS, is_call=True)
    put = greeks(spot, 100_000, weeks * WEEK_MS, is_call=False)
    assert call.value - put.value == pytest.approx((spot - 100_000) / spot, abs=1e-9)
    assert call.delta - put.delta == pytest.approx(1)
    assert call.gamma == pytest.approx(put.gamma)


@given(SPOTS)
def test_an_expired_option_is_worth_what_it_pays(spot: float) -> None:
    value = greeks(spot, 100_000, 0, is_call=True).value
    assert value == pytest.approx(max(0, (spot - 100_000) / spot), abs=1e-4)


def test_more_volatility_costs_more() -> None:
    option = Listing(START_MS).find("BTC-USD-261225-100000-C")
    assert option is not None
    prices = [
        price_at_volatility(option, Decimal(100_000), Decimal(share) / 10, WEEK_MS)
        for share in range(1, 10)
    ]
    assert prices == sorted(prices)
    assert len(set(prices)) == 9


def test_volatility_smiles() -> None:
    assert volatility_of(100_000, 100_000) < volatility_of(100_000, 80_000)
    assert volatility_of(100_000, 100_000) < volatility_of(100_000, 130_000)
