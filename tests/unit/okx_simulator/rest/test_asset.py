from decimal import Decimal
from typing import Any

import pytest

from okx_simulator.account.accounts_file import ApiKey
from okx_simulator.error_code import RefusedError
from okx_simulator.rest.endpoint import Call
from okx_simulator.rest.table import ENDPOINTS
from tests.support.trading_floor import MINE, Floor, settings

DOCUMENTED_CURRENCY = {
    *("burningFeeRate", "canDep", "canInternal", "canWd", "ccy", "chain", "ctAddr"),
    *("depEstOpenTime", "depQuotaFixed", "depQuoteDailyLayer2", "fee", "logoLink", "mainNet"),
    *("maxFee", "maxFeeForCtAddr", "maxWd", "minDep", "minDepArrivalConfirm", "minFee"),
    *("minFeeForCtAddr", "minInternal", "minWd", "minWdUnlockConfirm", "name", "needTag"),
    *("usedDepQuotaFixed", "usedWdQuota", "wdEstOpenTime", "wdQuota", "wdTickSz"),
}
WITHDRAWAL = {"ccy": "BTC", "amt": "1", "dest": "4", "toAddr": "nowhere"}


@pytest.fixture
def floor() -> Floor:
    return Floor(settings(funding={"USDT": 50, "BTC": 1}))


def test_funding_balances(floor: Floor) -> None:
    rows = floor.get("/asset/balances")
    assert {row["ccy"]: row["bal"] for row in rows} == {"USDT": "50", "BTC": "1"}
    assert [row["ccy"] for row in floor.get("/asset/balances", ccy="BTC,ETH")] == ["BTC"]


def test_currencies_have_a_row_per_chain(floor: Floor) -> None:
    rows = floor.get("/asset/currencies")
    assert all(set(row) == DOCUMENTED_CURRENCY for row in rows)
    usdt = [row for row in rows if row["ccy"] == "USDT"]
    assert [row["mainNet"] for row in usdt] == [True, False]
    assert floor.get("/asset/currencies", ccy="USDT") == usdt


def test_everything_is_valued(floor: Floor) -> None:
    (in_usd,) = floor.get("/asset/asset-valuation", ccy="USDT")
    details = in_usd["details"]
    assert Decimal(details["funding"]) == 100_050
    total = Decimal(details["funding"]) + Decimal(details["trading"])
    assert Decimal(in_usd["totalBal"]) == total
    (in_btc,) = floor.get("/asset/asset-valuation")
    assert float(in_btc["totalBal"]) == pytest.approx(float(total) / 100_000)


def test_addresses_belong_to_no_network(floor: Floor) -> None:
    rows = floor.get("/asset/deposit-address", ccy="USDT")
    assert len({row["addr"] for row in rows}) == 2
    assert all(row["addr"].startswith("simulated-") for row in rows)
    with pytest.raises(RefusedError, match="51000"):
        floor.get("/asset/deposit-address", ccy="XYZ")


def test_there_are_no_deposits_and_no_withdrawals(floor: Floor) -> None:
    for path in ("deposit-history", "withdrawal-history", "non-tradable-assets"):
        assert floor.get(f"/asset/{path}") == []


@pytest.mark.parametrize(("is_demo", "code"), [(False, "58013"), (True, "50038")])
def test_nothing_is_ever_withdrawn(floor: Floor, is_demo: Any, code: str) -> None:
    endpoint = ENDPOINTS["POST", "/api/v5/asset/withdrawal"]
    assert endpoint.permission == "withdraw"
    key = ApiKey(
        key="00000000-0000-4000-8000-000000000001",
        secret="s",
        passphrase="p",
        permissions=("withdraw",),
        demo=is_demo,
    )
    call = Call(WITHDRAWAL, (WITHDRAWAL,), floor.clock.now_us(), MINE, key)
    with pytest.raises(RefusedError, match=code):
        endpoint.answer(floor.exchange, call)
    with pytest.raises(RefusedError, match="50014"):
        floor.post("/asset/withdrawal", ccy="BTC")
    with pytest.raises(RefusedError, match="58013"):
        floor.post("/asset/cancel-withdrawal", wdId="1")
    assert floor.get("/asset/balances", ccy="BTC")[0]["bal"] == "1"
