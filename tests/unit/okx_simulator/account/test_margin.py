from decimal import Decimal

import pytest

from okx_simulator.account.margin import currencies, standing
from tests.support.trading_floor import MINE, SPOT, SWAP, Floor, settings


@pytest.fixture
def floor() -> Floor:
    floor = Floor(settings(balances={"USDT": 100_000, "BTC": 2}))
    floor.move(SWAP, 100_000)
    return floor


def test_everything_in_use_is_taken_off_what_is_available(floor: Floor) -> None:
    floor.place("buy", "limit", px="96000", sz="0.1")
    floor.place("buy", "limit", instId=SWAP, tdMode="cross", px="96000", sz="10")
    floor.place("buy", "market", instId=SWAP, tdMode="cross", sz="10")
    floor.place("sell", "market", instId="ETH-USDT-SWAP", tdMode="isolated", sz="10")
    account = floor.exchange.account(MINE)
    stand = standing(account, "USDT", floor.exchange.market.mark)
    assert stand.order_frozen == 9_600 + 3_200
    assert float(stand.imr) == pytest.approx(10_000 / 3, rel=1e-4)
    assert float(stand.isolated) == pytest.approx(4_000 / 3, rel=1e-3)
    assert stand.available_equity == stand.cash + stand.cross_upl - 12_800 - stand.imr
    assert stand.equity == stand.cash + stand.cross_upl + stand.isolated
    assert stand.frozen == 12_800 + stand.imr + stand.isolated
    assert stand.available_cash == min(stand.cash - 12_800, stand.available_equity)


def test_a_loss_reduces_what_is_available(floor: Floor) -> None:
    floor.place("buy", "market", instId=SWAP, tdMode="cross", sz="10")
    account, marks = floor.exchange.account(MINE), floor.exchange.market.mark
    before = standing(account, "USDT", marks)
    floor.move(SWAP, 90_000)
    after = standing(account, "USDT", marks)
    assert float(after.equity - before.equity) == pytest.approx(-1_000, rel=1e-3)
    assert after.available_equity < before.available_equity
    assert after.cash == before.cash


def test_currencies_are_those_with_something_in_them(floor: Floor) -> None:
    account = floor.exchange.account(MINE)
    assert currencies(account) == ["USDT", "BTC"]
    floor.place("buy", "market", instId="ETH-USDT", sz="100")
    assert currencies(account) == ["USDT", "BTC", "ETH"]


def test_margin_may_be_put_up_in_the_base_currency(floor: Floor) -> None:
    pair = {"instId": SPOT, "tdMode": "isolated", "ccy": "BTC"}
    floor.place("sell", "market", sz="0.3", **pair)
    (position,) = floor.get("/account/positions")
    assert (position["instType"], position["ccy"], position["posCcy"]) == ("MARGIN", "BTC", "USDT")
    assert Decimal(position["margin"]) == pytest.approx(Decimal("0.1"), rel=Decimal("0.001"))
    assert (position["liab"], position["liabCcy"]) == ("-0.3", "BTC")
    floor.move(SPOT, 50_000)
    assert float(floor.get("/account/positions")[0]["upl"]) == pytest.approx(0.3, rel=0.01)
