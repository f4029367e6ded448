"""What is an order, before OKX has it and after?  Pure.

Prices and quantities are Decimal, in the units the instrument is traded in.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Side(StrEnum):
    """Direction."""

    BUY = "buy"
    SELL = "sell"


class TradeMode(StrEnum):
    """How an order is funded."""

    CASH = "cash"
    CROSS = "cross"
    ISOLATED = "isolated"


class PositionSide(StrEnum):
    """Position worked on, of an account in long/short mode."""

    LONG = "long"
    SHORT = "short"


class TimeInForce(StrEnum):
    """How long a limit order may stand."""

    GOOD_TILL_CANCELLED = "good_till_cancelled"
    POST_ONLY = "post_only"
    FILL_OR_KILL = "fill_or_kill"
    IMMEDIATE_OR_CANCEL = "immediate_or_cancel"


class TargetCurrency(StrEnum):
    """Currency in which the quantity of a market order is counted."""

    BASE = "base"
    QUOTE = "quote"


class SelfTradePrevention(StrEnum):
    """What happens where an order would meet one of the same master account."""

    CANCEL_MAKER = "cancel_maker"
    CANCEL_TAKER = "cancel_taker"
    CANCEL_BOTH = "cancel_both"


class TriggerPriceType(StrEnum):
    """Price that is watched for a trigger."""

    LAST = "last"
    INDEX = "index"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class Market:
    """Without a price; `target_currency` is None where nothing was said."""

    target_currency: TargetCurrency | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """With a price per unit in quote currency."""

    price: Decimal
    time_in_force: TimeInForce


@dataclass(frozen=True, slots=True)
class AttachedExit:
    """An exit armed once the order has filled; a market order where `order_price` is None."""

    trigger_price: Decimal
    trigger_price_type: TriggerPriceType = TriggerPriceType.LAST
    order_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order that a caller wants placed."""

    account: str
    client_order_id: str
    instrument: str
    side: Side
    trade_mode: TradeMode
    quantity: Decimal
    kind: Market | Limit
    position_side: PositionSide | None = None
    reduce_only: bool = False
    margin_currency: str = ""
    self_trade_prevention: SelfTradePrevention | None = None
    take_profit: AttachedExit | None = None
    stop_loss: AttachedExit | None = None
    tag: str = ""


class OrderState(StrEnum):
    """State of an order at OKX; `OTHER` is one that is not known here, and ends nothing."""

    LIVE = "live"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    OTHER = "other"


# States after which an order does not change any more.
ENDED = frozenset({OrderState.FILLED, OrderState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as OKX holds it; amounts are text as OKX wrote them, times ms of OKX's clock."""

    client_order_id: str
    exchange_order_id: str
    instrument: str
    side: Side
    state: OrderState
    price: str
    quantity: str
    filled_quantity: str
    average_price: str
    fee: str
    fee_currency: str
    tag: str
    cancel_source: str
    place_ms: int
    update_ms: int


@dataclass(frozen=True, slots=True)
class Placed:
    """OKX has the order. Times are of OKX's clock; None where it was found by looking it up."""

    exchange_order_id: str
    place_ms: int
    receive_us: int | None = None
    send_us: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """OKX refused the order and does not have it."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class NotPlaced:
    """OKX provably never had the order and can no longer get it."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """OKX holds another order under the id; `first_difference` names the field."""

    first_difference: str


Outcome = Placed | Refused | NotPlaced | Conflict
"""What finally became of the placing of an order."""


@dataclass(frozen=True, slots=True)
class OrderName:
    """Which order: by the caller's id or by OKX's; exactly one is set."""

    client_order_id: str = ""
    exchange_order_id: str = ""

    def __str__(self) -> str:
        return self.client_order_id or self.exchange_order_id


class CancelOutcome(StrEnum):
    """What is known after a request to cancel."""

    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    ALREADY_FILLED = "already_filled"


@dataclass(frozen=True, slots=True)
class Cancel:
    """Answer to a request to cancel; `update_ms` is of OKX's clock, None where OKX gave none."""

    outcome: CancelOutcome
    client_order_id: str
    exchange_order_id: str
    update_ms: int | None = None


@dataclass(frozen=True, slots=True)
class NewValues:
    """What an amend makes of an order; None leaves a value as it is.

    `quantity` counts what is filled already.
    """

    quantity: Decimal | None = None
    price: Decimal | None = None


class AmendOutcome(StrEnum):
    """What is known after a request to amend."""

    AMENDING = "amending"
    AMENDED = "amended"
    ALREADY_FILLED = "already_filled"
    ALREADY_CANCELLED = "already_cancelled"


@dataclass(frozen=True, slots=True)
class Amend:
    """Answer to a request to amend; `update_ms` is of OKX's clock, None where OKX gave none."""

    outcome: AmendOutcome
    client_order_id: str
    exchange_order_id: str
    update_ms: int | None = None
