from typing import Any

import pytest

from okx_simulator.algo.desk import LIVE_MAX
from okx_simulator.event import AlgoUpdated
from tests.support.trading_floor import SPOT, SWAP, Floor, settings


@pytest.fixture
def floor() -> Floor:
    floor = Floor()
    floor.move(SWAP, 100_000)
    return floor


def algo(floor: Floor, **given: Any) -> str:
    written = {"instId": SWAP, "tdMode": "cross", "side": "sell", "sz": "1"}
    (row,) = floor.post("/trade/order-algo", **written | given)
    assert row["sCode"] == "0", row
    return str(row["algoId"])


def look(floor: Floor, algo_id: str) -> dict[str, Any]:
    (row,) = floor.get("/trade/order-algo", algoId=algo_id)
    found: dict[str, Any] = row
    return found


def pushes(floor: Floor, algo_id: str) -> list[dict[str, Any]]:
    told = [event.row for event in floor.events if isinstance(event, AlgoUpdated)]
    return [row for row in told if row["algoId"] == algo_id]


STOP = {"ordType": "conditional", "slTriggerPx": "95000", "slOrdPx": "-1"}
BOTH = {"ordType": "oco", "tpTriggerPx": "105000", "tpOrdPx": "-1"}
BOTH |= {"slTriggerPx": "95000", "slOrdPx": "-1"}


def test_a_stop_waits_and_then_sells_at_market(floor: Floor) -> None:
    floor.place("buy", "market", instId=SWAP, tdMode="cross", sz="1")
    stop = algo(floor, **STOP, algoClOrdId="stop1", reduceOnly=True)
    floor.move(SWAP, 96_000)
    assert look(floor, stop)["state"] == "live"
    floor.move(SWAP, 94_900)
    floor.wait(5)
    done = look(floor, stop)
    assert (done["state"], done["actualSide"], done["actualSz"]) == ("effective", "sl", "1")
    order = floor.look(done["ordId"])
    assert (order["state"], order["source"], order["algoId"]) == ("filled", "7", stop)
    assert order["algoClOrdId"] == "stop1"
    assert floor.get("/account/positions") == []
    assert [row["state"] for row in pushes(floor, stop)] == ["live", "effective"]


@pytest.mark.parametrize(("price", "side"), [(105_200, "tp"), (94_800, "sl")])
def test_of_two_legs_one_fires(floor: Floor, price: int, side: str) -> None:
    floor.place("buy", "market", instId=SWAP, tdMode="cross", sz="1")
    both = algo(floor, **BOTH, reduceOnly="true")
    floor.move(SWAP, price)
    floor.wait(5)
    assert look(floor, both)["actualSide"] == side


def test_a_leg_can_order_at_a_limit(floor: Floor) -> None:
    limit = algo(floor, **STOP | {"slOrdPx": "95500"})
    floor.move(SWAP, 94_900)
    floor.wait(5)
    order = floor.look(look(floor, limit)["ordId"])
    assert (order["ordType"], order["px"], order["state"]) == ("limit", "95500", "live")


@pytest.mark.parametrize(("trigger", "price"), [("99000", 98_900), ("101000", 101_100)])
def test_a_trigger_fires_from_either_side(floor: Floor, trigger: str, price: int) -> None:
    waits = algo(floor, ordType="trigger", triggerPx=trigger, orderPx="-1", side="buy")
    floor.wait(1)
    assert look(floor, waits)["state"] == "live"
    floor.move(SWAP, price)
    floor.wait(5)
    assert floor.look(look(floor, waits)["ordId"])["source"] == "6"


def test_mark_and_index_can_trigger(floor: Floor) -> None:
    by_mark = algo(floor, ordType="trigger", triggerPx="99000", orderPx="-1", triggerPxType="mark")
    by_index = algo(
        floor, ordType="trigger", triggerPx="99000", orderPx="-1", triggerPxType="index"
    )
    floor.move(SWAP, 98_900)
    assert {look(floor, one)["state"] for one in (by_mark, by_index)} == {"effective"}


def test_a_trailing_stop_follows_and_fires_when_the_price_turns(floor: Floor) -> None:
    trail = algo(floor, ordType="move_order_stop", callbackSpread="1000")
    floor.move(SWAP, 102_000)
    floor.wait(5)
    stop_px = float(look(floor, trail)["moveTriggerPx"])
    assert 100_900 < stop_px < 101_200
    floor.move(SWAP, 101_500)
    floor.wait(5)
    assert look(floor, trail)["state"] == "live"
    floor.move(SWAP, stop_px - 50)
    floor.wait(5)
    done = look(floor, trail)
    assert floor.look(done["ordId"])["source"] == "25"


def test_a_trailing_stop_waits_for_its_activation(floor: Floor) -> None:
    trail = algo(
        floor, ordType="move_order_stop", callbackRatio="0.01", activePx="103000", side="sell"
    )
    floor.move(SWAP, 98_000)
    floor.wait(5)
    assert (look(floor, trail)["state"], look(floor, trail)["moveTriggerPx"]) == ("live", "")
    floor.move(SWAP, 103_100)
    floor.wait(5)
    assert float(look(floor, trail)["moveTriggerPx"]) == pytest.approx(102_069, rel=1e-3)


def test_what_cannot_be_ordered_when_it_fires_has_failed() -> None:
    floor = Floor(settings(balances={"USDT": 10}))
    floor.move(SWAP, 100_000)
    poor = algo(floor, **STOP)
    floor.move(SWAP, 94_900)
    floor.wait(5)
    done = look(floor, poor)
    assert (done["state"], done["failCode"], done["ordIdList"]) == ("order_failed", "51008", [])


def test_attached_legs_come_to_life_with_the_fill(floor: Floor) -> None:
    attached = [{"attachAlgoClOrdId": "a1", "tpTriggerPx": "105000", "tpOrdPx": "-1"}]
    attached[0] |= {"slTriggerPx": "95000", "slOrdPx": "-1"}
    how: dict[str, Any] = {"instId": SWAP, "tdMode": "cross", "sz": "2", "attachAlgoOrds": attached}
    order = floor.place("buy", "limit", px="99000", **how)
    (shown,) = order["attachAlgoOrds"]
    assert (shown["attachAlgoClOrdId"], shown["tpTriggerPx"]) == ("a1", "105000")
    assert floor.get("/trade/orders-algo-pending", ordType="oco") == []
    floor.move(SWAP, 98_900)
    (armed,) = floor.get("/trade/orders-algo-pending", ordType="oco")
    assert (armed["algoId"], armed["algoClOrdId"]) == (shown["attachAlgoId"], "a1")
    assert (armed["side"], armed["sz"], armed["reduceOnly"]) == ("sell", "2", "true")
    assert armed["linkedOrd"] == {"ordId": order["ordId"]}
    floor.move(SWAP, 105_200)
    floor.wait(5)
    assert look(floor, armed["algoId"])["actualSide"] == "tp"
    assert floor.get("/account/positions") == []


def test_attached_legs_of_a_pair_sell_what_the_fee_left(floor: Floor) -> None:
    attached = [{"slTriggerPx": "90000", "slOrdPx": "-1"}]
    order = floor.place("buy", "market", sz="0.01", tgtCcy="base_ccy", attachAlgoOrds=attached)
    assert order["state"] == "filled"
    (armed,) = floor.get("/trade/orders-algo-pending", ordType="conditional")
    assert (armed["instId"], armed["sz"], armed["tgtCcy"]) == (SPOT, "0.00999", "base_ccy")


def test_nothing_comes_to_life_without_a_fill(floor: Floor) -> None:
    attached = [{"slTriggerPx": "90000", "slOrdPx": "-1"}]
    order = floor.place("buy", "limit", px="99000", attachAlgoOrds=attached)
    floor.exchange.cancel("1", [{"instId": SPOT, "ordId": order["ordId"]}])
    assert floor.get("/trade/orders-algo-pending", ordType="conditional") == []


def test_closing_all_closes_the_position_of_then(floor: Floor) -> None:
    floor.place("buy", "market", instId=SWAP, tdMode="cross", sz="1")
    close = algo(floor, **STOP, sz="", closeFraction="1", reduceOnly=True)
    floor.place("buy", "market", instId=SWAP, tdMode="cross", sz="2")
    floor.move(SWAP, 94_900)
    floor.wait(5)
    assert look(floor, close)["actualSz"] == "3"
    assert floor.get("/account/positions") == []


def test_what_goes_with_a_position_ends_with_it(floor: Floor) -> None:
    floor.place("buy", "market", instId=SWAP, tdMode="cross", sz="1")
    ends = algo(floor, **STOP, cxlOnClosePos=True, reduceOnly=True)
    stays = algo(floor, **STOP)
    floor.place("sell", "market", instId=SWAP, tdMode="cross", sz="1")
    assert look(floor, ends)["state"] == "canceled"
    assert look(floor, stays)["state"] == "live"


def test_live_orders_of_a_type_are_bounded(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LIVE_MAX, "trigger", 1)
    how = {"ordType": "trigger", "triggerPx": "99000", "orderPx": "-1", "side": "buy"}
    algo(floor, **how)
    written = {"instId": SWAP, "tdMode": "cross", "sz": "1"}
    (row,) = floor.post("/trade/order-algo", **written | how)
    assert row["sCode"] == "51299"
