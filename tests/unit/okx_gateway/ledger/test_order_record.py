import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_gateway.domain.order import (
    AttachedExit,
    Conflict,
    Limit,
    Market,
    NewOrder,
    NotPlaced,
    Outcome,
    Placed,
    PositionSide,
    Refused,
    SelfTradePrevention,
    Side,
    TargetCurrency,
    TimeInForce,
    TradeMode,
    TriggerPriceType,
)
from okx_gateway.ledger.order_record import (
    Intent,
    OrderRecord,
    cancel_parts,
    fields_of,
    first_difference,
    order_from,
    order_text,
    record_from,
    sealed_outcome,
)
from tests.fakes.ledgers import SEAL
from tests.fakes.orders import an_order

OWNER = "live:1"
amounts = st.decimals("0.000000000000000001", 10**17, places=18)
names = st.text("ABCabc019-", min_size=1, max_size=12)
exits = (
    st.builds(AttachedExit, amounts, st.sampled_from(TriggerPriceType), st.none() | amounts)
    | st.none()
)
orders = st.builds(
    NewOrder,
    account=names,
    client_order_id=names,
    instrument=names,
    side=st.sampled_from(Side),
    trade_mode=st.sampled_from(TradeMode),
    quantity=amounts,
    kind=st.builds(Market, st.none() | st.sampled_from(TargetCurrency))
    | st.builds(Limit, amounts, st.sampled_from(TimeInForce)),
    position_side=st.none() | st.sampled_from(PositionSide),
    reduce_only=st.booleans(),
    margin_currency=st.just("") | names,
    self_trade_prevention=st.none() | st.sampled_from(SelfTradePrevention),
    take_profit=exits,
    stop_loss=exits,
    tag=st.just("") | names,
)
times = st.integers(1, 10**16)
outcomes = st.one_of(
    st.builds(Placed, names, times, st.none() | times, st.none() | times),
    st.builds(Refused, names, st.text(max_size=50)),
    st.just(NotPlaced()),
    st.builds(Conflict, names),
)


def row_of(order: NewOrder, state: list[str]) -> dict[str, str]:
    """What stands in Redis after the order was settled with `state`."""
    text = order_text(order)
    intent = Intent(OWNER, "desk", order, text, "ab", sent_ms=5, remaining_ms=2_000)
    return {
        "caller": "desk",
        "sent_ms": "5",
        "remaining_ms": "2000",
        "expiry_ms": "1005",
        "nonce": "ab",
        "order": text,
        "seal": SEAL.tag(*intent.parts()),
        "state": state[0],
        **dict(zip(state[1::2], state[2::2], strict=True)),
    }


def settled(order: NewOrder, outcome: Outcome) -> list[str]:
    return sealed_outcome(SEAL, OWNER, order.client_order_id, "ab", outcome)


def read(row: dict[str, str], client_order_id: str = "a1") -> OrderRecord:
    return record_from(row, seal=SEAL, owner=OWNER, client_order_id=client_order_id)


@given(orders)
def test_an_order_survives_being_written_and_read(order: NewOrder) -> None:
    fields = fields_of(order)
    assert order_from(json.loads(json.dumps(fields))) == order
    assert all(isinstance(value, str) for value in fields.values())
    assert first_difference(order, order_from(fields)) == ""


@given(orders, outcomes)
def test_a_row_survives_being_written_and_read(order: NewOrder, outcome: Outcome) -> None:
    record = read(row_of(order, settled(order, outcome)), order.client_order_id)
    assert record == OrderRecord("desk", order, 5, 1_005, outcome, "ab")


def test_an_order_that_is_being_sent_has_no_outcome() -> None:
    assert read(row_of(an_order(), ["sending"])).outcome is None


@given(orders, orders)
def test_two_orders_are_the_same_exactly_if_no_field_differs(
    one: NewOrder, other: NewOrder
) -> None:
    assert (first_difference(one, other) == "") is (one == other)


CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("account", {"account": "other"}),
    ("client_order_id", {"client_order_id": "b2"}),
    ("instrument", {"instrument": "ETH-USDT"}),
    ("side", {"side": Side.SELL}),
    ("trade_mode", {"trade_mode": TradeMode.CROSS}),
    ("quantity", {"quantity": Decimal("0.51")}),
    ("limit.price", {"kind": Limit(Decimal(1), TimeInForce.GOOD_TILL_CANCELLED)}),
    ("limit.time_in_force", {"kind": Limit(Decimal("30000.1"), TimeInForce.POST_ONLY)}),
    ("limit.price", {"kind": Market()}),
    ("position_side", {"position_side": PositionSide.LONG}),
    ("reduce_only", {"reduce_only": True}),
    ("margin_currency", {"margin_currency": "USDT"}),
    ("self_trade_prevention", {"self_trade_prevention": SelfTradePrevention.CANCEL_BOTH}),
    ("take_profit.trigger_price", {"take_profit": AttachedExit(Decimal(1))}),
    ("stop_loss.trigger_price", {"stop_loss": AttachedExit(Decimal(1))}),
    ("tag", {"tag": "desk7"}),
]


@pytest.mark.parametrize(("field", "change"), CHANGES)
def test_the_field_that_differs_is_named_as_in_the_api(field: str, change: dict[str, Any]) -> None:
    assert first_difference(an_order(), replace(an_order(), **change)) == field


@given(st.sets(st.integers(0, len(CHANGES) - 1), min_size=1))
def test_of_several_differences_the_first_is_named(chosen: set[int]) -> None:
    changes: dict[str, Any] = {}
    for number in sorted(chosen, reverse=True):
        changes |= CHANGES[number][1]
    differing = {
        first_difference(an_order(), replace(an_order(), **{name: value}))
        for name, value in changes.items()
    }
    named = [field for field, _ in CHANGES]
    first = min(differing, key=named.index)
    assert first_difference(an_order(), replace(an_order(), **changes)) == first


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (an_order(quantity=Decimal("0.50")), an_order(quantity=Decimal("0.5"))),
        (an_order(quantity=Decimal("5E+2")), an_order(quantity=Decimal(500))),
    ],
)
def test_one_amount_written_in_two_ways_does_not_differ(one: NewOrder, other: NewOrder) -> None:
    assert first_difference(one, other) == ""


def test_a_market_order_that_says_nothing_of_its_unit_differs_from_one_that_does() -> None:
    silent, base = an_order(kind=Market()), an_order(kind=Market(TargetCurrency.BASE))
    assert first_difference(silent, base) == "market.target_currency"


GOOD = row_of(an_order(), settled(an_order(), Placed("7", 5)))


@pytest.mark.parametrize(
    "change",
    [
        {"state": "thinking"},
        {"state": ""},
        {"order": "{}"},
        {"order": "not json"},
        {"sent_ms": ""},
        {"expiry_ms": "soon"},
        {"place_ms": "x"},
        {"order": json.dumps(fields_of(an_order()) | {"side": "BUY"})},
    ],
)
def test_a_row_that_was_not_written_here_is_not_read(change: dict[str, str]) -> None:
    with pytest.raises((ValueError, KeyError)):
        read(GOOD | change)


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_a_row_with_a_part_missing_is_not_read(missing: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        read({name: value for name, value in GOOD.items() if name != missing})


@pytest.mark.parametrize("row", [GOOD, row_of(an_order(), ["sending"])])
def test_a_row_of_another_id_or_owner_is_not_read(row: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="sealed"):
        read(row, "a2")
    with pytest.raises(ValueError, match="sealed"):
        record_from(row, seal=SEAL, owner="demo:2", client_order_id="a1")


@pytest.mark.parametrize(
    "change",
    [
        {"caller": "web"},
        {"nonce": "cd"},
        {"sent_ms": "6"},
        {"remaining_ms": "2001"},
        {"exchange_order_id": "8"},
        {"place_ms": "6"},
        {"receive_us": "6"},
        {"state": "not_placed"},
    ],
)
def test_a_row_with_a_part_that_was_changed_is_not_read(change: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="sealed"):
        read(GOOD | change)


@pytest.mark.parametrize(
    "made_for", [("demo:2", "a1", "ab"), (OWNER, "a2", "ab"), (OWNER, "a1", "cd")]
)
def test_a_cancel_kept_for_another_order_or_grant_is_not_wanted(
    made_for: tuple[str, str, str],
) -> None:
    assert read(GOOD | {"cancel": SEAL.tag(*cancel_parts(OWNER, "a1", "ab"))}).cancel_wanted
    assert not read(GOOD | {"cancel": SEAL.tag(*cancel_parts(*made_for))}).cancel_wanted
