from typing import Any

import pytest

from okx_simulator.error_code import RefusedError
from tests.support.trading_floor import SPOT, SWAP, Floor, settings


@pytest.fixture
def floor() -> Floor:
    floor = Floor()
    floor.move(SPOT, 100_000)
    return floor


def code_of(floor: Floor, path: str, **params: Any) -> str:
    with pytest.raises(RefusedError) as refused:
        floor.post(path, **params)
    return refused.value.code


def lever(floor: Floor, inst_id: str, mode: str) -> list[tuple[str, str]]:
    rows = floor.get("/account/leverage-info", instId=inst_id, mgnMode=mode)
    return [(row["posSide"], row["lever"]) for row in rows]


def test_leverage_is_set_per_instrument_and_mode(floor: Floor) -> None:
    assert lever(floor, SWAP, "cross") == [("net", "3")]
    (row,) = floor.post("/account/set-leverage", instId=SWAP, lever="20", mgnMode="cross")
    assert (row["lever"], row["instId"], row["posSide"]) == ("20", SWAP, "net")
    assert lever(floor, SWAP, "cross") == [("net", "20")]
    assert lever(floor, SWAP, "isolated") == [("net", "3")]
    assert lever(floor, "ETH-USDT-SWAP", "cross") == [("net", "3")]


def test_futures_of_a_family_share_their_cross_leverage(floor: Floor) -> None:
    floor.post("/account/set-leverage", instId="BTC-USDT-261225", lever="7", mgnMode="cross")
    assert lever(floor, "BTC-USDT-261127", "cross") == [("net", "7")]


def test_a_currency_stands_for_its_margin_pairs(floor: Floor) -> None:
    floor.post("/account/set-leverage", ccy="BTC", lever="5", mgnMode="cross")
    assert lever(floor, SPOT, "cross") == lever(floor, "ETH-BTC", "cross") == [("net", "5")]
    assert lever(floor, "ETH-USDT", "cross") == [("net", "3")]


def test_open_positions_follow_their_leverage(floor: Floor) -> None:
    floor.place("buy", "market", instId=SWAP, tdMode="cross", sz="1")
    floor.post("/account/set-leverage", instId=SWAP, lever="10", mgnMode="cross")
    assert floor.get("/account/positions")[0]["lever"] == "10"


def test_isolated_sides_have_their_own_leverage_in_long_short_mode() -> None:
    floor = Floor(settings(position_mode="long_short_mode"))
    how = {"instId": SWAP, "mgnMode": "isolated"}
    floor.post("/account/set-leverage", lever="10", posSide="long", **how)
    assert lever(floor, SWAP, "isolated") == [("long", "10"), ("short", "3")]
    assert code_of(floor, "/account/set-leverage", lever="10", **how) == "51000"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"instId": SWAP, "lever": "101", "mgnMode": "cross"}, "59102"),
        ({"instId": SWAP, "lever": "0.5", "mgnMode": "cross"}, "59102"),
        ({"instId": SWAP, "lever": "", "mgnMode": "cross"}, "50014"),
        ({"instId": SWAP, "lever": "5", "mgnMode": "cash"}, "51000"),
        ({"lever": "5", "mgnMode": "cross"}, "50015"),
        ({"ccy": "XYZ", "lever": "5", "mgnMode": "cross"}, "51000"),
        ({"instId": "OKB-USDT", "lever": "5", "mgnMode": "cross"}, "51001"),
        ({"instId": "BTC-USD-261225-90000-C", "lever": "5", "mgnMode": "cross"}, "59102"),
    ],
)
def test_leverage_has_bounds(floor: Floor, params: dict[str, str], code: str) -> None:
    assert code_of(floor, "/account/set-leverage", **params) == code


def test_modes_change_while_nothing_is_open(floor: Floor) -> None:
    change = {"posMode": "long_short_mode"}
    order = floor.place("buy", "limit", px="96000")
    assert code_of(floor, "/account/set-position-mode", **change) == "59000"
    assert code_of(floor, "/account/set-account-level", acctLv="3") == "59000"
    assert floor.post("/account/set-account-level", acctLv="2") == [{"acctLv": "2"}]
    floor.exchange.cancel("1", [{"instId": SPOT, "ordId": order["ordId"]}])
    assert floor.post("/account/set-position-mode", **change) == [change]
    floor.post("/account/set-account-level", acctLv="4")
    (config,) = floor.get("/account/config")
    assert (config["acctLv"], config["posMode"]) == ("4", "net_mode")
    assert code_of(floor, "/account/set-position-mode", **change) == "51041"
    floor.post("/account/set-account-level", acctLv="1")
    assert code_of(floor, "/account/set-position-mode", **change) == "51010"


def test_the_largest_order_can_be_placed_and_no_larger_one(floor: Floor) -> None:
    px = "99000"
    swap = {"instId": SWAP, "tdMode": "cross"}
    (row,) = floor.get("/account/max-size", px=px, **swap)
    assert floor.refused("buy", "limit", px=px, sz=str(float(row["maxBuy"]) + 1), **swap)
    floor.place("buy", "limit", px=px, sz=row["maxBuy"], **swap)
    (row,) = floor.get("/account/max-size", px=px, **swap)
    assert float(row["maxBuy"]) < 0.1


def test_what_is_available_is_told(floor: Floor) -> None:
    floor.place("buy", "limit", px="96000", sz="1")
    (row,) = floor.get("/account/max-avail-size", instId=SPOT, tdMode="cash")
    assert row == {"instId": SPOT, "availBuy": "904000", "availSell": "10"}
    (row,) = floor.get("/account/max-withdrawal", ccy="USDT")
    assert row["maxWd"] == "904000"
    assert len(floor.get("/account/max-withdrawal")) == 3
    (row,) = floor.get("/account/max-size", instId=SPOT, tdMode="cash", px="90400")
    assert (row["maxBuy"], row["maxSell"]) == ("10", "10")
    loans = floor.get("/account/max-loan", instId=SPOT, mgnMode="cross", mgnCcy="USDT")
    assert {row["side"]: row["ccy"] for row in loans} == {"buy": "USDT", "sell": "BTC"}
    assert loans[0]["maxLoan"] == "1808000"


def test_names_are_needed(floor: Floor) -> None:
    for path, params in (
        ("leverage-info", {"mgnMode": "cross"}),
        ("max-size", {"tdMode": "cash"}),
        ("max-avail-size", {"tdMode": "cash"}),
    ):
        with pytest.raises(RefusedError, match="50014"):
            floor.get(f"/account/{path}", **params)


def test_market_maker_protection_is_not_granted(floor: Floor) -> None:
    assert code_of(floor, "/account/mmp-reset", instFamily="BTC-USD") == "50030"
