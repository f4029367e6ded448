"""An exchange that tells of orders by a channel, which may be lost, and by lists."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from typing import Any

from okx_gateway.account.live_accounts import LiveAccounts
from okx_gateway.account.order_state import OrderReading, PushedOrder
from okx_gateway.domain.errors import ExchangeUnavailableError
from okx_gateway.domain.money import text_from_amount
from okx_gateway.domain.order import ENDED, Order, OrderState, Side
from okx_gateway.domain.order_event import Fill, Liquidity
from okx_gateway.okx.channel import Channel, ChannelListener, Push
from okx_gateway.okx.reply import Row


def a_live_order(order_id: str = "1", **changes: Any) -> Order:
    """An order for 10 at 100, of which nothing is filled."""
    order = Order(
        client_order_id=f"c{order_id}",
        exchange_order_id=order_id,
        instrument="BTC-USDT",
        side=Side.BUY,
        state=OrderState.LIVE,
        price="100",
        quantity="10",
        filled_quantity="0",
        average_price="",
        fee="0",
        fee_currency="BTC",
        tag="",
        cancel_source="",
        place_ms=1_000,
        update_ms=1_000,
    )
    return replace(order, **changes)


def a_fill(order_id: str = "1", trade_id: str = "7", **changes: Any) -> Fill:
    """A trade of 1 at 100."""
    fill = Fill(
        exchange_order_id=order_id,
        trade_id=trade_id,
        price="100",
        quantity="1",
        fee="-0.001",
        fee_currency="BTC",
        liquidity=Liquidity.MAKER,
        fill_ms=1_001,
    )
    return replace(fill, **changes)


@dataclass(slots=True)
class OrderDesk:
    """Orders that change at random; `pushes` is all that the channel would tell, in order."""

    random: Random
    now_ms: int = 1_000_000
    orders: dict[str, Order] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    pushes: list[PushedOrder] = field(default_factory=list)

    def happen(self) -> None:
        """Change one order, or place one; often within the millisecond of what was before."""
        self.now_ms += self.random.choice((0, 0, 0, 1, 5))
        live = [each for each in self.orders.values() if each.state not in ENDED]
        if not live or (len(live) < 8 and self.random.random() < 0.3):
            name = str(500 + len(self.orders))
            self._tell(a_live_order(name, place_ms=self.now_ms, update_ms=self.now_ms), None)
            return
        order = replace(self.random.choice(live), update_ms=self.now_ms)
        match self.random.choice(("fill", "fill", "fill", "amend", "cancel")):
            case "fill":
                self._fill(order)
            case "amend":
                self._tell(replace(order, price=str(self.random.randrange(1, 10**9))), None)
            case _:
                self._tell(replace(order, state=OrderState.CANCELLED, cancel_source="1"), None)

    def read(self, since_ms: int, *, meanwhile: int = 0) -> OrderReading:
        """What the lists say, with so many changes between one list and the next."""
        asked = {each.exchange_order_id for each in self.orders.values()}
        pending = [each for each in self.orders.values() if each.state not in ENDED]
        self._happen(meanwhile)
        open_ids = {each.exchange_order_id for each in pending}
        rest = [
            each
            for each in self.orders.values()
            if each.exchange_order_id in asked - open_ids
            or (each.state in ENDED and each.place_ms >= since_ms)
        ]
        self._happen(meanwhile)
        return OrderReading([*pending, *rest], [f for f in self.fills if f.fill_ms >= since_ms])

    def _happen(self, times: int) -> None:
        for _ in range(times):
            self.happen()

    def _fill(self, order: Order) -> None:
        left = Decimal(order.quantity) - Decimal(order.filled_quantity)
        amount = min(left, Decimal(self.random.choice(("0.5", "1", "3"))))
        filled = Decimal(order.filled_quantity) + amount
        fill = a_fill(
            order.exchange_order_id,
            str(9_000 + len(self.fills)),
            quantity=text_from_amount(amount),
            fill_ms=self.now_ms,
        )
        self.fills.append(fill)
        state = OrderState.FILLED if amount == left else OrderState.PARTIALLY_FILLED
        self._tell(replace(order, state=state, filled_quantity=text_from_amount(filled)), fill)

    def _tell(self, order: Order, fill: Fill | None) -> None:
        self.orders[order.exchange_order_id] = order
        self.pushes.append(PushedOrder(order, fill, self.now_ms))


def pushed_row(pushed: PushedOrder) -> Row:
    """The row of the orders channel that says this."""
    order, fill = pushed.order, pushed.fill
    row: dict[str, str] = {
        "ordId": order.exchange_order_id,
        "clOrdId": order.client_order_id,
        "instId": order.instrument,
        "side": order.side.value,
        "state": "canceled" if order.state is OrderState.CANCELLED else order.state.value,
        "px": order.price,
        "sz": order.quantity,
        "accFillSz": order.filled_quantity,
        "avgPx": order.average_price or "0",
        "fee": order.fee,
        "feeCcy": order.fee_currency,
        "tag": order.tag,
        "cancelSource": order.cancel_source,
        "cTime": str(order.place_ms),
        "uTime": str(order.update_ms),
    }
    if fill is not None:
        row |= {
            "tradeId": fill.trade_id,
            "fillPx": fill.price,
            "fillSz": fill.quantity,
            "fillFee": fill.fee,
            "fillFeeCcy": fill.fee_currency,
            "fillTime": str(fill.fill_ms),
            "execType": "M",
        }
    return row


def balance_row(cash: dict[str, str], update_ms: int = 10, **more: Any) -> Row:
    """A row of the account channel as OKX sends it, with fields that nobody knows yet."""
    return {
        "uTime": str(update_ms),
        "totalEq": "99.88870288820581",
        "adjEq": "",
        "details": [
            {
                "ccy": currency,
                "cashBal": amount,
                "availBal": amount,
                "frozenBal": "0",
                "eq": amount,
                "eqUsd": amount,
                "liab": "",
                "upl": "",
                "uTime": str(update_ms),
                "autoLendMtAmt": "0",
            }
            for currency, amount in cash.items()
        ],
        "unheardOf": [{}],
        **more,
    }


class FakeLists:
    """OKX's lists of one account; `failures` of their readings fail first."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.fills: list[Fill] = []
        self.failures = 0
        self.readings: list[tuple[int, list[str]]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, since_ms: int, known: Mapping[str, Order]) -> OrderReading:
        self.readings.append((since_ms, list(known)))
        await self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise ExchangeUnavailableError("HTTP 503")
        return OrderReading(list(self.orders), list(self.fills))


class FakeSocket:
    """Knows who listens to which channel of an account, so that a test can tell them."""

    def __init__(self) -> None:
        self.listeners: dict[str, tuple[Channel, ChannelListener]] = {}

    def want(self, channel: Channel, listener: ChannelListener) -> None:
        self.listeners[channel.name] = (channel, listener)

    def drop(self, channel: Channel) -> None:
        del self.listeners[channel.name]

    def subscribed(self, name: str) -> None:
        channel, listener = self.listeners[name]
        listener.on_subscribed(channel)

    def push(self, name: str, *rows: Row, event_type: str = "") -> None:
        channel, listener = self.listeners[name]
        listener.on_rows(channel, list(rows), Push(receive_ms=5, event_type=event_type))


class FakeLive(LiveAccounts):
    """Live state of accounts whose sockets and lists are a test's."""

    def __init__(self) -> None:
        self.sockets: dict[str, FakeSocket] = {}
        self.lists: dict[str, FakeLists] = {}
        super().__init__(
            socket_of=lambda account: self.sockets.setdefault(account, FakeSocket()),
            lists_of=lambda account: self.lists.setdefault(account, FakeLists()),
            refused=lambda *_: None,
            now_ms=lambda: 1_000,
            grace_s=60,
            kept_max=100,
        )
