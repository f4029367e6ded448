from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okx_simulator.number import text
from tests.support.trading_floor import INVERSE, MINE, OTHER, SPOT, SWAP, Floor
from tests.support.trading_floor import settings as account_settings


@pytest.fixture
def floor() -> Floor:
    return Floor()


def test_market_order_is_filled_at_once(floor: Floor) -> None:
    order = floor.place("buy", "market", sz="1000")
    assert (order["state"], order["tgtCcy"]) == ("filled", "quote_ccy")
    spent = Decimal(order["accFillSz"]) * Decimal(order["avgPx"])
    assert Decimal(999) < spent <= 1000
    assert floor.cash("USDT") == pytest.approx(1_000_000 - spent)
    assert floor.cash("BTC") == 10 + Decimal(order["accFillSz"]) * Decimal("0.999")
    assert (order["feeCcy"], order["rebateCcy"]) == ("BTC", "USDT")


def test_market_pushes_follow_okx(floor: Floor) -> None:
    pushes = floor.pushes(floor.place("sell", "market", sz="10", tgtCcy="quote_ccy")["ordId"])
    live, *fills, filled = pushes
    assert (live["state"], live["fillSz"], live["avgPx"]) == ("live", "0", "0")
    assert {fill["state"] for fill in fills} == {"partially_filled"}
    assert fills[0]["execType"] == "T"
    assert (filled["state"], filled["fillSz"], filled["tradeId"]) == ("filled", "0", "")


def test_limit_order_rests_until_the_market_comes(floor: Floor) -> None:
    floor.move(SPOT, 100_000)
    order = floor.place("buy", "limit", px="99000", sz="0.01")
    assert order["state"] == "live"
    assert floor.detail("USDT")["ordFrozen"] == "990"
    floor.wait(1)
    assert floor.look(order["ordId"])["state"] == "live"
    floor.move(SPOT, 98_900)
    filled = floor.look(order["ordId"])
    assert (filled["state"], filled["avgPx"], filled["feeCcy"]) == ("filled", "99000", "BTC")
    assert floor.pushes(order["ordId"])[-1]["execType"] == "M"
    assert floor.detail("USDT")["ordFrozen"] == "0"


def test_a_large_resting_order_is_filled_bit_by_bit(floor: Floor) -> None:
    floor.move(SPOT, 100_000)
    order = floor.place("buy", "limit", px="99000", sz="9")
    floor.move(SPOT, 98_999.9)
    part = floor.look(order["ordId"])
    assert part["state"] == "partially_filled"
    left = (9 - Decimal(part["accFillSz"])) * 99_000
    assert Decimal(floor.detail("USDT")["ordFrozen"]) == left


@pytest.mark.parametrize(
    ("ord_type", "offset", "source"),
    [("post_only", 10, "31"), ("fok", -50, "13"), ("ioc", -50, "14")],
)
def test_what_cannot_stand_is_accepted_then_cancelled(
    floor: Floor, ord_type: str, offset: int, source: str
) -> None:
    floor.move(SPOT, 100_000)
    order = floor.place("buy", ord_type, px=str(100_000 + offset))
    assert (order["state"], order["cancelSource"]) == ("canceled", source)
    assert [push["state"] for push in floor.pushes(order["ordId"])] == ["live", "canceled"]
    assert floor.detail("USDT")["frozenBal"] == "0"


def test_ioc_takes_what_there_is(floor: Floor) -> None:
    floor.move(SPOT, 100_000)
    order = floor.place("buy", "ioc", px="100001", sz="8")
    assert (order["state"], order["cancelSource"]) == ("canceled", "14")
    assert 0 < Decimal(order["accFillSz"]) < 8


def test_fok_takes_all_or_nothing(floor: Floor) -> None:
    floor.move(SPOT, 100_000)
    assert floor.place("buy", "fok", px="100010", sz="0.0001")["state"] == "filled"
    large = floor.place("buy", "fok", px="100001", sz="8")
    assert (large["state"], large["accFillSz"]) == ("canceled", "0")


def test_accounts_trade_with_each_other(floor: Floor) -> None:
    floor.move(SPOT, 100_000)
    bid = floor.place("buy", "limit", uid=OTHER, px="100000", sz="0.5")
    taker = floor.place("sell", "limit", px="100000", sz="0.2")
    assert (taker["state"], taker["avgPx"]) == ("filled", "100000")
    maker = floor.look(bid["ordId"], OTHER)
    assert (maker["state"], maker["accFillSz"], maker["fee"]) == (
        *("partially_filled", "0.2", "-0.00016"),
    )
    assert maker["tradeId"] == taker["tradeId"]
    assert floor.cash("USDT", OTHER) == 1_000_000 - 20_000
    assert floor.cash("USDT") == 1_000_000 + 20_000 - 20


@pytest.mark.parametrize(
    ("mode", "maker_state", "taker_state"),
    [
        ("cancel_maker", "canceled", "filled"),
        ("cancel_taker", "live", "canceled"),
        ("cancel_both", "canceled", "canceled"),
    ],
)
def test_self_trades_are_prevented(
    floor: Floor, mode: str, maker_state: str, taker_state: str
) -> None:
    floor.move(SPOT, 100_000)
    maker = floor.place("sell", "limit", px="100000.1", sz="0.01")
    taker = floor.place("buy", "limit", px="100010", sz="0.01", stpMode=mode)
    assert taker["state"] == taker_state
    assert floor.look(maker["ordId"])["state"] == maker_state
    canceled = [one for one in (floor.look(maker["ordId"]), taker) if one["state"] == "canceled"]
    assert {one["cancelSource"] for one in canceled} == {"32"}


def test_self_trades_are_prevented_over_the_whole_master_account() -> None:
    floor = Floor(account_settings("1"), account_settings("2", main_uid="1"))
    floor.move(SPOT, 100_000)
    maker = floor.place("sell", "limit", uid="2", px="100000.1")
    floor.place("buy", "limit", px="100010")
    assert floor.look(maker["ordId"], "2")["cancelSource"] == "32"


def test_reduce_only_closes_and_never_opens(floor: Floor) -> None:
    swap = {"instId": SWAP, "tdMode": "cross"}
    assert floor.refused("sell", "market", sz="1", reduceOnly=True, **swap) == "51169"
    floor.place("buy", "market", sz="3", **swap)
    assert floor.refused("buy", "market", sz="1", reduceOnly=True, **swap) == "51170"
    order = floor.place("sell", "market", sz="5", reduceOnly=True, **swap)
    assert (order["accFillSz"], order["cancelSource"]) == ("3", "23")
    assert floor.exchange.account(MINE).positions == {}


def test_resting_reduce_only_orders_are_cut_to_the_position(floor: Floor) -> None:
    floor.move(SWAP, 100_000)
    swap = {"instId": SWAP, "tdMode": "cross"}
    floor.place("buy", "market", sz="3", **swap)
    stop = floor.place("sell", "limit", px="104000", sz="3", reduceOnly=True, **swap)
    floor.place("sell", "market", sz="1", **swap)
    assert floor.look(stop["ordId"])["sz"] == "2"
    assert floor.pushes(stop["ordId"])[-1]["amendSource"] == "2"
    floor.place("sell", "market", sz="2", **swap)
    assert floor.look(stop["ordId"])["cancelSource"] == "23"


def test_an_amend_down_keeps_the_place_in_the_queue(floor: Floor) -> None:
    floor.move(SPOT, 100_000)
    first = floor.place("buy", "limit", uid=OTHER, px="100000", sz="0.02")
    second = floor.place("buy", "limit", px="100000", sz="0.01")
    name = {"instId": SPOT, "ordId": first["ordId"]}
    floor.exchange.amend(OTHER, [{**name, "newSz": "0.015"}])
    floor.move(SPOT, 99_999.9)
    assert floor.look(second["ordId"])["state"] == "filled"


def test_the_book_shows_what_rests_and_not_what_was_taken(floor: Floor) -> None:
    floor.move(SPOT, 100_000)
    books, spot = floor.exchange.desk.liquidity, floor.instrument(SPOT)
    before = next(books.levels(spot, buying=False))
    floor.place("buy", "limit", px=text(before.price), sz=text(before.size / 2))
    assert next(books.levels(spot, buying=False)).size == before.size - before.size / 2
    seq = books.seq
    floor.place("sell", "limit", px=text(before.price), sz="0.5")
    level = next(books.levels(spot, buying=False))
    assert (level.size, level.orders) == (before.size / 2 + Decimal("0.5"), before.orders + 1)
    assert books.seq > seq


ORDERS = st.lists(
    st.tuples(
        st.sampled_from([MINE, OTHER]),
        st.sampled_from(["buy", "sell"]),
        st.sampled_from(["market", "limit", "ioc", "fok", "post_only"]),
        st.integers(1, 300),
        st.integers(-40, 40),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None)
@given(ORDERS, st.integers(1, 5))
def test_money_is_neither_made_nor_lost(orders: list[tuple[Any, ...]], seed: int) -> None:
    floor = Floor(seed=seed)
    floor.move(SPOT, 100_000)
    for uid, side, ord_type, lots, ticks in orders:
        price = text(Decimal(100_000) + ticks * Decimal("0.5"))
        how = {"tgtCcy": "base_ccy"} if ord_type == "market" else {"px": price}
        floor.ack(floor.order(side, ord_type, sz=text(lots * Decimal("0.01")), **how), uid=uid)
        floor.wait(0.2)
    for uid in (MINE, OTHER):
        account = floor.exchange.account(uid)
        for ccy, start in (("BTC", Decimal(10)), ("USDT", Decimal(1_000_000))):
            changes = sum(Decimal(bill["balChg"]) for bill in account.bills if bill["ccy"] == ccy)
            assert account.cash[ccy] == start + changes
            frozen = sum(o.frozen for o in account.orders.pending.values() if o.frozen_ccy == ccy)
            assert 0 <= frozen == account.frozen[ccy] <= account.cash[ccy]
        for order in account.orders.pending.values():
            assert order.filled_sz < order.sz


@settings(max_examples=40, deadline=None)
@given(ORDERS, st.sampled_from([SWAP, INVERSE]), st.sampled_from(["cross", "isolated"]))
def test_positions_are_the_sum_of_fills(
    orders: list[tuple[Any, ...]], inst_id: str, td_mode: str
) -> None:
    floor = Floor()
    floor.move(inst_id, 100_000)
    for uid, side, ord_type, lots, ticks in orders:
        price = text(Decimal(100_000) + ticks * Decimal("0.5"))
        how = {} if ord_type == "market" else {"px": price}
        named = {"instId": inst_id, "tdMode": td_mode}
        floor.ack(floor.order(side, ord_type, sz=str(lots), **named, **how), uid=uid)
        floor.wait(0.2)
    for uid in (MINE, OTHER):
        account = floor.exchange.account(uid)
        held = sum(fill.sz if order.asked.is_buy else -fill.sz for order, fill in account.fills)
        assert held == sum(position.sz for position in account.positions.values())
        kept = sum(order.frozen for order in account.orders.pending.values())
        assert 0 <= kept == sum(account.held_margin.values())
        for position in account.positions.values():
            assert position.sz
            assert (position.margin > 0) == (td_mode == "isolated")
