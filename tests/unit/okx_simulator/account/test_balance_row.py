from decimal import Decimal

import pytest

from tests.support.trading_floor import SPOT, SWAP, Floor, settings

DOCUMENTED = {
    *("uTime", "totalEq", "isoEq", "adjEq", "availEq", "ordFroz", "imr", "mmr", "borrowFroz"),
    *("mgnRatio", "notionalUsd", "notionalUsdForBorrow", "notionalUsdForSwap"),
    *("notionalUsdForFutures", "notionalUsdForOption", "upl", "details"),
}
DOCUMENTED_DETAIL = {
    *("ccy", "eq", "cashBal", "uTime", "isoEq", "availEq", "disEq", "fixedBal", "availBal"),
    *("frozenBal", "ordFrozen", "liab", "upl", "uplLiab", "crossLiab", "rewardBal", "isoLiab"),
    *("mgnRatio", "imr", "mmr", "interest", "twap", "frpType", "maxLoan", "eqUsd", "borrowFroz"),
    *("notionalLever", "stgyEq", "isoUpl", "spotInUseAmt", "clSpotInUseAmt", "maxSpotInUse"),
    *("spotIsoBal", "smtSyncEq", "spotCopyTradingEq", "spotBal", "openAvgPx", "accAvgPx"),
    *("spotUpl", "spotUplRatio", "totalPnl", "totalPnlRatio", "colRes", "colBorrAutoConversion"),
    *("collateralRestrict", "collateralEnabled", "autoLendStatus", "autoLendMtAmt"),
}


@pytest.mark.parametrize(
    ("level", "empty", "empty_detail"),
    [
        ("1", {"isoEq", "availEq", "upl"}, {"isoEq", "availEq", "upl", "imr", "mgnRatio"}),
        ("2", {"adjEq", "imr", "mmr", "ordFroz", "notionalUsd"}, {"disEq", "liab", "twap"}),
        ("3", set(), {"imr", "mmr", "mgnRatio", "spotInUseAmt"}),
        ("4", set(), {"imr", "mmr", "mgnRatio", "spotIsoBal"}),
    ],
)
def test_every_key_is_there_and_empty_where_it_does_not_apply(
    level: str, empty: set[str], empty_detail: set[str]
) -> None:
    floor = Floor(settings(account_level=level))
    if level != "1":
        floor.place("buy", "market", instId=SWAP, tdMode="cross", sz="1")
    (row,) = floor.get("/account/balance")
    assert set(row) == DOCUMENTED
    assert {name for name in empty if row[name] == ""} == empty
    for detail in row["details"]:
        assert set(detail) >= DOCUMENTED_DETAIL
        assert {name for name in empty_detail if detail[name] == ""} == empty_detail
    shown = row["details"][0]
    assert "" not in (shown["cashBal"], shown["availBal"], shown["eq"], shown["ordFrozen"])
    assert row["totalEq"] != ""


def test_rest_and_the_channel_differ_by_one_name() -> None:
    floor = Floor()
    pushed = floor.exchange.balance_row("1")["details"][0]
    (row,) = floor.get("/account/balance")
    assert set(pushed) ^ set(row["details"][0]) == {"maxSpotInUse", "maxSpotInUseAmt"}


def test_spot_mode_shows_what_is_held_for_orders() -> None:
    floor = Floor(settings(account_level="1"))
    floor.move(SPOT, 100_000)
    floor.place("buy", "limit", px="96000", sz="1")
    detail = floor.detail("USDT")
    assert (detail["cashBal"], detail["availBal"]) == ("1000000", "904000")
    assert (detail["frozenBal"], detail["ordFrozen"]) == ("96000", "96000")


def test_the_total_is_the_sum_in_usd() -> None:
    floor = Floor()
    (row,) = floor.get("/account/balance")
    total = sum(Decimal(detail["eqUsd"]) for detail in row["details"])
    assert Decimal(row["totalEq"]) == total == 2_400_000


def test_a_filter_leaves_the_totals_alone() -> None:
    floor = Floor()
    (row,) = floor.get("/account/balance", ccy="BTC,XYZ")
    assert [detail["ccy"] for detail in row["details"]] == ["BTC"]
    assert row["totalEq"] == "2400000"


def test_isolated_margin_is_equity_but_not_available() -> None:
    floor = Floor(settings(balances={"USDT": 10_000}))
    floor.move(SPOT, 100_000)
    floor.place("buy", "market", instId=SWAP, tdMode="isolated", sz="3")
    detail = floor.detail("USDT")
    assert float(detail["isoEq"]) == pytest.approx(1_000, rel=1e-2)
    equity = Decimal(detail["cashBal"]) + Decimal(detail["isoEq"])
    assert Decimal(detail["eq"]) == equity
    assert detail["availBal"] == detail["cashBal"]
    assert detail["frozenBal"] == detail["isoEq"]
