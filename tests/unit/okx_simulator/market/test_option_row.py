from okx_simulator.market.market import Market
from okx_simulator.market.option_row import option_row
from tests.support.trading_floor import START_MS, listed


def test_greeks_are_in_coins_and_in_usd() -> None:
    market = Market(7, START_MS)
    option = listed(market.listing, "BTC-USD-261225-100000-C")
    row = option_row(market, option)
    assert 0.4 < float(row["deltaBS"]) < 0.7
    assert float(row["delta"]) < float(row["deltaBS"])
    assert float(row["vegaBS"]) > float(row["vega"]) > 0
    assert float(row["bidVol"]) < float(row["markVol"]) < float(row["askVol"])
    assert (row["instId"], row["uly"]) == (option.inst_id, "BTC-USD")
