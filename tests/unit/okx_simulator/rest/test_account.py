from decimal import Decimal

import pytest

from okx_simulator.error_code import RefusedError
from tests.support.trading_floor import OTHER, SPOT, SWAP, Floor, settings

DOCUMENTED_POSITION = {
    *("adl", "availPos", "avgPx", "baseBal", "baseBorrowed", "baseInterest", "bePx", "bizRefId"),
    *("bizRefType", "cTime", "ccy", "clSpotInUseAmt", "closeOrderAlgo", "deltaBS", "deltaPA"),
    *("fee", "fundingFee", "gammaBS", "gammaPA", "idxPx", "imr", "instId", "instType", "interest"),
    *("last", "lever", "liab", "liabCcy", "liqPenalty", "liqPx", "margin", "markPx"),
    *("maxSpotInUseAmt", "mgnMode", "mgnRatio", "mmr", "nonSettleAvgPx", "notionalUsd", "optVal"),
    *("pendingCloseOrdLiabVal", "pnl", "pos", "posCcy", "posId", "posSide", "quoteBal"),
    *("quoteBorrowed", "quoteInterest", "realizedPnl", "settledPnl", "spotInUseAmt"),
    *("spotInUseCcy", "thetaBS", "thetaPA", "tradeId", "uTime", "upl", "uplLastPx", "uplRatio"),
    *("uplRatioLastPx", "usdPx", "vegaBS", "vegaPA"),
}


@pytest.fixture
def floor() -> Floor:
    floor = Floor()
    floor.move(SPOT, 100_000)
    return floor


def test_a_position_has_every_documented_key(floor: Floor) -> None:
    floor.place("buy", "market", instId=SWAP, tdMode="cross", sz="2")
    (position,) = floor.get("/account/positions")
    assert set(position) >= DOCUMENTED_POSITION
    assert float(position["notionalUsd"]) == pytest.approx(2_000, rel=1e-3)
    assert floor.get("/account/positions", instId=SPOT) == []
    assert floor.get("/account/positions", posId=position["posId"]) == [position]
    assert floor.get("/account/positions", instType="OPTION") == []


def test_the_profit_follows_the_mark(floor: Floor) -> None:
    floor.place("sell", "market", instId=SWAP, tdMode="cross", sz="10")
    floor.move(SWAP, 99_000)
    (position,) = floor.get("/account/positions")
    gained = (Decimal(position["avgPx"]) - 99_000) / 10
    assert Decimal(position["upl"]) == gained
    assert float(position["uplRatio"]) == pytest.approx(float(gained) * 3 / 10_000, rel=1e-2)


def test_the_configuration_is_that_of_the_account() -> None:
    floor = Floor(settings(main_uid="9", account_level="3", stp_mode="cancel_both"))
    (row,) = floor.get("/account/config")
    assert (row["uid"], row["mainUid"], row["type"]) == ("1", "9", "1")
    assert (row["acctLv"], row["acctStpMode"], row["level"]) == ("3", "cancel_both", "Lv1")
    assert row["autoLoan"] is False


def test_bills_tell_every_change(floor: Floor) -> None:
    order = floor.place("buy", "market", sz="100")
    bills = floor.get("/account/bills")
    assert {bill["ccy"] for bill in bills} == {"BTC", "USDT"}
    for bill in bills:
        assert (bill["type"], bill["subType"], bill["ordId"]) == ("2", "1", order["ordId"])
        assert Decimal(bill["bal"]) == floor.cash(bill["ccy"])
    (spent,) = floor.get("/account/bills", ccy="USDT")
    assert Decimal(spent["balChg"]) < 0
    assert floor.get("/account/bills", type="8") == []
    assert floor.get("/account/bills", OTHER) == []
    floor.wait(7 * 86_400 + 1)
    assert floor.get("/account/bills") == []
    assert len(floor.get("/account/bills-archive", instType="SPOT")) == len(bills)


def test_fees_are_those_that_are_charged(floor: Floor) -> None:
    (row,) = floor.get("/account/trade-fee", instType="SPOT")
    assert (row["taker"], row["maker"]) == ("-0.001", "-0.0008")
    (row,) = floor.get("/account/trade-fee", instType="SWAP")
    assert (row["takerU"], row["makerU"]) == ("-0.0005", "-0.0002")
    order = floor.place("buy", "market", instId=SWAP, tdMode="cross", sz="1")
    worth = Decimal(order["avgPx"]) / 100
    assert Decimal(order["fee"]) == -worth * Decimal("0.0005")


def test_risk_is_told(floor: Floor) -> None:
    floor.place("buy", "market", instId=SWAP, tdMode="cross", sz="1")
    (row,) = floor.get("/account/account-position-risk")
    assert {balance["ccy"] for balance in row["balData"]} == {"USDT", "BTC", "ETH"}
    assert [position["instId"] for position in row["posData"]] == [SWAP]
    with pytest.raises(RefusedError, match="51010"):
        floor.get("/account/risk-state")
    (state,) = Floor(settings(account_level="4")).get("/account/risk-state")
    assert state["atRisk"] is False


def test_closed_positions_page_by_time(floor: Floor) -> None:
    for _ in range(3):
        floor.place("buy", "market", instId=SWAP, tdMode="cross", sz="1")
        floor.post("/trade/close-position", instId=SWAP, mgnMode="cross")
        floor.wait(1)
    newest, middle, oldest = floor.get("/account/positions-history")
    assert floor.get("/account/positions-history", after=newest["uTime"]) == [middle, oldest]
    assert floor.get("/account/positions-history", before=middle["uTime"]) == [newest]
    assert floor.get("/account/positions-history", mgnMode="isolated") == []
