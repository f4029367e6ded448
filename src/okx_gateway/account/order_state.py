"""What is known of the orders of an account, and what of what comes is news?  Pure.

A change is news where an order is new, where its state, price, quantity or filled quantity is
another, or where a trade was not told yet. What is older than what is known is none, and an order
that has ended never goes back.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeVar

from okx_gateway.domain.money import sum_of, text_from_amount
from okx_gateway.domain.order import ENDED, Order, OrderState
from okx_gateway.domain.order_event import Fill, OrderChange

# Ended orders that are remembered, so that nothing of them is told twice: more than an account can
# end in the time by which lists are read from before the last change.
_ENDED_MAX = 10_000
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class PushedOrder:
    """What one row of the channel says: the order after a change, and the fill that it was."""

    order: Order
    fill: Fill | None
    receive_ms: int


@dataclass(frozen=True, slots=True)
class OrderReading:
    """What OKX's lists say: orders that are open or were placed lately, and fills of late."""

    orders: Sequence[Order]
    fills: Sequence[Fill]


@dataclass(slots=True)
class _Known:
    """An order, and which of its trades were told; those until `begun_ms` never will be."""

    order: Order
    trades: set[str] = field(default_factory=set)
    begun_ms: int = -1

    def lacks(self, fill: Fill) -> bool:
        """Whether the fill is news."""
        return fill.trade_id not in self.trades and fill.fill_ms > self.begun_ms


class LiveOrders:
    """The orders of one account; `since_ms` is the last moment that is told of, by OKX's clock."""

    def __init__(self) -> None:
        self._open: dict[str, _Known] = {}
        self._ended: OrderedDict[str, _Known] = OrderedDict()
        self.since_ms = 0

    @property
    def open_orders(self) -> Mapping[str, Order]:
        """Open orders by OKX's id."""
        return {order_id: known.order for order_id, known in self._open.items()}

    def find(self, exchange_order_id: str) -> Order | None:
        """The order by OKX's id, where it is known."""
        known = self._known(exchange_order_id)
        return known.order if known is not None else None

    def begin(self, reading: OrderReading, *, since_ms: int) -> None:
        """Know what the lists say, and nothing else; it is no news."""
        self._open.clear()
        self._ended.clear()
        self.since_ms = since_ms
        for order in _newest(reading.orders).values():
            self._keep(_Known(order, begun_ms=order.update_ms))

    def push(self, pushed: PushedOrder) -> OrderChange | None:
        """Take what the channel says, of which nothing before it was missed; the news in it."""
        order, fill = pushed.order, pushed.fill
        known = self._known(order.exchange_order_id)
        if known is None:
            self._keep(_Known(order, {fill.trade_id} if fill else set()))
            return OrderChange(order, fill, recovered=False, receive_ms=pushed.receive_ms)
        news = _advances(known.order, order)
        if fill is not None:
            # Of one millisecond with the first reading, only the amount tells whether it is news.
            if not known.lacks(fill) and not _has_more(order, known.order):
                fill = None
            else:
                known.trades.add(fill.trade_id)
        if news or _completes(known.order, order):
            known.order = order
            self._keep(known)
        if not news and fill is None:
            return None
        return OrderChange(known.order, fill, recovered=False, receive_ms=pushed.receive_ms)

    def recover(
        self, reading: OrderReading, pushed: Sequence[PushedOrder], *, receive_ms: int
    ) -> list[OrderChange] | None:
        """Take what the lists say after something was missed, and then what the channel says since.

        None, and nothing is taken, where they do not add up: a list may lag behind another.
        """
        rows = _newest(reading.orders)
        fills = _by_order(reading.fills, lambda fill: fill.exchange_order_id)
        pushes = _by_order(pushed, lambda each: each.order.exchange_order_id)
        missed = {
            order_id: _Missed(rows.get(order_id), fills.get(order_id, []), pushes.get(order_id, []))
            for order_id in {*rows, *pushes, *(fills.keys() & self._open.keys())}
        }
        if not all(each.adds_up(self._known(name)) for name, each in missed.items()):
            return None
        changes: list[OrderChange] = []
        for order_id, each in missed.items():
            changes += self._recover_one(order_id, each, receive_ms)
        return changes

    def _recover_one(
        self, order_id: str, missed: "_Missed", receive_ms: int
    ) -> Iterator[OrderChange]:
        known = self._known(order_id)
        row = missed.row_before_pushes()
        if known is None and not missed.begins_with_its_placing(row):
            order = _as_placed(row or missed.pushes[0].order)
            known = _Known(order)
            self._keep(known)
            yield OrderChange(order, None, recovered=True, receive_ms=receive_ms)
        if known is not None:
            yield from self._recover_lists(known, missed, row, receive_ms)
        for each in missed.pushes:
            change = self.push(each)
            if change is not None:
                yield change

    def _recover_lists(
        self, known: _Known, missed: "_Missed", row: Order | None, receive_ms: int
    ) -> Iterator[OrderChange]:
        fills = missed.fills_before_pushes(known)
        until_row = [fill for fill in fills if row is None or fill.fill_ms <= row.update_ms]
        yield from self._fill(known, until_row, row, receive_ms)
        if row is not None:
            news = _advances(known.order, row)
            if news or _completes(known.order, row):
                known.order = row
                self._keep(known)
            if news:
                yield OrderChange(row, None, recovered=True, receive_ms=receive_ms)
        yield from self._fill(known, fills[len(until_row) :], None, receive_ms)

    def _fill(
        self, known: _Known, fills: Sequence[Fill], row: Order | None, receive_ms: int
    ) -> Iterator[OrderChange]:
        for fill in fills:
            known.trades.add(fill.trade_id)
            known.order = _after_fill(known.order, fill, row)
            self._keep(known)
            yield OrderChange(known.order, fill, recovered=True, receive_ms=receive_ms)

    def _known(self, order_id: str) -> _Known | None:
        return self._open.get(order_id) or self._ended.get(order_id)

    def _keep(self, known: _Known) -> None:
        order = known.order
        self.since_ms = max(self.since_ms, order.update_ms)
        if order.state not in ENDED:
            self._open[order.exchange_order_id] = known
            return
        self._open.pop(order.exchange_order_id, None)
        self._ended[order.exchange_order_id] = known
        if len(self._ended) > _ENDED_MAX:
            self._ended.popitem(last=False)


@dataclass(frozen=True, slots=True)
class _Missed:
    """All that is told of one order: its row and fills in the lists, and pushes since."""

    row: Order | None
    fills: Sequence[Fill]
    pushes: Sequence[PushedOrder]

    def adds_up(self, known: _Known | None) -> bool:
        """Whether the fills that are told make up for what the order has filled."""
        told = {fill.trade_id: fill for fill in self.fills}
        told |= {each.fill.trade_id: each.fill for each in self.pushes if each.fill is not None}
        filled = [
            _number(fill.quantity) for fill in told.values() if known is None or known.lacks(fill)
        ]
        if known is not None:
            filled.append(_number(known.order.filled_quantity))
        orders = [each.order for each in self.pushes]
        if self.row is not None:
            orders.append(self.row)
        return all(_number(order.filled_quantity) <= sum_of(filled) for order in orders)

    def row_before_pushes(self) -> Order | None:
        """The row, unless the channel tells what it says."""
        if self.row is None or not self.pushes:
            return self.row
        return self.row if self.row.update_ms < self.pushes[0].order.update_ms else None

    def fills_before_pushes(self, known: _Known) -> list[Fill]:
        """New fills in their order, without those that the channel tells or is about to tell."""
        told = {each.fill.trade_id for each in self.pushes if each.fill is not None}
        fills = {fill.trade_id: fill for fill in self.fills}
        return sorted(
            (
                fill
                for name, fill in fills.items()
                if known.lacks(fill) and name not in told and not self._comes(fill)
            ),
            key=_moment,
        )

    def begins_with_its_placing(self, row: Order | None) -> bool:
        """Whether what is told of a new order begins with how it was placed."""
        if row is not None or not self.pushes:
            return False
        first = self.pushes[0].order
        return first.state is OrderState.LIVE and first.update_ms == first.place_ms

    def _comes(self, fill: Fill) -> bool:
        """Whether the channel, which told something earlier, will tell the fill by itself."""
        return any(
            fill.fill_ms > each.order.update_ms
            or (each.fill is not None and _moment(fill) > _moment(each.fill))
            for each in self.pushes
        )


def _by_order(each: Iterable[_T], order_id: Callable[[_T], str]) -> dict[str, list[_T]]:
    found: dict[str, list[_T]] = {}
    for one in each:
        found.setdefault(order_id(one), []).append(one)
    return found


def _newest(orders: Iterable[Order]) -> dict[str, Order]:
    """The newest of each, where an order was read twice."""
    found: dict[str, Order] = {}
    for order in orders:
        other = found.get(order.exchange_order_id)
        if other is None or _advances(other, order) or _completes(other, order):
            found[order.exchange_order_id] = order
    return found


def _advances(known: Order, order: Order) -> bool:
    """Whether `order` is a later state of `known` that differs in what is told.

    Of two in one millisecond the one that was told later is taken for the later one.
    """
    if known.state in ENDED:
        return False
    if order.state in ENDED:
        return True
    if known.state is not order.state and OrderState.OTHER in (known.state, order.state):
        return order.update_ms >= known.update_ms
    if _number(known.filled_quantity) != _number(order.filled_quantity):
        return _has_more(order, known)
    if order.update_ms < known.update_ms:
        return False
    return (_number(known.price), _number(known.quantity)) != (
        _number(order.price),
        _number(order.quantity),
    )


def _has_more(order: Order, known: Order) -> bool:
    return _number(order.filled_quantity) > _number(known.filled_quantity)


def _completes(known: Order, order: Order) -> bool:
    """Whether `order` is the same state as `known` and may say more of it."""
    return (
        known.state is order.state
        and order.update_ms >= known.update_ms
        and _number(known.filled_quantity) == _number(order.filled_quantity)
    )


def _after_fill(known: Order, fill: Fill, row: Order | None) -> Order:
    """The order after a fill; `row` where that is what it was in the end."""
    if known.state in ENDED:
        return known
    filled = sum_of([_number(known.filled_quantity), _number(fill.quantity)])
    if (
        row is not None
        and filled == _number(row.filled_quantity)
        and (_number(known.price), _number(known.quantity))
        == (_number(row.price), _number(row.quantity))
        and (row.state not in ENDED or filled == _number(row.quantity))
    ):
        return row
    return replace(
        known,
        state=OrderState.PARTIALLY_FILLED,
        filled_quantity=text_from_amount(filled),
        average_price="",
        fee="",
        update_ms=max(known.update_ms, fill.fill_ms),
    )


def _as_placed(order: Order) -> Order:
    return replace(
        order,
        state=OrderState.LIVE,
        filled_quantity="0",
        average_price="",
        fee="",
        cancel_source="",
        update_ms=order.place_ms,
    )


def _moment(fill: Fill) -> tuple[int, int]:
    trade = fill.trade_id
    return fill.fill_ms, int(trade) if trade.removeprefix("-").isdecimal() else 0


def _number(amount: str) -> Decimal:
    return Decimal(amount or "0")
