from collections import Counter
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest

from okx_gateway.account import order_state
from okx_gateway.account.order_state import LiveOrders, OrderReading, PushedOrder
from okx_gateway.domain.order import ENDED, Order, OrderState
from okx_gateway.domain.order_event import Fill, OrderChange
from tests.fakes.live_orders import OrderDesk, a_fill, a_live_order

PARTLY = a_live_order(state=OrderState.PARTIALLY_FILLED, filled_quantity="1", update_ms=1_001)
FILLED = a_live_order(state=OrderState.FILLED, filled_quantity="10", update_ms=1_009)
CANCELLED = a_live_order(state=OrderState.CANCELLED, cancel_source="1", update_ms=1_009)


def pushed(order: Order, fill: Fill | None = None) -> PushedOrder:
    return PushedOrder(order, fill, receive_ms=5)


@pytest.fixture
def orders() -> LiveOrders:
    orders = LiveOrders()
    orders.begin(OrderReading([], []), since_ms=900)
    return orders


def recovered(
    orders: LiveOrders, rows: list[Order], fills: list[Fill], *pushes: PushedOrder
) -> list[OrderChange] | None:
    return orders.recover(OrderReading(rows, fills), pushes, receive_ms=6)


def told(changes: list[OrderChange] | None) -> list[tuple[OrderState, str, str]]:
    """Each change in short: the state, what is filled, and the trade."""
    assert changes is not None
    return [
        (each.order.state, each.order.filled_quantity, each.fill.trade_id if each.fill else "")
        for each in changes
    ]


def test_every_push_is_told_once(orders: LiveOrders) -> None:
    pushes = [
        pushed(a_live_order()),
        pushed(PARTLY, a_fill()),
        pushed(replace(PARTLY, price="101", update_ms=1_002)),
        pushed(replace(CANCELLED, price="101", filled_quantity="1")),
    ]
    changes = [orders.push(each) for each in pushes]
    assert [each.order for each in changes if each] == [each.order for each in pushes]
    assert [orders.push(each) for each in pushes] == [None] * 4


def test_two_trades_of_one_millisecond_are_both_told(orders: LiveOrders) -> None:
    orders.push(pushed(a_live_order()))
    orders.push(pushed(PARTLY, a_fill()))
    change = orders.push(pushed(replace(PARTLY, filled_quantity="2"), a_fill(trade_id="8")))
    assert change is not None
    assert change.order.filled_quantity == "2"


def test_an_order_that_has_ended_never_goes_back(orders: LiveOrders) -> None:
    orders.push(pushed(CANCELLED))
    assert orders.push(pushed(replace(PARTLY, update_ms=2_000))) is None
    assert recovered(orders, [replace(FILLED, update_ms=2_000, filled_quantity="0")], []) == []
    assert orders.find("1") == CANCELLED
    assert not orders.open_orders


def test_a_state_that_is_not_known_here_is_news_and_ends_nothing(orders: LiveOrders) -> None:
    other = a_live_order(state=OrderState.OTHER, update_ms=1_003)
    pushes = [pushed(each) for each in (a_live_order(), other, other, FILLED)]
    changes = [orders.push(each) for each in pushes]
    assert [each.order.state if each else None for each in changes] == [
        OrderState.LIVE,
        OrderState.OTHER,
        None,
        OrderState.FILLED,
    ]


def test_a_trade_that_comes_after_the_end_is_told_with_the_order_as_it_ended(
    orders: LiveOrders,
) -> None:
    orders.push(pushed(CANCELLED))
    change = orders.push(pushed(PARTLY, a_fill()))
    assert change is not None
    assert (change.order, change.fill) == (CANCELLED, a_fill())


def test_a_failed_amend_is_no_news(orders: LiveOrders) -> None:
    orders.push(pushed(a_live_order()))
    assert orders.push(pushed(a_live_order(update_ms=1_500))) is None


def test_amounts_that_are_written_otherwise_are_the_same(orders: LiveOrders) -> None:
    orders.push(pushed(a_live_order()))
    other = a_live_order(price="100.0", quantity="10.00", filled_quantity="0.0", update_ms=1_005)
    assert orders.push(pushed(other)) is None


def test_what_the_lists_say_at_the_beginning_is_no_news(orders: LiveOrders) -> None:
    rows = [PARTLY, replace(FILLED, exchange_order_id="2")]
    orders.begin(OrderReading(rows, []), since_ms=900)
    assert list(orders.open_orders) == ["1"]
    assert recovered(orders, rows, [a_fill(), a_fill("2")]) == []


def test_an_order_that_came_and_went_unseen_is_told_from_its_placing(orders: LiveOrders) -> None:
    row = replace(CANCELLED, filled_quantity="1", average_price="100")
    changes = recovered(orders, [row], [a_fill()])
    assert told(changes) == [
        (OrderState.LIVE, "0", ""),
        (OrderState.PARTIALLY_FILLED, "1", "7"),
        (OrderState.CANCELLED, "1", ""),
    ]
    assert changes is not None
    assert all(each.recovered for each in changes)
    assert changes[-1].order == row


def test_the_trade_that_filled_it_is_told_with_the_order_as_filled(orders: LiveOrders) -> None:
    orders.push(pushed(a_live_order()))
    fills = [a_fill(trade_id="8", quantity="9", fill_ms=1_009), a_fill(fill_ms=1_009)]
    changes = recovered(orders, [FILLED], fills)
    assert told(changes) == [
        (OrderState.PARTIALLY_FILLED, "1", "7"),
        (OrderState.FILLED, "10", "8"),
    ]


def test_a_market_order_in_quote_currency_ends_with_a_change_of_its_own(orders: LiveOrders) -> None:
    row = replace(FILLED, quantity="500", filled_quantity="1", price="")
    assert told(recovered(orders, [row], [a_fill()])) == [
        (OrderState.LIVE, "0", ""),
        (OrderState.PARTIALLY_FILLED, "1", "7"),
        (OrderState.FILLED, "1", ""),
    ]


def test_an_amend_that_was_missed_is_told(orders: LiveOrders) -> None:
    orders.push(pushed(a_live_order()))
    changes = recovered(orders, [a_live_order(price="99", update_ms=1_004)], [])
    assert changes is not None
    assert [each.order.price for each in changes] == ["99"]


def test_nothing_is_taken_from_lists_that_do_not_add_up(orders: LiveOrders) -> None:
    orders.push(pushed(a_live_order()))
    assert recovered(orders, [PARTLY], []) is None
    assert orders.find("1") == a_live_order()
    assert told(recovered(orders, [PARTLY], [a_fill()])) == [
        (OrderState.PARTIALLY_FILLED, "1", "7")
    ]


def test_what_the_channel_tells_meanwhile_is_told_behind_what_was_missed(
    orders: LiveOrders,
) -> None:
    orders.push(pushed(a_live_order()))
    second = replace(PARTLY, filled_quantity="2", update_ms=1_005)
    fills = [a_fill(), a_fill(trade_id="8", fill_ms=1_005), a_fill(trade_id="9", fill_ms=1_006)]
    third = replace(PARTLY, filled_quantity="3", update_ms=1_006)
    meanwhile = pushed(second, fills[1])
    assert told(recovered(orders, [third], fills, meanwhile)) == [
        (OrderState.PARTIALLY_FILLED, "1", "7"),
        (OrderState.PARTIALLY_FILLED, "2", "8"),
    ]
    assert orders.push(pushed(third, fills[2])) is not None


def test_what_the_lists_told_is_not_told_again_by_a_push_under_way(orders: LiveOrders) -> None:
    orders.push(pushed(a_live_order()))
    recovered(orders, [PARTLY], [a_fill()])
    assert orders.push(pushed(PARTLY, a_fill())) is None


def test_ended_orders_are_forgotten_in_the_end(
    orders: LiveOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_state, "_ENDED_MAX", 3)
    for number in range(5):
        orders.push(pushed(replace(FILLED, exchange_order_id=str(number))))
    assert [orders.find(str(number)) is None for number in range(5)] == [True] * 2 + [False] * 3


class Reader:
    """Sees that each trade, placing and end is told once, in order."""

    def __init__(self) -> None:
        self.trades: Counter[tuple[str, str]] = Counter()
        self.ends: Counter[str] = Counter()
        self.placed: Counter[str] = Counter()
        self.last: dict[str, Order] = {}

    def take(self, change: OrderChange) -> None:
        order = change.order
        name = order.exchange_order_id
        if change.fill is not None:
            self.trades[name, change.fill.trade_id] += 1
        last = self.last.get(name)
        if last is None or last.state not in ENDED:
            self.ends[name] += order.state in ENDED
        else:
            assert order == last
        if last is None:
            self.placed[name] += 1
            assert order.state is OrderState.LIVE
        else:
            assert Decimal(order.filled_quantity) >= Decimal(last.filled_quantity)
            assert order.update_ms >= last.update_ms
        self.last[name] = order


@pytest.mark.parametrize("seed", range(60))
def test_each_change_is_told_once_and_in_order_however_often_the_channel_is_lost(
    seed: int,
) -> None:
    random = Random(seed)
    desk, reader, orders = OrderDesk(random), Reader(), LiveOrders()
    orders.begin(OrderReading([], []), since_ms=desk.now_ms)
    taken = 0
    for _ in range(20):
        for _ in range(random.randrange(12)):
            desk.happen()
        while taken < len(desk.pushes) - random.randrange(3):
            change = orders.push(desk.pushes[taken])
            taken += 1
            if change is not None:
                reader.take(change)
        for _ in range(random.randrange(12)):
            desk.happen()
        acknowledged = len(desk.pushes)
        for _ in range(random.randrange(6)):
            desk.happen()
        reading = desk.read(orders.since_ms - 5, meanwhile=random.randrange(3))
        # Of what was pushed since, the last may still be under way.
        taken = max(acknowledged, len(desk.pushes) - random.randrange(4))
        changes = orders.recover(reading, desk.pushes[acknowledged:taken], receive_ms=0)
        assert changes is not None
        for change in changes:
            reader.take(change)
    for each in desk.pushes[taken:]:
        last = orders.push(each)
        if last is not None:
            reader.take(last)
    assert set(reader.trades.values()) <= {1}
    assert reader.trades.keys() == {(f.exchange_order_id, f.trade_id) for f in desk.fills}
    assert reader.placed.keys() == desk.orders.keys()
    assert {name: order.state for name, order in reader.last.items()} == {
        name: order.state for name, order in desk.orders.items()
    }
    assert {name: order.price for name, order in reader.last.items()} == {
        name: order.price for name, order in desk.orders.items()
    }
    assert all(reader.ends[name] == (order.state in ENDED) for name, order in desk.orders.items())
