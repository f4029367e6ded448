"""One row per rule: what OKX takes, and what it is known to refuse."""

from decimal import Decimal
from typing import Any

import pytest

from okx_gateway.domain.account import Account
from okx_gateway.domain.instrument import InstrumentType
from okx_gateway.domain.order import (
    AttachedExit,
    Limit,
    Market,
    NewOrder,
    PositionSide,
    Side,
    TargetCurrency,
    TimeInForce,
    TradeMode,
)
from okx_gateway.usecases.order_rules import violations
from tests.fakes.orders import LONG_SHORT, NET, an_instrument, an_order

SPOT, MARGIN, SWAP, FUTURES, OPTION = InstrumentType
CASH, CROSS, ISOLATED = TradeMode
BASE, QUOTE = TargetCurrency
# What each type needs beside the defaults to break no rule.
LEGAL: dict[InstrumentType, dict[str, Any]] = {
    SPOT: {"trade_mode": CASH},
    MARGIN: {"trade_mode": CROSS},
    SWAP: {"trade_mode": CROSS},
    FUTURES: {"trade_mode": ISOLATED},
    OPTION: {"trade_mode": CASH},
}


def a_legal(kind: InstrumentType, /, **changes: Any) -> NewOrder:
    return an_order(**LEGAL[kind] | changes)


def wrong(order: NewOrder, kind: InstrumentType, account: Account = NET, **rules: Any) -> list[str]:
    """The fields that break a rule."""
    return [each.field for each in violations(order, an_instrument(kind, **rules), account)]


@pytest.mark.parametrize("kind", InstrumentType)
def test_a_legal_limit_order_breaks_no_rule(kind: InstrumentType) -> None:
    assert wrong(a_legal(kind), kind) == []


@pytest.mark.parametrize("kind", InstrumentType)
def test_an_instrument_that_is_closed_is_refused(kind: InstrumentType) -> None:
    assert wrong(a_legal(kind), kind, tradable=False) == ["instrument"]


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        (SPOT, {CASH}),
        (MARGIN, {CROSS, ISOLATED}),
        (SWAP, {CROSS, ISOLATED}),
        (FUTURES, {CROSS, ISOLATED}),
        (OPTION, {CASH, CROSS, ISOLATED}),
    ],
)
@pytest.mark.parametrize("mode", TradeMode)
def test_each_type_has_its_trade_modes(
    kind: InstrumentType, allowed: set[TradeMode], mode: TradeMode
) -> None:
    currency = "USDT" if kind is MARGIN and mode is ISOLATED else ""
    order = an_order(trade_mode=mode, margin_currency=currency)
    assert wrong(order, kind) == ([] if mode in allowed else ["trade_mode"])


@pytest.mark.parametrize(
    ("quantity", "broken"),
    [
        ("0.02", 0),
        ("0.01", 1),
        ("0.025", 1),
        ("0.001", 2),
        ("100", 0),
        ("100.01", 1),
    ],
)
@pytest.mark.parametrize("kind", InstrumentType)
def test_quantities_are_multiples_of_the_lot_within_bounds(
    kind: InstrumentType, quantity: str, broken: int
) -> None:
    assert wrong(a_legal(kind, quantity=Decimal(quantity)), kind) == ["quantity"] * broken


def test_a_maximum_that_okx_does_not_tell_bounds_nothing() -> None:
    huge = a_legal(SPOT, quantity=Decimal(10**15))
    assert wrong(huge, SPOT, maximum_limit=Decimal(0)) == []


@pytest.mark.parametrize(("kind", "bounded"), [(SWAP, True), (FUTURES, True), (SPOT, False)])
def test_the_largest_market_order_of_a_pair_is_for_okx_to_tell(
    kind: InstrumentType, *, bounded: bool
) -> None:
    # OKX docs, "Get instruments": maxMktSz is in USDT for SPOT and MARGIN.
    order = a_legal(kind, kind=Market(), quantity=Decimal(60))
    assert wrong(order, kind) == (["quantity"] if bounded else [])


def test_a_quantity_in_quote_currency_has_no_lot_and_no_minimum() -> None:
    order = a_legal(SPOT, kind=Market(QUOTE), quantity=Decimal("0.001"))
    assert wrong(order, SPOT) == []


@pytest.mark.parametrize(("price", "ok"), [("0.1", True), ("30000.15", False), ("0.05", False)])
@pytest.mark.parametrize("kind", InstrumentType)
def test_prices_are_multiples_of_the_tick(kind: InstrumentType, price: str, *, ok: bool) -> None:
    limit = Limit(Decimal(price), TimeInForce.POST_ONLY)
    assert wrong(a_legal(kind, kind=limit), kind) == ([] if ok else ["limit.price"])


@pytest.mark.parametrize(
    ("kind", "side", "target", "field"),
    [
        (SPOT, Side.BUY, None, ""),
        (SPOT, Side.BUY, BASE, ""),
        (SPOT, Side.BUY, QUOTE, ""),
        (SPOT, Side.SELL, BASE, ""),
        (SPOT, Side.SELL, QUOTE, ""),
        (MARGIN, Side.BUY, QUOTE, ""),
        (MARGIN, Side.BUY, BASE, "market.target_currency"),
        (MARGIN, Side.BUY, None, "market.target_currency"),
        (MARGIN, Side.SELL, BASE, ""),
        (MARGIN, Side.SELL, None, ""),
        (MARGIN, Side.SELL, QUOTE, "market.target_currency"),
        (SWAP, Side.BUY, None, ""),
        (SWAP, Side.BUY, BASE, "market.target_currency"),
        (FUTURES, Side.SELL, QUOTE, "market.target_currency"),
        (OPTION, Side.BUY, None, "market"),
        (OPTION, Side.SELL, BASE, "market"),
    ],
)
def test_market_orders_are_counted_in_what_okx_counts_them_in(
    kind: InstrumentType, side: Side, target: TargetCurrency | None, field: str
) -> None:
    order = a_legal(kind, kind=Market(target), side=side)
    assert wrong(order, kind) == ([field] if field else [])


@pytest.mark.parametrize(
    ("kind", "account", "side", "field"),
    [
        (SPOT, NET, None, ""),
        (SPOT, LONG_SHORT, None, ""),
        (SPOT, LONG_SHORT, PositionSide.LONG, "position_side"),
        (MARGIN, LONG_SHORT, PositionSide.SHORT, "position_side"),
        (OPTION, LONG_SHORT, PositionSide.LONG, "position_side"),
        (OPTION, LONG_SHORT, None, ""),
        *((kind, NET, None, "") for kind in (SWAP, FUTURES)),
        *((kind, NET, PositionSide.LONG, "position_side") for kind in (SWAP, FUTURES)),
        *((kind, LONG_SHORT, PositionSide.LONG, "") for kind in (SWAP, FUTURES)),
        *((kind, LONG_SHORT, PositionSide.SHORT, "") for kind in (SWAP, FUTURES)),
        *((kind, LONG_SHORT, None, "position_side") for kind in (SWAP, FUTURES)),
    ],
)
def test_a_position_side_belongs_to_long_short_accounts_and_their_contracts(
    kind: InstrumentType, account: Account, side: PositionSide | None, field: str
) -> None:
    order = a_legal(kind, position_side=side)
    assert wrong(order, kind, account) == ([field] if field else [])


@pytest.mark.parametrize(
    ("kind", "account", "side", "ok"),
    [
        (SPOT, NET, None, False),
        (OPTION, NET, None, False),
        (MARGIN, NET, None, True),
        (SWAP, NET, None, True),
        (FUTURES, NET, None, True),
        (SWAP, LONG_SHORT, PositionSide.LONG, False),
    ],
)
def test_only_some_orders_may_only_reduce(
    kind: InstrumentType, account: Account, side: PositionSide | None, *, ok: bool
) -> None:
    order = a_legal(kind, position_side=side, reduce_only=True)
    assert wrong(order, kind, account) == ([] if ok else ["reduce_only"])


@pytest.mark.parametrize(
    ("kind", "mode", "currency", "ok"),
    [
        (MARGIN, ISOLATED, "", False),
        (MARGIN, ISOLATED, "USDT", True),
        (MARGIN, CROSS, "", True),
        (MARGIN, CROSS, "USDT", True),
        (SPOT, CASH, "USDT", False),
        (SWAP, CROSS, "USDT", False),
        (FUTURES, CROSS, "BTC", False),
        (OPTION, ISOLATED, "BTC", False),
    ],
)
def test_a_margin_currency_belongs_to_margin(
    kind: InstrumentType, mode: TradeMode, currency: str, *, ok: bool
) -> None:
    order = an_order(trade_mode=mode, margin_currency=currency)
    assert wrong(order, kind) == ([] if ok else ["margin_currency"])


@pytest.mark.parametrize("field", ["take_profit", "stop_loss"])
def test_the_prices_of_an_exit_are_multiples_of_the_tick(field: str) -> None:
    good = AttachedExit(Decimal("31000.1"), order_price=Decimal("31000.2"))
    assert wrong(a_legal(SWAP, **{field: good}), SWAP) == []
    bad = AttachedExit(Decimal("31000.15"), order_price=Decimal("0.05"))
    assert wrong(a_legal(SWAP, **{field: bad}), SWAP) == [
        f"{field}.trigger_price",
        f"{field}.order_price",
    ]
    assert wrong(a_legal(OPTION, **{field: good}), OPTION) == [field]


def test_everything_wrong_is_told_in_the_order_of_the_request() -> None:
    order = an_order(
        trade_mode=CROSS,
        quantity=Decimal("0.001"),
        kind=Limit(Decimal("0.15"), TimeInForce.POST_ONLY),
        position_side=PositionSide.LONG,
        margin_currency="USDT",
        stop_loss=AttachedExit(Decimal("0.15")),
    )
    assert wrong(order, SPOT, tradable=False) == [
        *("instrument", "trade_mode", "quantity", "quantity", "limit.price"),
        *("position_side", "margin_currency", "stop_loss.trigger_price"),
    ]


def test_a_violation_tells_the_rule_and_what_was_given_in_the_words_of_the_api() -> None:
    [violation] = violations(an_order(trade_mode=ISOLATED), an_instrument(SPOT), NET)
    assert violation.description == "must be TRADE_MODE_CASH for SPOT"
    assert violation.value == "TRADE_MODE_ISOLATED"
    order = an_order(quantity=Decimal("0.025"))
    [violation] = violations(order, an_instrument(SPOT), NET)
    assert violation.description == "must be a multiple of the lot 0.01"
    assert violation.value == "0.025"
