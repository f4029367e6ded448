from typing import Any

import pytest

from okx_simulator.error_code import RefusedError
from tests.support.trading_floor import OTHER, SWAP, Floor

STOP = {"instId": SWAP, "tdMode": "cross", "side": "sell", "sz": "1"}
STOP |= {"ordType": "conditional", "slTriggerPx": "50000", "slOrdPx": "-1"}
DOCUMENTED_ALGO = {
    *("activePx", "actualPx", "actualSide", "actualSz", "algoClOrdId", "algoId"),
    *("amendPxOnTriggerType", "attachAlgoOrds", "cTime", "callbackRatio", "callbackSpread", "ccy"),
    *("chaseType", "chaseVal", "clOrdId", "closeFraction", "failCode", "instId", "instType"),
    *("isTradeBorrowMode", "last", "lever", "linkedOrd", "maxChaseType", "maxChaseVal"),
    *("moveTriggerPx", "ordId", "ordIdList", "ordPx", "ordType", "posSide", "pxLimit", "pxSpread"),
    *("pxVar", "quickMgnType", "reduceOnly", "side", "slOrdPx", "slTriggerPx", "slTriggerPxType"),
    *("state", "sz", "szLimit", "tag", "tdMode", "tgtCcy", "timeInterval", "tpOrdPx"),
    *("tpTriggerPx", "tpTriggerPxType", "tradeQuoteCcy", "triggerPx", "triggerPxType"),
    *("triggerTime", "uTime"),
}


@pytest.fixture
def floor() -> Floor:
    return Floor()


def place(floor: Floor, **given: Any) -> str:
    return str(floor.post("/trade/order-algo", **STOP | given)[0]["algoId"])


def code_of(floor: Floor, path: str, **params: str) -> str:
    with pytest.raises(RefusedError) as refused:
        floor.get(f"/trade/{path}", **params)
    return refused.value.code


def test_an_algo_order_has_every_documented_key(floor: Floor) -> None:
    algo_id = place(floor, algoClOrdId="a1")
    (by_id,) = floor.get("/trade/order-algo", algoId=algo_id)
    assert set(by_id) >= DOCUMENTED_ALGO
    assert floor.get("/trade/order-algo", algoClOrdId="a1") == [by_id]
    assert by_id["state"] == "live"


def test_what_is_not_found(floor: Floor) -> None:
    algo_id = place(floor)
    assert code_of(floor, "order-algo") == "50015"
    assert code_of(floor, "order-algo", algoId="1") == "51603"
    with pytest.raises(RefusedError, match="51603"):
        floor.get("/trade/order-algo", OTHER, algoId=algo_id)


def test_pending_ones_are_listed_by_type(floor: Floor) -> None:
    first, second = place(floor), place(floor)
    third = place(floor, ordType="trigger", triggerPx="50000", orderPx="-1", slTriggerPx="")

    def found(**params: str) -> list[str]:
        return [row["algoId"] for row in floor.get("/trade/orders-algo-pending", **params)]

    assert found(ordType="conditional,oco") == [second, first]
    assert found(ordType="trigger") == [third]
    assert found(ordType="conditional", after=second) == [first]
    assert found(ordType="conditional", instId="ETH-USDT-SWAP") == []
    assert code_of(floor, "orders-algo-pending") == "50014"


def test_done_ones_are_found_by_state_or_id(floor: Floor) -> None:
    algo_id = place(floor)
    floor.post("/trade/cancel-algos", instId=SWAP, algoId=algo_id)
    how = {"ordType": "conditional"}
    (row,) = floor.get("/trade/orders-algo-history", state="canceled", **how)
    assert (row["algoId"], row["state"]) == (algo_id, "canceled")
    assert floor.get("/trade/orders-algo-history", algoId=algo_id, **how) == [row]
    assert floor.get("/trade/orders-algo-history", state="effective", **how) == []
    assert code_of(floor, "orders-algo-history", **how) == "51602"
    assert code_of(floor, "orders-algo-history", state="canceled", algoId="1", **how) == "51601"
    assert code_of(floor, "orders-algo-history", state="live", **how) == "51000"
    floor.wait(91 * 86_400)
    assert floor.get("/trade/orders-algo-history", state="canceled", **how) == []
