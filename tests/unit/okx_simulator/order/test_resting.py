from decimal import Decimal

from okx_simulator.market.listing import Listing
from okx_simulator.number import ZERO
from okx_simulator.order.order import NewOrder, Order
from okx_simulator.order.resting import RestingOrders
from tests.support.trading_floor import SPOT, START_MS, listed

PAIR = listed(Listing(START_MS), SPOT)


def order(side: str, px: int) -> Order:
    asked = NewOrder(PAIR, "cash", side, "limit", Decimal(1), Decimal(px))
    return Order(1, "1", asked, asked.sz, asked.px, ZERO, 0, 0)


def test_orders_stand_by_price_then_by_time() -> None:
    resting = RestingOrders()
    bids = [order("buy", px) for px in (99, 100, 99, 101)]
    asks = [order("sell", px) for px in (103, 102, 103)]
    for one in (*bids, *asks):
        resting.add(one)
    assert list(resting.best_first(SPOT, buying=True)) == [bids[3], bids[1], bids[0], bids[2]]
    assert list(resting.best_first(SPOT, buying=False)) == [asks[1], asks[0], asks[2]]
    assert resting.instruments() == {SPOT}


def test_what_is_removed_is_gone_and_removing_again_does_nothing() -> None:
    resting, one = RestingOrders(), order("buy", 99)
    resting.remove(one)
    resting.add(one)
    resting.remove(one)
    resting.remove(one)
    assert list(resting.best_first(SPOT, buying=True)) == []
    assert resting.instruments() == set()
