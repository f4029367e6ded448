from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_simulator.market.book import Level
from okx_simulator.market.listing import Listing
from okx_simulator.number import ZERO
from okx_simulator.order import matching
from okx_simulator.order.matching import Offer, offers, plan
from okx_simulator.order.order import NewOrder, Order
from tests.support.trading_floor import SPOT, START_MS, listed

PAIR = listed(Listing(START_MS), SPOT)
OWNERS = {"1": "1", "2": "2", "3": "1"}


def order(
    side: str = "buy", px: str | None = "100", sz: str = "10", uid: str = "1", **given: str
) -> Order:
    asked = NewOrder(
        instrument=PAIR,
        td_mode="cash",
        side=side,
        ord_type="limit" if px else "market",
        sz=Decimal(sz),
        px=Decimal(px) if px else None,
        tgt_ccy=given.get("tgt_ccy", ""),
        stp_mode=given.get("stp_mode", "cancel_maker"),
    )
    return Order(1, uid, asked, asked.sz, asked.px, ZERO, 0, 0)


def asks(*levels: tuple[str, str]) -> Iterator[Offer]:
    return iter([Offer(Decimal(px), Decimal(sz)) for px, sz in levels])


def test_accounts_come_before_strangers_at_the_same_price() -> None:
    mine, theirs = order("sell", "101", "1"), order("sell", "100", "2", "2")
    strangers = [Level(Decimal(100), Decimal(5), 3), Level(Decimal(102), Decimal(6), 1)]
    found = list(offers(strangers, [theirs, mine], buying=False))
    assert [(int(offer.px), offer.maker) for offer in found] == [
        (100, theirs),
        (100, None),
        (101, mine),
        (102, None),
    ]
    bids = [Level(Decimal(99), Decimal(1), 1), Level(Decimal(98), Decimal(1), 1)]
    found = list(offers(bids, [order("buy", "98.5")], buying=True))
    assert [offer.px for offer in found] == [99, Decimal("98.5"), 98]


def test_a_limit_order_stops_at_its_price() -> None:
    made = plan(order(), asks(("99", "4"), ("100", "4"), ("101", "4")), OWNERS, Decimal(10))
    assert [(int(match.px), int(match.sz)) for match in made.matches] == [(99, 4), (100, 4)]
    assert (made.filled, made.stop) == (False, "")


def test_a_market_order_stops_five_percent_away() -> None:
    made = plan(order(px=None), asks(("100", "4"), ("105", "4"), ("106", "4")), OWNERS, Decimal(10))
    assert [match.px for match in made.matches] == [100, 105]
    assert made.stop == "27"
    made = plan(order("sell", None), asks(("100", "1"), ("94", "9")), OWNERS, Decimal(10))
    assert ([int(match.px) for match in made.matches], made.stop) == ([100], "27")


def test_money_buys_whole_lots() -> None:
    spend = order(px=None, sz="1", tgt_ccy="quote_ccy")
    made = plan(spend, asks(("3", "0.1"), ("3.1", "9")), OWNERS, Decimal(1))
    assert made.filled
    total = sum(match.sz * match.px for match in made.matches)
    assert Decimal("0.99999") < total <= 1
    assert made.matches[-1].sz % PAIR.lot_sz == 0


@pytest.mark.parametrize(
    ("mode", "stop", "canceled", "matches"),
    [("cancel_maker", "", 1, 2), ("cancel_taker", "32", 0, 1), ("cancel_both", "32", 1, 1)],
)
def test_the_takers_mode_rules(mode: str, stop: str, canceled: int, matches: int) -> None:
    own = order("sell", "100", "5", "3")
    offered = [Offer(Decimal(99), Decimal(1)), Offer(Decimal(100), Decimal(5), own)]
    offered.append(Offer(Decimal(100), Decimal(5)))
    made = plan(order(stp_mode=mode), iter(offered), OWNERS, Decimal(10))
    assert (made.stop, len(made.own_makers), len(made.matches)) == (stop, canceled, matches)


def test_makers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "MAKERS_MAX", 2)
    made = plan(order(), asks(*[("99", "1")] * 5), OWNERS, Decimal(10))
    assert (len(made.matches), made.stop) == (2, "33")
    made = plan(order(), asks(*[("99", "5")] * 5), OWNERS, Decimal(10))
    assert (made.filled, made.stop) == (True, "")


LEVELS = st.lists(st.tuples(st.integers(90, 110), st.integers(1, 50)), max_size=20)


@given(LEVELS, st.integers(90, 110), st.integers(1, 200))
def test_a_plan_takes_the_best_it_can(
    levels: list[tuple[int, int]], limit: int, wanted: int
) -> None:
    offered = sorted((Offer(Decimal(px), Decimal(sz)) for px, sz in levels), key=lambda o: o.px)
    within = sum(offer.sz for offer in offered if offer.px <= limit)
    made = plan(order(px=str(limit)), iter(offered), OWNERS, Decimal(wanted))
    taken = sum(match.sz for match in made.matches)
    assert taken == min(within, wanted)
    assert made.filled == (within >= wanted)
    assert all(match.px <= limit for match in made.matches)
    assert [match.px for match in made.matches] == sorted(match.px for match in made.matches)
