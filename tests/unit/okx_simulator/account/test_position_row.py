from decimal import Decimal

import pytest

from tests.support.trading_floor import INVERSE, SPOT, SWAP, Floor


@pytest.fixture
def floor() -> Floor:
    floor = Floor()
    floor.move(SWAP, 100_000)
    return floor


def row(floor: Floor) -> dict[str, str]:
    (position,) = floor.get("/account/positions")
    found: dict[str, str] = position
    return found


def test_net_positions_show_their_sign(floor: Floor) -> None:
    floor.place("sell", "market", instId=SWAP, tdMode="cross", sz="2")
    assert (row(floor)["pos"], row(floor)["posSide"]) == ("-2", "net")


def test_where_it_breaks_even_and_is_liquidated(floor: Floor) -> None:
    floor.post("/account/set-leverage", instId=SWAP, lever="10", mgnMode="isolated")
    floor.place("buy", "market", instId=SWAP, tdMode="isolated", sz="10")
    position = row(floor)
    average = Decimal(position["avgPx"])
    assert Decimal(position["bePx"]) == average - Decimal(position["fee"]) * 10
    assert float(position["liqPx"]) == pytest.approx(float(average) * 0.9, rel=1e-3)
    assert (position["imr"], position["margin"]) == (
        *("", str((average / 100).normalize().quantize(Decimal("1E-8")).normalize())),
    )


def test_an_inverse_position_is_worth_a_fixed_amount_of_usd(floor: Floor) -> None:
    floor.place("buy", "market", instId=INVERSE, tdMode="cross", sz="10")
    assert float(row(floor)["notionalUsd"]) == pytest.approx(1_000, rel=1e-3)
    assert row(floor)["ccy"] == "BTC"


def test_options_have_a_value(floor: Floor) -> None:
    option = {"instId": "BTC-USD-261225-90000-C", "tdMode": "cross", "sz": "5"}
    floor.place("buy", "limit", px="0.15", **option)
    position = row(floor)
    assert Decimal(position["optVal"]) == 5 * Decimal("0.01") * Decimal(position["markPx"])
    assert (position["lever"], position["imr"], position["availPos"]) == ("", "0", "")


def test_margin_positions_hold_a_currency_and_owe_another(floor: Floor) -> None:
    floor.place("buy", "market", instId=SPOT, tdMode="cross", ccy="USDT", sz="1000")
    position = row(floor)
    assert (position["posCcy"], position["liabCcy"]) == ("BTC", "USDT")
    assert float(position["liab"]) == pytest.approx(-1_000, rel=1e-3)


def test_a_closed_position_sums_up(floor: Floor) -> None:
    floor.place("buy", "market", instId=SWAP, tdMode="cross", sz="10")
    floor.move(SWAP, 101_000)
    floor.place("sell", "market", instId=SWAP, tdMode="cross", sz="10")
    (closed,) = floor.get("/account/positions-history")
    gained = (Decimal(closed["closeAvgPx"]) - Decimal(closed["openAvgPx"])) / 10
    assert Decimal(closed["pnl"]) == gained
    assert Decimal(closed["realizedPnl"]) == gained + Decimal(closed["fee"])
    assert float(closed["pnlRatio"]) == pytest.approx(0.027, abs=0.002)
