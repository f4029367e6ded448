import pytest

from okx_simulator.market.instrument import Instrument
from okx_simulator.market.market import Market
from tests.support.trading_floor import START_MS

MARKET = Market(7, START_MS)


@pytest.mark.parametrize("instrument", MARKET.listing.all(), ids=lambda one: one.inst_id)
def test_prices_are_in_order_and_on_the_grid(instrument: Instrument) -> None:
    quote = MARKET.quote(instrument)
    assert 0 < quote.bid < quote.ask
    assert quote.lowest_sell <= quote.bid <= quote.mark <= quote.ask <= quote.highest_buy
    for px in (quote.bid, quote.ask, quote.mark, quote.highest_buy, quote.lowest_sell):
        assert px % instrument.tick_sz == 0


def test_futures_cost_more_the_later_they_expire() -> None:
    futures = sorted(MARKET.listing.all("FUTURES", "BTC-USDT"), key=lambda one: one.expiry_ms)
    marks = [MARKET.quote(future).mark for future in futures]
    assert marks == sorted(marks)
    assert marks[0] > MARKET.quote(futures[0]).index


def test_calls_are_worth_less_the_higher_the_strike_and_puts_more() -> None:
    options = [one for one in MARKET.listing.all("OPTION", "BTC-USD") if "261225" in one.inst_id]
    for kind, sign in (("C", -1), ("P", 1)):
        chain = sorted((one for one in options if one.opt_type == kind), key=lambda one: one.strike)
        marks = [sign * MARKET.quote(one).mark for one in chain]
        assert marks == sorted(marks)
        assert len(marks) == 3
