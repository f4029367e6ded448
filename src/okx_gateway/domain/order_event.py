"""What can happen to an order, and to a stream that tells of it?  Pure.

Amounts are text as OKX wrote them; times of orders and fills are ms of OKX's clock.
"""

from dataclasses import dataclass
from enum import StrEnum

from okx_gateway.domain.market_notice import Heartbeat
from okx_gateway.domain.order import Order


class Liquidity(StrEnum):
    """Whether a fill added to the book or took from it."""

    MAKER = "maker"
    TAKER = "taker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One trade of an order; `fee` is negative where it was charged."""

    exchange_order_id: str
    trade_id: str
    price: str
    quantity: str
    fee: str
    fee_currency: str
    liquidity: Liquidity | None
    fill_ms: int


@dataclass(frozen=True, slots=True)
class OrderChange:
    """An order after its state, price, quantity or filled quantity changed, by `fill` or without.

    `recovered` where OKX's lists told it and not the channel: then the order is put together from
    what they say, and average price and fee are empty where they do not tell them for that moment.
    `receive_ms` is of our clock.
    """

    order: Order
    fill: Fill | None
    recovered: bool
    receive_ms: int


@dataclass(frozen=True, slots=True)
class NumberedChange:
    """A change as a stream tells it; with `token` a reader goes on behind it."""

    change: OrderChange
    token: str


@dataclass(frozen=True, slots=True)
class OrdersSnapshot:
    """A part of all open orders at one moment; `last` with the `token` to go on behind them."""

    orders: tuple[Order, ...]
    last: bool
    token: str


class OrdersGapReason(StrEnum):
    """Why changes are missing."""

    TOKEN_UNKNOWN = "token_unknown"  # noqa: S105  # of another replica, or too old
    HISTORY_LOST = "history_lost"


@dataclass(frozen=True, slots=True)
class OrdersGap:
    """Changes until `detect_ms`, of our clock, may be missing; a snapshot follows."""

    reason: OrdersGapReason
    detect_ms: int


@dataclass(frozen=True, slots=True)
class Stale:
    """From `detect_ms` on, of our clock, changes may come late."""

    detect_ms: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """What came late was told by `resume_ms` of our clock; from here on changes come at once."""

    resume_ms: int


OrderStreamEvent = NumberedChange | OrdersSnapshot | OrdersGap | Stale | Resumed | Heartbeat
"""One event of a stream of orders."""
