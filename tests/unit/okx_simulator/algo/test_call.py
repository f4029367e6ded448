from typing import Any

import pytest

from tests.support.trading_floor import MINE, SPOT, SWAP, Floor

STOP = {"instId": SWAP, "tdMode": "cross", "side": "sell", "sz": "1"}
STOP |= {"ordType": "conditional", "slTriggerPx": "95000", "slOrdPx": "-1"}


@pytest.fixture
def floor() -> Floor:
    floor = Floor()
    floor.move(SWAP, 100_000)
    return floor


def place(floor: Floor, **given: Any) -> dict[str, Any]:
    (row,) = floor.exchange.place_algo(MINE, STOP | given).rows
    return row


def test_the_answer_names_the_algo_order(floor: Floor) -> None:
    row = place(floor, algoClOrdId="t1", tag="x")
    assert (row["algoClOrdId"], row["tag"], row["sCode"], row["clOrdId"]) == ("t1", "x", "0", "")
    assert row["algoId"].isdigit()
    refused = place(floor, algoClOrdId="t1")
    assert (refused["algoId"], refused["sCode"]) == ("", "51065")


def test_cancelling(floor: Floor) -> None:
    one, two = place(floor, algoClOrdId="t1"), place(floor)
    wanted = [
        {"instId": SWAP, "algoClOrdId": "t1"},
        {"instId": SWAP, "algoId": two["algoId"]},
        {"instId": SWAP, "algoId": "1"},
        {"instId": SWAP},
    ]
    rows = floor.exchange.cancel_algos(MINE, wanted).rows
    assert [row["sCode"] for row in rows] == ["0", "0", "51400", "50015"]
    assert rows[0]["algoId"] == one["algoId"]
    assert floor.exchange.cancel_algos(MINE, wanted[:1]).rows[0]["sCode"] == "51400"
    assert floor.exchange.cancel_algos(MINE, wanted * 3).code == "50025"
    (again,) = floor.exchange.place_algo(MINE, STOP | {"algoClOrdId": "t1"}).rows
    assert again["sCode"] == "0"


def test_what_has_fired_cannot_be_cancelled(floor: Floor) -> None:
    one = place(floor)
    floor.move(SWAP, 94_900)
    floor.wait(5)
    name = {"instId": SWAP, "algoId": one["algoId"]}
    assert floor.exchange.cancel_algos(MINE, [name]).rows[0]["sCode"] == "51416"


def test_amending(floor: Floor) -> None:
    name = {"instId": SWAP, "algoId": place(floor)["algoId"]}
    change = {"newSz": "2", "newSlTriggerPx": "94000", "newSlOrdPx": "93900", "reqId": "r1"}
    (row,) = floor.exchange.amend_algo(MINE, name | change).rows
    assert (row["sCode"], row["reqId"]) == ("0", "r1")
    (shown,) = floor.get("/trade/order-algo", algoId=name["algoId"])
    assert (shown["sz"], shown["slTriggerPx"], shown["slOrdPx"]) == ("2", "94000", "93900")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "51500"),
        ({"newSz": "0.001"}, "51007"),
        ({"newSlTriggerPx": "0"}, "51000"),
        ({"newSlOrdPx": "cheap"}, "51000"),
        ({"newSlTriggerPxType": "best"}, "51000"),
        ({"algoId": "1", "newSz": "2"}, "51527"),
    ],
)
def test_what_cannot_be_amended(floor: Floor, change: dict[str, str], code: str) -> None:
    name = {"instId": SWAP, "algoId": place(floor)["algoId"]}
    assert floor.exchange.amend_algo(MINE, name | change).rows[0]["sCode"] == code


def test_a_trailing_stop_cannot_be_amended(floor: Floor) -> None:
    trail = {"ordType": "move_order_stop", "callbackRatio": "0.01", "slTriggerPx": ""}
    name = {"instId": SWAP, "algoId": place(floor, **trail)["algoId"]}
    ack = floor.exchange.amend_algo(MINE, {**name, "newSz": "2"})
    assert ack.rows[0]["sCode"] == "51506"


def test_a_leg_of_two_can_be_taken_away(floor: Floor) -> None:
    both = {"ordType": "oco", "tpTriggerPx": "105000", "tpOrdPx": "-1"}
    name = {"instId": SWAP, "algoId": place(floor, **both)["algoId"]}
    floor.exchange.amend_algo(MINE, {**name, "newTpTriggerPx": "0"})
    (shown,) = floor.get("/trade/order-algo", algoId=name["algoId"])
    assert (shown["tpTriggerPx"], shown["slTriggerPx"]) == ("", "95000")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"instId": "NO-SUCH"}, "51001"),
        ({"ordType": "iceberg"}, "51000"),
        ({"side": ""}, "50014"),
        ({"slTriggerPx": ""}, "50015"),
        ({"slOrdPx": ""}, "50014"),
        ({"slTriggerPx": "100500"}, "51280"),
        ({"tpTriggerPx": "99500", "tpOrdPx": "-1", "slTriggerPx": ""}, "51279"),
        ({"side": "buy", "slTriggerPx": "99500"}, "51278"),
        ({"side": "buy", "tpTriggerPx": "100500", "tpOrdPx": "-1", "slTriggerPx": ""}, "51277"),
        ({"ordType": "oco"}, "50014"),
        ({"ordType": "trigger"}, "50014"),
        ({"ordType": "trigger", "triggerPx": "1", "orderPx": "-1", "tgtCcy": "base_ccy"}, "51281"),
        ({"ordType": "move_order_stop"}, "50015"),
        ({"ordType": "move_order_stop", "callbackRatio": "2"}, "51311"),
        ({"ordType": "move_order_stop", "callbackRatio": "1", "callbackSpread": "1"}, "50024"),
        ({"slOrdPx": "95000.05"}, "51150"),
        ({"sz": "0.001"}, "51007"),
        ({"algoClOrdId": "not-a-word"}, "51000"),
        ({"instId": SPOT, "tdMode": "cash", "closeFraction": "1"}, "51327"),
        ({"closeFraction": "0.5"}, "51000"),
        ({"closeFraction": "1"}, "51328"),
        ({"closeFraction": "1", "reduceOnly": True, "slOrdPx": "94000"}, "51330"),
    ],
)
def test_each_rule_has_its_code(floor: Floor, given: dict[str, Any], code: str) -> None:
    row = place(floor, **given)
    assert (row["sCode"], row["algoId"]) == (code, "")


def test_triggers_are_not_for_margin(floor: Floor) -> None:
    how = {"instId": SPOT, "ccy": "USDT", "ordType": "trigger", "triggerPx": "1", "orderPx": "-1"}
    assert place(floor, **how)["sCode"] == "51317"


def test_of_two_legs_in_net_mode_only_the_stop_counts(floor: Floor) -> None:
    row = place(floor, tpTriggerPx="105000", tpOrdPx="-1")
    (shown,) = floor.get("/trade/order-algo", algoId=row["algoId"])
    assert (shown["tpTriggerPx"], shown["slTriggerPx"]) == ("", "95000")
