from typing import Any

import pytest

from okx_simulator.error_code import RefusedError
from okx_simulator.number import is_multiple, parse, text
from tests.support.trading_floor import SPOT, SWAP, Floor

OPTIONS = {"instType": "OPTION", "instFamily": "BTC-USD"}


@pytest.fixture(scope="module")
def floor() -> Floor:
    return Floor()


def code_of(floor: Floor, path: str, **params: str) -> str:
    with pytest.raises(RefusedError) as refused:
        floor.get(path, **params)
    return refused.value.code


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({"instType": "SPOT"}, 10),
        ({"instType": "SPOT", "instId": SPOT}, 1),
        ({"instType": "FUTURES", "instFamily": "BTC-USDT"}, 4),
        ({"instType": "SWAP", "uly": "BTC-USD"}, 1),
        (OPTIONS, 12),
        ({"instType": "EVENTS"}, 0),
    ],
)
def test_instruments_are_filtered(floor: Floor, params: dict[str, str], count: int) -> None:
    rows = floor.get("/public/instruments", **params)
    assert len(rows) == count
    assert floor.get("/account/instruments", **params) == rows


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("instruments", {}, "50014"),
        ("instruments", {"instType": "BOND"}, "51000"),
        ("instruments", {"instType": "OPTION"}, "50015"),
        ("instruments", {"instType": "SPOT", "instId": "NO-SUCH"}, "51001"),
        ("mark-price", {}, "50014"),
        ("funding-rate", {"instId": SPOT}, "51000"),
        ("funding-rate", {}, "50014"),
        ("open-interest", {"instType": "SPOT"}, "51000"),
        ("price-limit", {"instId": "NO-SUCH"}, "51001"),
        ("position-tiers", {"instType": "SWAP", "tdMode": "cross"}, "50015"),
        ("position-tiers", {"instType": "SWAP", "instFamily": "BTC-USDT"}, "50014"),
        ("underlying", {"instType": "SPOT"}, "51000"),
        ("opt-summary", {}, "50014"),
    ],
)
def test_what_is_asked_wrongly(floor: Floor, path: str, params: dict[str, str], code: str) -> None:
    assert code_of(floor, f"/public/{path}", **params) == code


def test_mark_prices_are_for_derivatives_and_margin(floor: Floor) -> None:
    assert floor.get("/public/mark-price", instType="SPOT") == []
    (row,) = floor.get("/public/mark-price", instType="SWAP", instId=SWAP)
    assert row["markPx"] == text(floor.mark(SWAP))
    assert floor.get("/public/mark-price", instId=SWAP) == [row]
    assert floor.get("/public/mark-price", instType="MARGIN", instId=SPOT)[0]["instId"] == SPOT


def test_the_price_limit_is_the_one_that_is_enforced() -> None:
    floor = Floor()
    (row,) = floor.get("/public/price-limit", instId=SPOT)
    assert floor.place("sell", "limit", px=row["buyLmt"])["px"] == row["buyLmt"]
    above = str(float(row["buyLmt"]) + 0.1)
    assert floor.refused("buy", "limit", px=above) == "51006"


def test_funding_can_be_asked_for_all(floor: Floor) -> None:
    assert len(floor.get("/public/funding-rate", instId="ANY")) == 8
    rates = floor.get("/public/funding-rate-history", instId=SWAP, limit="3")
    times = [int(row["fundingTime"]) for row in rates]
    assert times == sorted(times, reverse=True)
    older = floor.get("/public/funding-rate-history", instId=SWAP, after=str(times[-1]), limit="1")
    assert int(older[0]["fundingTime"]) == times[-1] - 8 * 3_600_000


def test_open_interest_is_in_contracts_coins_and_usd(floor: Floor) -> None:
    (row,) = floor.get("/public/open-interest", instType="SWAP", instId=SWAP)
    assert float(row["oiCcy"]) == pytest.approx(float(row["oi"]) / 100)
    assert float(row["oiUsd"]) == pytest.approx(float(row["oiCcy"]) * 100_000, rel=0.01)


def test_tiers_belong_to_a_family(floor: Floor) -> None:
    how = {"instType": "SWAP", "tdMode": "cross", "instFamily": "BTC-USDT,ETH-USDT"}
    rows = floor.get("/public/position-tiers", **how)
    assert {row["instFamily"] for row in rows} == {"BTC-USDT", "ETH-USDT"}
    (third,) = floor.get("/public/position-tiers", **how | {"instFamily": "BTC-USDT", "tier": "3"})
    assert third["tier"] == "3"
    (margin, *_) = floor.get(
        "/public/position-tiers", instType="MARGIN", tdMode="cross", instId=SPOT
    )
    assert margin["quoteMaxLoan"] != ""


def test_underlyings_and_options(floor: Floor) -> None:
    assert floor.get("/public/underlying", instType="SWAP")[0][:2] == ["BTC-USDT", "ETH-USDT"]
    assert len(floor.get("/public/opt-summary", instFamily="BTC-USD")) == 12
    assert len(floor.get("/public/opt-summary", uly="BTC-USD", expTime="261225")) == 6


def test_maintenance_is_told_while_it_is_announced() -> None:
    floor = Floor()
    assert floor.get("/system/status") == []
    row: dict[str, Any] = {"state": "scheduled", "title": "upgrade"}
    floor.exchange.maintenance.append(row)
    assert floor.get("/system/status", state="scheduled") == [row]
    assert floor.get("/system/status", state="ongoing") == []


def test_every_instrument_has_sizes_that_fit(floor: Floor) -> None:
    for inst_type in ("SPOT", "MARGIN", "SWAP", "FUTURES"):
        for row in floor.get("/public/instruments", instType=inst_type):
            lot, minimum = parse(row["lotSz"]), parse(row["minSz"])
            assert lot is not None
            assert minimum is not None
            assert is_multiple(minimum, lot)
