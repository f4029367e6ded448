import pytest

from okx_simulator.error_code import RefusedError
from tests.support.trading_floor import MINE, OTHER, SPOT, SWAP, Floor, settings

DOCUMENTED_ORDER = {
    *("accFillSz", "algoClOrdId", "algoId", "attachAlgoClOrdId", "attachAlgoOrds", "avgPx"),
    *("cTime", "cancelSource", "cancelSourceReason", "category", "ccy", "clOrdId", "fee", "feeCcy"),
    *("fillPx", "fillSz", "fillTime", "instId", "instType", "isTpLimit", "lever", "linkedAlgoOrd"),
    *("ordId", "ordType", "pnl", "posSide", "px", "pxType", "pxUsd", "pxVol", "quickMgnType"),
    *("rebate", "rebateCcy", "reduceOnly", "side", "slOrdPx", "slTriggerPx", "slTriggerPxType"),
    *("source", "state", "stpId", "stpMode", "sz", "tag", "tdMode", "tgtCcy", "tpOrdPx"),
    *("tpTriggerPx", "tpTriggerPxType", "tradeId", "tradeQuoteCcy", "uTime"),
}
DOCUMENTED_FILL = {
    *("instType", "instId", "tradeId", "ordId", "clOrdId", "billId", "subType", "tag", "fillPx"),
    *("fillSz", "fillIdxPx", "fillPnl", "fillPxVol", "fillPxUsd", "fillMarkVol", "fillFwdPx"),
    *("fillMarkPx", "side", "posSide", "execType", "feeCcy", "fee", "ts", "fillTime", "feeRate"),
    "tradeQuoteCcy",
}


@pytest.fixture
def floor() -> Floor:
    floor = Floor()
    floor.move(SPOT, 100_000)
    return floor


def code_of(floor: Floor, method: str, path: str, uid: str = MINE, **params: str) -> str:
    with pytest.raises(RefusedError) as refused:
        (floor.get if method == "GET" else floor.post)(path, uid, **params)
    return refused.value.code


def test_an_order_has_every_documented_key(floor: Floor) -> None:
    placed = floor.place("buy", "limit", px="99000", clOrdId="a1")
    for name in ({"ordId": placed["ordId"]}, {"clOrdId": "a1"}):
        (order,) = floor.get("/trade/order", instId=SPOT, **name)
        assert set(order) == DOCUMENTED_ORDER
        assert all(
            isinstance(value, str)
            for key, value in order.items()
            if key not in ("attachAlgoOrds", "linkedAlgoOrd")
        )


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"instId": SPOT}, "51003"),
        ({"instId": SPOT, "ordId": "1"}, "51603"),
        ({"instId": SPOT, "clOrdId": "none"}, "51603"),
        ({"ordId": "1"}, "50014"),
        ({"instId": "NO-SUCH", "ordId": "1"}, "51001"),
    ],
)
def test_what_is_not_found(floor: Floor, params: dict[str, str], code: str) -> None:
    assert code_of(floor, "GET", "/trade/order", **params) == code


def test_an_order_is_its_owners(floor: Floor) -> None:
    placed = floor.place("buy", "limit", px="99000")
    params = {"instId": SPOT, "ordId": placed["ordId"]}
    assert code_of(floor, "GET", "/trade/order", OTHER, **params) == "51603"
    assert floor.get("/trade/orders-pending", OTHER) == []


def test_lists_are_filtered(floor: Floor) -> None:
    floor.place("buy", "limit", px="99000", clOrdId="spot")
    floor.place("buy", "post_only", px="98000", clOrdId="shy")
    floor.place("buy", "limit", instId=SWAP, tdMode="cross", px="99000", sz="1", clOrdId="swap")

    def found(**params: str) -> list[str]:
        return [row["clOrdId"] for row in floor.get("/trade/orders-pending", **params)]

    assert found() == ["swap", "shy", "spot"]
    assert found(instType="SPOT") == ["shy", "spot"]
    assert found(instId=SWAP) == found(instFamily="BTC-USDT") == ["swap"]
    assert found(ordType="post_only,fok") == ["shy"]
    assert found(state="partially_filled") == []
    assert found(limit="1") == ["swap"]
    after = floor.get("/trade/orders-pending", limit="1")[0]["ordId"]
    assert found(after=after) == ["shy", "spot"]


def test_histories_need_a_type(floor: Floor) -> None:
    for path in ("orders-history", "orders-history-archive", "fills-history"):
        assert code_of(floor, "GET", f"/trade/{path}") == "50014"
    assert floor.get("/trade/fills") == []


def test_fills_have_every_documented_key_and_page_by_bill(floor: Floor) -> None:
    floor.place("buy", "market", sz="100", clOrdId="f1")
    floor.place("sell", "market", sz="0.001", clOrdId="f2")
    newest, oldest = floor.get("/trade/fills")
    assert set(newest) == DOCUMENTED_FILL
    assert (newest["clOrdId"], newest["feeCcy"], newest["subType"]) == ("f2", "USDT", "2")
    assert newest["feeRate"] == "-0.001"
    assert floor.get("/trade/fills", after=newest["billId"]) == [oldest]
    assert floor.get("/trade/fills", ordId=oldest["ordId"]) == [oldest]
    assert floor.get("/trade/fills", begin=str(floor.clock.now_ms() + 1)) == []
    floor.wait(3 * 86_400 + 1)
    assert floor.get("/trade/fills") == []
    assert len(floor.get("/trade/fills-history", instType="SPOT")) == 2


def test_silence_timers_answer_in_seconds(floor: Floor) -> None:
    (row,) = floor.post("/trade/cancel-all-after", timeOut="60", tag="t")
    now_s = floor.clock.now_ms() // 1_000
    assert row == {"triggerTime": str(now_s + 60), "ts": str(now_s), "tag": "t"}
    (row,) = floor.post("/trade/cancel-all-after", timeOut="0", tag="t")
    assert row["triggerTime"] == "0"
    assert code_of(floor, "POST", "/trade/cancel-all-after") == "50014"
    assert code_of(floor, "POST", "/trade/cancel-all-after", timeOut="5") == "51000"


def test_mass_cancel_is_for_portfolio_margin() -> None:
    floor = Floor(settings(account_level="4"))
    option = {"instId": "BTC-USD-261225-100000-C", "tdMode": "cross", "px": "0.03", "sz": "1"}
    protected = floor.place("buy", "mmp", **option)
    other = floor.place("buy", "limit", **option)
    params = {"instType": "OPTION", "instFamily": "BTC-USD"}
    assert floor.post("/trade/mass-cancel", **params) == [{"result": True}]
    assert floor.look(protected["ordId"])["state"] == "canceled"
    assert floor.look(other["ordId"])["state"] == "live"
    assert code_of(Floor(), "POST", "/trade/mass-cancel", **params) == "51411"
    assert code_of(floor, "POST", "/trade/mass-cancel", instType="OPTION") == "50014"


def test_rate_figures_are_empty_below_vip5(floor: Floor) -> None:
    (row,) = floor.get("/trade/account-rate-limit")
    assert row.pop("ts") == str(floor.clock.now_ms())
    assert set(row.values()) == {""}
