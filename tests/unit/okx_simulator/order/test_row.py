from decimal import Decimal

from tests.support.trading_floor import SPOT, SWAP, Floor

DOCUMENTED_PUSH = {
    *("instType", "instId", "tgtCcy", "ccy", "ordId", "clOrdId", "tag", "px", "pxUsd", "pxVol"),
    *("pxType", "sz", "notionalUsd", "ordType", "side", "posSide", "tdMode", "fillPx", "tradeId"),
    *("fillSz", "fillPnl", "fillTime", "fillFee", "fillFeeCcy", "fillPxVol", "fillPxUsd"),
    *("fillMarkVol", "fillFwdPx", "fillMarkPx", "fillIdxPx", "execType", "accFillSz"),
    *("fillNotionalUsd", "avgPx", "state", "lever", "attachAlgoClOrdId", "tpTriggerPx"),
    *("tpTriggerPxType", "tpOrdPx", "slTriggerPx", "slTriggerPxType", "slOrdPx", "attachAlgoOrds"),
    *("linkedAlgoOrd", "stpId", "stpMode", "feeCcy", "fee", "rebateCcy", "rebate", "pnl"),
    *("source", "cancelSource", "amendSource", "category", "isTpLimit", "uTime", "cTime", "reqId"),
    *("amendResult", "reduceOnly", "quickMgnType", "algoClOrdId", "algoId", "lastPx", "code"),
    *("msg", "tradeQuoteCcy", "cancelSourceReason"),
}


def test_a_push_has_every_documented_key() -> None:
    floor = Floor()
    for push in floor.pushes(floor.place("buy", "market", sz="100")["ordId"]):
        assert set(push) == DOCUMENTED_PUSH


def test_a_push_tells_this_fill_and_the_order_the_last_one() -> None:
    floor = Floor()
    order = floor.place("buy", "market", sz="500000")
    fills = [push for push in floor.pushes(order["ordId"]) if push["tradeId"]]
    assert len(fills) > 1
    total = sum(Decimal(push["fillSz"]) for push in fills)
    assert total == Decimal(order["accFillSz"])
    assert sum(Decimal(push["fillFee"]) for push in fills) == Decimal(order["fee"])
    assert order["tradeId"] == fills[-1]["tradeId"]
    worth = sum(Decimal(push["fillSz"]) * Decimal(push["fillPx"]) for push in fills)
    assert Decimal(order["avgPx"]) == round(Decimal(worth) / Decimal(total), 12)
    growing = [Decimal(push["accFillSz"]) for push in fills]
    assert growing == sorted(growing)


def test_worth_is_told_in_usd() -> None:
    floor = Floor()
    floor.move(SPOT, 100_000)
    spot = floor.pushes(floor.place("buy", "limit", px="96000", sz="0.5")["ordId"])[0]
    assert 47_500 < float(spot["notionalUsd"]) < 52_500
    market = floor.pushes(floor.place("buy", "market", sz="250")["ordId"])[0]
    assert market["notionalUsd"] == "250"
    how = {"instId": SWAP, "tdMode": "cross"}
    swap = floor.pushes(floor.place("buy", "limit", px="96000", sz="3", **how)["ordId"])[0]
    assert 2_850 < float(swap["notionalUsd"]) < 3_150
    inverse = floor.place("buy", "limit", instId="BTC-USD-SWAP", tdMode="cross", px="96000", sz="7")
    assert 665 < float(floor.pushes(inverse["ordId"])[0]["notionalUsd"]) < 735
