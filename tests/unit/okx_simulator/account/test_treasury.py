from decimal import Decimal
from typing import Any

import pytest

from okx_simulator.error_code import RefusedError
from okx_simulator.event import BalanceAndPosition
from tests.support.trading_floor import SPOT, Floor, settings

OWN = {"ccy": "USDT", "amt": "1.5", "from": "6", "to": "18"}


@pytest.fixture
def floor() -> Floor:
    return Floor(
        settings("1", funding={"USDT": 100}),
        settings("2", main_uid="1", label="desk", funding={"USDT": 10}),
    )


def code_of(floor: Floor, uid: str = "1", **params: Any) -> str:
    with pytest.raises(RefusedError) as refused:
        floor.post("/asset/transfer", uid, **params)
    return refused.value.code


def test_money_moves_between_ones_own_accounts(floor: Floor) -> None:
    (row,) = floor.post("/asset/transfer", **OWN, clientId="c1")
    assert (row["amt"], row["from"], row["to"], row["clientId"]) == ("1.5", "6", "18", "c1")
    assert floor.cash("USDT") == Decimal("1000001.5")
    assert floor.get("/asset/balances", ccy="USDT")[0]["bal"] == "98.5"
    for name in ({"transId": row["transId"]}, {"clientId": "c1"}):
        (state,) = floor.get("/asset/transfer-state", **name)
        assert (state["state"], state["transId"], state["type"]) == ("success", row["transId"], "0")
    (bill,) = floor.get("/account/bills", type="1")
    assert (bill["subType"], bill["balChg"], bill["notes"]) == (
        *("11", "1.5", "From Funding account To Trading account"),
    )
    (funding,) = floor.get("/asset/bills")
    assert (funding["type"], funding["balChg"], funding["bal"]) == ("131", "-1.5", "98.5")
    (told,) = [event for event in floor.events if isinstance(event, BalanceAndPosition)]
    assert told.row["eventType"] == "transferred"


def test_money_moves_between_master_and_sub_account(floor: Floor) -> None:
    floor.post("/asset/transfer", **OWN, type="1", subAcct="desk")
    assert floor.cash("USDT", "2") == Decimal("1000001.5")
    back = {**OWN, "from": "18", "to": "6"}
    floor.post("/asset/transfer", **back, type="2", subAcct="desk")
    assert floor.get("/asset/balances", ccy="USDT")[0]["bal"] == "100"
    floor.post("/asset/transfer", "2", **OWN, type="3")
    assert floor.cash("USDT") == Decimal("1000001.5")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ccy": "XYZ"}, "51000"),
        ({"amt": ""}, "58114"),
        ({"amt": "0"}, "51000"),
        ({"from": "1"}, "51000"),
        ({"to": "6"}, "58123"),
        ({"amt": "101"}, "58350"),
        ({"from": "18", "to": "6", "amt": "1000001"}, "58116"),
        ({"type": "1", "subAcct": "nobody"}, "58115"),
        ({"type": "3"}, "58129"),
        ({"type": "4"}, "51000"),
    ],
)
def test_each_rule_has_its_code(floor: Floor, change: dict[str, str], code: str) -> None:
    assert code_of(floor, **OWN | change) == code
    assert floor.cash("USDT") == 1_000_000


def test_what_orders_keep_back_cannot_leave(floor: Floor) -> None:
    floor.move(SPOT, 100_000)
    floor.place("buy", "limit", px="96000", sz="10")
    out = {**OWN, "from": "18", "to": "6"}
    assert code_of(floor, **out | {"amt": "40001"}) == "58116"
    floor.post("/asset/transfer", **out | {"amt": "40000"})


def test_a_transfer_is_known_to_its_owner_only(floor: Floor) -> None:
    (row,) = floor.post("/asset/transfer", **OWN)
    for uid, params in (("2", {"transId": row["transId"]}), ("1", {"transId": "1"}), ("1", {})):
        with pytest.raises(RefusedError):
            floor.get("/asset/transfer-state", uid, **params)
