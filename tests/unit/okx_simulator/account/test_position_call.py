from decimal import Decimal
from typing import Any

import pytest

from okx_simulator.error_code import RefusedError
from tests.support.trading_floor import SWAP, Floor

CLOSE = {"instId": SWAP, "mgnMode": "cross"}


@pytest.fixture
def floor() -> Floor:
    floor = Floor()
    floor.move(SWAP, 100_000)
    return floor


def code_of(floor: Floor, path: str, **params: Any) -> str:
    with pytest.raises(RefusedError) as refused:
        floor.post(path, **params)
    return refused.value.code


def test_a_position_is_closed_at_market(floor: Floor) -> None:
    floor.place("sell", "market", instId=SWAP, tdMode="cross", sz="3")
    (row,) = floor.post("/trade/close-position", **CLOSE, clOrdId="bye", tag="t")
    assert row == {"instId": SWAP, "posSide": "net", "clOrdId": "bye", "tag": "t"}
    assert floor.get("/account/positions") == []
    (closed,) = floor.get("/account/positions-history")
    assert (closed["direction"], closed["closeTotalPos"], closed["openMaxPos"]) == (
        *("short", "3", "3"),
    )


def test_there_must_be_a_position(floor: Floor) -> None:
    assert code_of(floor, "/trade/close-position", **CLOSE) == "51023"
    floor.place("buy", "market", instId=SWAP, tdMode="cross", sz="3")
    assert code_of(floor, "/trade/close-position", **CLOSE | {"mgnMode": "isolated"}) == "51023"
    assert code_of(floor, "/trade/close-position", instId=SWAP) == "50014"


def test_pending_closing_orders_stand_in_the_way_unless_they_may_go(floor: Floor) -> None:
    floor.place("buy", "market", instId=SWAP, tdMode="cross", sz="3")
    how: dict[str, Any] = {"instId": SWAP, "tdMode": "cross", "reduceOnly": True}
    waiting = floor.place("sell", "limit", px="104000", sz="1", **how)
    assert code_of(floor, "/trade/close-position", **CLOSE) == "51115"
    floor.post("/trade/close-position", **CLOSE, autoCxl=True)
    assert floor.look(waiting["ordId"])["cancelSource"] == "17"
    assert floor.get("/account/positions") == []


def test_margin_is_added_and_taken_back(floor: Floor) -> None:
    floor.place("buy", "market", instId=SWAP, tdMode="isolated", sz="3")
    change = {"instId": SWAP, "posSide": "net", "amt": "100"}
    before, cash = floor.get("/account/positions")[0], floor.cash("USDT")
    (row,) = floor.post("/account/position/margin-balance", **change, type="add")
    assert (row["amt"], row["type"], row["ccy"]) == ("100", "add", "USDT")
    after = floor.get("/account/positions")[0]
    assert Decimal(after["margin"]) - Decimal(before["margin"]) == 100
    assert floor.cash("USDT") == cash - 100
    (bill,) = floor.get("/account/bills", type="6")
    assert (bill["subType"], bill["balChg"], bill["instId"]) == ("160", "-100", SWAP)
    assert float(after["liqPx"]) < float(before["liqPx"])
    floor.post("/account/position/margin-balance", **change, type="reduce")
    assert floor.cash("USDT") == cash


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": "add", "amt": "10000000"}, "59301"),
        ({"type": "reduce", "amt": "900"}, "59301"),
        ({"type": "add", "amt": ""}, "50014"),
        ({"type": "double", "amt": "1"}, "51000"),
        ({"type": "add", "amt": "1", "instId": "ETH-USDT-SWAP"}, "59300"),
    ],
)
def test_margin_has_bounds(floor: Floor, change: dict[str, str], code: str) -> None:
    floor.place("buy", "market", instId=SWAP, tdMode="isolated", sz="3")
    params = {"instId": SWAP, "posSide": "net"} | change
    assert code_of(floor, "/account/position/margin-balance", **params) == code
