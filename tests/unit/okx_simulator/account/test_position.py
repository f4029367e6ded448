from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_simulator.account.position import Position, apply_fill
from okx_simulator.market.listing import Listing
from okx_simulator.number import ZERO
from tests.support.trading_floor import listed

LISTING = Listing(1_795_363_200_000)
CHANGES = st.lists(
    st.tuples(st.integers(-50, 50).filter(bool), st.integers(90_000, 110_000)), max_size=20
)


def position(inst_id: str, mgn_mode: str = "cross", inst_type: str = "", ccy: str = "") -> Position:
    instrument = listed(LISTING, inst_id, inst_type)
    return Position(
        pos_id=1,
        instrument=instrument,
        mgn_mode=mgn_mode,
        pos_side="net",
        ccy=ccy or instrument.money_ccy,
        lever=Decimal(10),
        created_ms=0,
        updated_ms=0,
    )


def test_a_linear_position_earns_in_its_quote() -> None:
    held = position("BTC-USDT-SWAP")
    apply_fill(held, Decimal(10), Decimal(100_000), 1)
    apply_fill(held, Decimal(10), Decimal(102_000), 2)
    assert (held.avg_px, held.sz) == (Decimal(101_000), Decimal(20))
    assert held.upl(Decimal(103_000)) == 20 * Decimal("0.01") * 2_000
    moved = apply_fill(held, Decimal(-5), Decimal(103_000), 3)
    assert (moved.closed, moved.opened, moved.pnl) == (Decimal(5), Decimal(0), Decimal(100))
    assert held.avg_px == 101_000


def test_an_inverse_position_earns_in_coins() -> None:
    held = position("BTC-USD-SWAP")
    apply_fill(held, Decimal(10), Decimal(100_000), 1)
    assert held.initial(Decimal(100_000)) == Decimal("0.001")
    moved = apply_fill(held, Decimal(-10), Decimal(125_000), 2)
    assert moved.pnl == Decimal(1_000) * (1 / Decimal(100_000) - 1 / Decimal(125_000))


def test_an_order_larger_than_the_position_turns_it_round() -> None:
    held = position("BTC-USDT-SWAP")
    apply_fill(held, Decimal(3), Decimal(100_000), 1)
    moved = apply_fill(held, Decimal(-5), Decimal(101_000), 2)
    assert (moved.closed, moved.opened, moved.pnl) == (Decimal(3), Decimal(2), Decimal(30))
    assert (held.sz, held.avg_px) == (Decimal(-2), Decimal(101_000))
    assert held.upl(Decimal(100_000)) == 20


def test_an_isolated_position_takes_margin_and_gives_it_back() -> None:
    held = position("BTC-USDT-SWAP", "isolated")
    assert apply_fill(held, Decimal(10), Decimal(100_000), 1).to_margin == 1_000
    assert held.margin == 1_000
    assert apply_fill(held, Decimal(-4), Decimal(100_000), 2).to_margin == -400
    assert apply_fill(held, Decimal(-6), Decimal(100_000), 3).to_margin == -600
    assert (held.sz, held.margin) == (Decimal(0), Decimal(0))


def test_margin_in_the_base_currency_is_counted_in_it() -> None:
    held = position("BTC-USDT", "isolated", "MARGIN", "BTC")
    moved = apply_fill(held, Decimal(1), Decimal(100_000), 1)
    assert moved.to_margin == Decimal("0.1")
    assert held.upl(Decimal(200_000)) == Decimal("0.5")


def test_options_have_a_value_and_only_sellers_need_margin() -> None:
    held = position("BTC-USD-261225-100000-C")
    apply_fill(held, Decimal(5), Decimal("0.02"), 1)
    assert held.option_value(Decimal("0.03")) == Decimal("0.0015")
    assert held.initial(Decimal("0.03")) == held.maintenance(Decimal("0.03")) == ZERO
    apply_fill(held, Decimal(-15), Decimal("0.02"), 2)
    assert held.option_value(Decimal("0.03")) == Decimal("-0.003")
    assert held.initial(Decimal("0.03")) == Decimal("0.015")


@given(CHANGES, st.sampled_from(["BTC-USDT-SWAP", "BTC-USD-SWAP"]))
def test_profits_add_up_to_what_the_fills_cost(
    changes: list[tuple[int, int]], inst_id: str
) -> None:
    held = position(inst_id)
    paid = ZERO
    for change, px in changes:
        apply_fill(held, Decimal(change), Decimal(px), 1)
        units = change * held.instrument.ct_val
        paid += units / px if held.instrument.is_inverse else -units * px
    last = Decimal(100_000)
    units = held.sz * held.instrument.ct_val
    worth = -units / last if held.instrument.is_inverse else units * last
    assert float(held.pnl + held.upl(last)) == pytest.approx(float(paid + worth), abs=1e-6)
