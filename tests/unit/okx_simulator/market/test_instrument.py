import pytest

from okx_simulator.market.instrument import DERIVATIVES, Instrument
from okx_simulator.market.listing import Listing
from tests.support.trading_floor import INVERSE, SPOT, START_MS, SWAP, listed

LISTING = Listing(START_MS)
DOCUMENTED = {
    *("alias", "auctionEndTime", "baseCcy", "category", "contTdSwTime", "ctMult", "ctType"),
    *("ctVal", "ctValCcy", "expTime", "futureSettlement", "instFamily", "instId", "instIdCode"),
    *("instType", "lever", "listTime", "lotSz", "maxIcebergSz", "maxLmtAmt", "maxLmtSz"),
    *("maxMktAmt", "maxMktSz", "maxPlatOILmt", "maxStopSz", "maxTriggerSz", "maxTwapSz", "minSz"),
    *("openType", "optType", "posLmtAmt", "posLmtPct", "preMktSwTime", "quoteCcy", "ruleType"),
    *("settleCcy", "state", "stk", "tickSz", "tradeQuoteCcyList", "uly"),
}


@pytest.mark.parametrize(
    ("inst_id", "inst_type", "money", "inverse"),
    [
        (SPOT, "SPOT", "USDT", False),
        (SPOT, "MARGIN", "USDT", False),
        (SWAP, "SWAP", "USDT", False),
        (INVERSE, "SWAP", "BTC", True),
        ("BTC-USD-261225-90000-C", "OPTION", "BTC", False),
    ],
)
def test_what_a_trade_is_paid_in(inst_id: str, inst_type: str, money: str, inverse: object) -> None:
    instrument = listed(LISTING, inst_id, inst_type)
    assert (instrument.money_ccy, instrument.is_inverse) == (money, inverse)
    assert instrument.is_contract == (inst_type in DERIVATIVES)


@pytest.mark.parametrize("instrument", LISTING.all(), ids=lambda one: one.inst_id)
def test_rows_have_every_documented_key(instrument: Instrument) -> None:
    row = instrument.row()
    assert set(row) >= DOCUMENTED
    is_pair = row["instType"] in ("SPOT", "MARGIN")
    assert (row["baseCcy"] != "") == is_pair
    assert (row["settleCcy"] == "") == is_pair
    assert (row["ctVal"] == "") == is_pair
    assert (row["expTime"] != "") == (row["instType"] in ("FUTURES", "OPTION"))
    assert (row["stk"] != "") == (row["instType"] == "OPTION")
    assert (row["alias"] != "") == (row["instType"] == "FUTURES")
