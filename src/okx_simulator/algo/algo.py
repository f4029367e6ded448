"""What is an algo order: a trigger that places an order when a price comes? Pure.

Source: OKX docs, 'Place algo order' and 'Algo order details'.
"""

from dataclasses import dataclass, field, replace
from decimal import Decimal

from okx_simulator.answer import Row
from okx_simulator.number import ZERO, text
from okx_simulator.order.order import AttachedTpSl, NewOrder
from okx_simulator.order.row import attached_row, cents

CONDITIONAL, OCO, TRIGGER, TRAILING = "conditional", "oco", "trigger", "move_order_stop"
ALGO_TYPES = (CONDITIONAL, OCO, TRIGGER, TRAILING)
LIVE, EFFECTIVE, CANCELED, FAILED = "live", "effective", "canceled", "order_failed"
AT_MARKET = "-1"
# `source` of the order that each type places.
SOURCES = {CONDITIONAL: "7", OCO: "7", TRIGGER: "6", TRAILING: "25"}


@dataclass(frozen=True, slots=True)
class Leg:
    """When the price of `px_type` comes to `trigger_px`, order at `ord_px` (-1: at market).

    `rises` says whether it comes from below.
    """

    trigger_px: Decimal
    ord_px: str
    px_type: str
    rises: bool

    def fires(self, price: Decimal) -> bool:
        """Tell whether the trigger price is reached."""
        return price >= self.trigger_px if self.rises else price <= self.trigger_px


@dataclass(frozen=True, slots=True)
class Trail:
    """A stop that follows the price at a distance, a share of it or an amount.

    It begins to follow at `active_px`, or at once without one.
    """

    ratio: Decimal | None
    spread: Decimal | None
    active_px: Decimal | None

    def stop_px(self, extreme: Decimal, *, is_buy: bool) -> Decimal:
        """Return where the stop stands when `extreme` is the best price seen."""
        distance = self.spread or extreme * (self.ratio or ZERO)
        return extreme + distance if is_buy else extreme - distance


@dataclass(slots=True, eq=False)
class Algo:
    """An algo order. `order` is what it places: size and price may change when it triggers."""

    algo_id: int
    uid: str
    ord_type: str
    order: NewOrder
    created_ms: int
    updated_ms: int
    client_id: str = ""
    tp: Leg | None = None
    sl: Leg | None = None
    trigger: Leg | None = None
    trail: Trail | None = None
    closes_all: bool = False
    cancel_on_close: bool = False
    attached: tuple[AttachedTpSl, ...] = ()
    linked_ord_id: str = ""
    state: str = LIVE
    extreme: Decimal | None = None
    actual_side: str = ""
    actual_px: Decimal = ZERO
    actual_sz: Decimal = ZERO
    ord_ids: list[str] = field(default_factory=list)
    triggered_ms: int = 0
    fail_code: str = ""
    last_px: Decimal = ZERO
    req_id: str = ""
    amend_result: str = ""

    @property
    def is_live(self) -> bool:
        """Whether it waits for its price."""
        return self.state == LIVE

    @property
    def legs(self) -> tuple[tuple[str, Leg], ...]:
        """What can fire, with the `actualSide` that it stands for."""
        named = (("tp", self.tp), ("sl", self.sl), ("", self.trigger))
        return tuple((side, leg) for side, leg in named if leg is not None)

    @property
    def stop_px(self) -> Decimal | None:
        """Where a trailing stop stands now, None while it does not follow yet."""
        if self.trail is None or self.extreme is None:
            return None
        return self.trail.stop_px(self.extreme, is_buy=self.order.is_buy)

    def ordered(self, ord_px: str, sz: Decimal) -> NewOrder:
        """Return the order to place: at market, or at the limit price `ord_px`."""
        if ord_px == AT_MARKET:
            return replace(self.order, ord_type="market", px=None, sz=sz, attached=self.attached)
        ord_type = self.order.ord_type if self.order.ord_type in ("fok", "ioc") else "limit"
        px = Decimal(ord_px)
        return replace(
            self.order, ord_type=ord_type, px=px, sz=sz, tgt_ccy="", attached=self.attached
        )


def algo_row(algo: Algo, usd: Decimal = ZERO) -> Row:
    """Return the row of 'Algo order details', which the orders-algo channel pushes too.

    `usd` is what one unit of the instrument is worth in USD.
    """
    order, trail = algo.order, algo.trail
    return {
        "actualPx": text(algo.actual_px),
        "actualSide": algo.actual_side,
        "actualSz": text(algo.actual_sz),
        "algoClOrdId": algo.client_id,
        "algoId": str(algo.algo_id),
        "amendPxOnTriggerType": "0",
        "amendResult": algo.amend_result,
        "attachAlgoOrds": [attached_row(attached) for attached in algo.attached],
        "cTime": str(algo.created_ms),
        "ccy": order.margin_ccy,
        "clOrdId": "",
        "closeFraction": "1" if algo.closes_all else "",
        "failCode": algo.fail_code,
        "instId": order.instrument.inst_id,
        "instType": order.instrument.inst_type,
        "isTradeBorrowMode": "",
        "last": text(algo.last_px) if algo.last_px else "",
        "lever": "",
        "linkedOrd": {"ordId": algo.linked_ord_id},
        "notionalUsd": text(cents(order.sz if order.counts_quote else order.sz * usd)),
        "ordId": algo.ord_ids[0] if algo.ord_ids else "",
        "ordIdList": list(algo.ord_ids),
        "ordType": algo.ord_type,
        "posSide": order.pos_side,
        "quickMgnType": "",
        "reduceOnly": "true" if order.reduce_only else "false",
        "reqId": algo.req_id,
        "side": order.side,
        "state": algo.state,
        "sz": "" if algo.closes_all else text(order.sz),
        "tag": order.tag,
        "tdMode": order.td_mode,
        "tgtCcy": order.tgt_ccy,
        "tradeQuoteCcy": order.trade_quote_ccy,
        "triggerTime": str(algo.triggered_ms) if algo.triggered_ms else "",
        "uTime": str(algo.updated_ms),
        **_leg_fields(algo.tp, "tpTriggerPx", "tpOrdPx", "tpTriggerPxType"),
        **_leg_fields(algo.sl, "slTriggerPx", "slOrdPx", "slTriggerPxType"),
        **_leg_fields(algo.trigger, "triggerPx", "ordPx", "triggerPxType"),
        "activePx": _text(trail.active_px) if trail else "",
        "callbackRatio": _text(trail.ratio) if trail else "",
        "callbackSpread": _text(trail.spread) if trail else "",
        "moveTriggerPx": _text(algo.stop_px),
        **_OTHER_TYPES,
    }


_OTHER_TYPES = dict.fromkeys(
    (
        *("chaseType", "chaseVal", "maxChaseType", "maxChaseVal", "pxLimit", "pxSpread", "pxVar"),
        *("szLimit", "timeInterval"),
    ),
    "",
)


def _leg_fields(leg: Leg | None, trigger: str, order: str, kind: str) -> Row:
    if leg is None:
        return {trigger: "", order: "", kind: ""}
    return {trigger: text(leg.trigger_px), order: leg.ord_px, kind: leg.px_type}


def _text(number: Decimal | None) -> str:
    return text(number) if number is not None else ""
