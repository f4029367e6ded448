from decimal import Decimal

from okx_simulator.market.listing import Listing
from okx_simulator.number import ZERO
from okx_simulator.order.order import CANCELED, PARTIALLY_FILLED, NewOrder, Order
from tests.support.trading_floor import SPOT, START_MS, listed

PAIR = listed(Listing(START_MS), SPOT)


def order(tgt_ccy: str = "") -> Order:
    asked = NewOrder(PAIR, "cash", "buy", "limit", Decimal(10), Decimal(100), tgt_ccy=tgt_ccy)
    return Order(1, "1", asked, asked.sz, asked.px, ZERO, 0, 0)


def test_what_is_left_is_a_quantity_or_money() -> None:
    for tgt_ccy, left in (("", 8), ("base_ccy", 8), ("quote_ccy", 4)):
        one = order(tgt_ccy)
        one.filled_sz, one.filled_money, one.filled_value = Decimal(2), Decimal(6), Decimal(6)
        assert one.left == left
        assert one.avg_px == 3


def test_an_order_is_pending_until_it_is_done() -> None:
    one = order()
    assert one.is_pending
    one.state = PARTIALLY_FILLED
    assert one.is_pending
    one.state = CANCELED
    assert not one.is_pending


def test_without_a_fill_there_is_no_average() -> None:
    assert order().avg_px == 0


def test_no_two_orders_are_the_same() -> None:
    assert order() != order()
