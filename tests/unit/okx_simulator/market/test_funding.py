from decimal import Decimal

from okx_simulator.market.funding import PERIOD_MS, funding_row, next_funding_ms, past_row, rate_at
from okx_simulator.market.market import Market
from tests.support.trading_floor import START_MS, listed

MARKET = Market(7, START_MS)
SWAP = listed(MARKET.listing, "BTC-USDT-SWAP")


def test_funding_is_paid_every_eight_hours() -> None:
    due_ms = next_funding_ms(START_MS)
    assert START_MS < due_ms <= START_MS + PERIOD_MS
    assert due_ms % PERIOD_MS == 0
    assert next_funding_ms(due_ms) == due_ms + PERIOD_MS


def test_the_row_tells_the_rate_to_come_and_the_last_one() -> None:
    row, due_ms = funding_row(MARKET, SWAP), next_funding_ms(START_MS)
    assert Decimal(row["fundingRate"]) == rate_at(MARKET, SWAP, due_ms)
    assert Decimal(row["settFundingRate"]) == rate_at(MARKET, SWAP, due_ms - PERIOD_MS)
    assert (row["fundingTime"], row["nextFundingTime"]) == (str(due_ms), str(due_ms + PERIOD_MS))
    past = past_row(MARKET, SWAP, due_ms - PERIOD_MS)
    assert past["realizedRate"] == row["settFundingRate"]


def test_rates_differ_and_have_bounds() -> None:
    rates = [rate_at(MARKET, SWAP, period * PERIOD_MS) for period in range(200)]
    assert len(set(rates)) > 190
    assert all(abs(rate) < Decimal("0.00375") for rate in rates)
    assert min(rates) < 0 < max(rates)
