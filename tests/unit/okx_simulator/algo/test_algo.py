from decimal import Decimal

import pytest

from okx_simulator.algo.algo import Algo, Leg, Trail, algo_row
from okx_simulator.market.listing import Listing
from okx_simulator.order.order import NewOrder
from tests.support.trading_floor import START_MS, SWAP, listed

ORDER = NewOrder(listed(Listing(START_MS), SWAP), "cross", "sell", "market", Decimal(2))


@pytest.mark.parametrize(
    ("rises", "price", "fires"),
    [(True, 99, False), (True, 100, True), (False, 100, True), (False, 101, False)],
)
def test_a_leg_fires_when_its_price_is_reached(rises: object, price: int, fires: object) -> None:
    leg = Leg(Decimal(100), "-1", "last", rises=bool(rises))
    assert leg.fires(Decimal(price)) == fires


def test_a_trail_keeps_its_distance() -> None:
    by_share = Trail(Decimal("0.05"), None, None)
    assert by_share.stop_px(Decimal(200), is_buy=False) == 190
    assert by_share.stop_px(Decimal(200), is_buy=True) == 210
    assert Trail(None, Decimal(7), None).stop_px(Decimal(200), is_buy=False) == 193


def algo(**given: object) -> Algo:
    made = Algo(1, "1", "conditional", ORDER, START_MS, START_MS)
    for name, value in given.items():
        setattr(made, name, value)
    return made


def test_what_it_places_is_at_market_or_at_a_limit() -> None:
    at_market = algo().ordered("-1", Decimal(1))
    assert (at_market.ord_type, at_market.px, at_market.sz) == ("market", None, Decimal(1))
    at_limit = algo().ordered("99000", Decimal(1))
    assert (at_limit.ord_type, at_limit.px) == ("limit", Decimal(99_000))


def test_the_stop_of_a_trail_is_unknown_until_it_follows() -> None:
    trail = Trail(None, Decimal(10), Decimal(500))
    assert algo(trail=trail).stop_px is None
    assert algo(trail=trail, extreme=Decimal(510)).stop_px == 500
    assert algo_row(algo(trail=trail))["activePx"] == "500"


def test_a_row_shows_the_legs_it_has() -> None:
    row = algo_row(algo(sl=Leg(Decimal("90.50"), "-1", "mark", rises=False)), Decimal(1_000))
    assert (row["slTriggerPx"], row["slOrdPx"], row["slTriggerPxType"]) == ("90.5", "-1", "mark")
    assert (row["tpTriggerPx"], row["triggerPx"], row["sz"]) == ("", "", "2")
    assert row["notionalUsd"] == "2000"
    assert algo_row(algo(closes_all=True))["closeFraction"] == "1"
