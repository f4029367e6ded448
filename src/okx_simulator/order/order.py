"""What is an order: what was asked for, and what has become of it? Pure.

Source: OKX docs, 'Place order' and 'Order details'.
"""

from dataclasses import dataclass
from decimal import Decimal

from okx_simulator.market.instrument import Instrument
from okx_simulator.number import ZERO

LIVE, PARTIALLY_FILLED, FILLED, CANCELED = "live", "partially_filled", "filled", "canceled"
ORDER_TYPES = (
    *("market", "limit", "post_only", "fok", "ioc", "optimal_limit_ioc"),
    *("mmp", "mmp_and_post_only"),
)
# Types that never rest: what is not filled at once is cancelled.
IMMEDIATE = frozenset({"market", "fok", "ioc", "optimal_limit_ioc", "op_fok"})
POST_ONLY = frozenset({"post_only", "mmp_and_post_only"})
# cancelSource of 'Order details'.
BY_USER, BY_LIQUIDATION, BY_DELIVERY, BY_OPTION_EXPIRY = "1", "3", "7", "10"
BY_FOK, BY_IOC, BY_POSITION_CLOSED, BY_TIMER = "13", "14", "17", "20"
BY_REDUCE_ONLY, BY_PRICE_CHECK, BY_POST_ONLY, BY_STP, BY_MATCHES = "23", "27", "31", "32", "33"


@dataclass(frozen=True, slots=True)
class AttachedTpSl:
    """A take-profit and a stop-loss that come to life when the order is filled."""

    attach_id: str
    client_id: str
    tp_trigger_px: Decimal | None = None
    tp_ord_px: str = ""
    tp_trigger_px_type: str = "last"
    tp_ord_kind: str = "condition"
    sl_trigger_px: Decimal | None = None
    sl_ord_px: str = ""
    sl_trigger_px_type: str = "last"
    sz: Decimal | None = None
    amend_px_on_trigger_type: str = "0"


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order as it was asked for, well-formed and in the instrument's steps."""

    instrument: Instrument
    td_mode: str
    side: str
    ord_type: str
    sz: Decimal
    px: Decimal | None = None
    pos_side: str = ""
    margin_ccy: str = ""
    cl_ord_id: str = ""
    tag: str = ""
    tgt_ccy: str = ""
    reduce_only: bool = False
    ban_amend: bool = False
    px_amend: bool = False
    stp_mode: str = ""
    px_type: str = ""
    px_usd: str = ""
    px_vol: str = ""
    trade_quote_ccy: str = ""
    attached: tuple[AttachedTpSl, ...] = ()

    @property
    def is_buy(self) -> bool:
        """Whether the order takes from the asks."""
        return self.side == "buy"

    @property
    def counts_quote(self) -> bool:
        """Whether `sz` is money to spend or to get, not a quantity."""
        return self.tgt_ccy == "quote_ccy"


# Compared by identity, which is cheap and right: no two orders are the same.
@dataclass(slots=True, eq=False)
class Order:
    """An order that the exchange has accepted.

    `sz` and `px` are current values (amends change them); sums of fills are quantities of the
    instrument, money in its paying currency. `frozen` of `frozen_ccy` is kept back for it.
    """

    ord_id: int
    uid: str
    asked: NewOrder
    sz: Decimal
    px: Decimal | None
    lever: Decimal
    created_ms: int
    updated_ms: int
    state: str = LIVE
    filled_sz: Decimal = ZERO
    filled_value: Decimal = ZERO
    filled_money: Decimal = ZERO
    fee: Decimal = ZERO
    fee_ccy: str = ""
    rebate_ccy: str = ""
    pnl: Decimal = ZERO
    last_fill: "Fill | None" = None
    cancel_source: str = ""
    frozen_ccy: str = ""
    frozen: Decimal = ZERO
    source: str = ""
    category: str = "normal"
    algo_id: str = ""
    algo_cl_ord_id: str = ""
    stp_id: str = ""
    attached: tuple[AttachedTpSl, ...] = ()
    linked_algo_id: str = ""

    @property
    def instrument(self) -> Instrument:
        """What is traded."""
        return self.asked.instrument

    @property
    def is_pending(self) -> bool:
        """Whether the order can still be filled or cancelled."""
        return self.state in (LIVE, PARTIALLY_FILLED)

    @property
    def left(self) -> Decimal:
        """What is not filled yet: a quantity, or money where `sz` counts money."""
        return self.sz - (self.filled_money if self.asked.counts_quote else self.filled_sz)

    @property
    def avg_px(self) -> Decimal:
        """Average price of the fills, 0 where there is none."""
        return self.filled_value / self.filled_sz if self.filled_sz else ZERO


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution of an order. `fee` is negative where it was charged."""

    trade_id: str
    bill_id: str
    px: Decimal
    sz: Decimal
    at_ms: int
    is_taker: bool
    fee: Decimal
    fee_ccy: str
    fee_rate: Decimal
    pnl: Decimal
    index_px: Decimal
    mark_px: Decimal


@dataclass(frozen=True, slots=True)
class Change:
    """Why an order is pushed: with a fill, an amend's outcome, or neither."""

    fill: Fill | None = None
    req_id: str = ""
    amend_result: str = ""
    amend_source: str = ""
    code: str = "0"
    message: str = ""
    last_px: Decimal = ZERO
