"""Is this a well-formed algo order? Pure. Source: OKX docs, 'Place algo order'."""

from dataclasses import dataclass
from decimal import Decimal

from okx_simulator.algo.algo import (
    ALGO_TYPES,
    AT_MARKET,
    CONDITIONAL,
    OCO,
    TRIGGER,
    Leg,
    Trail,
)
from okx_simulator.error_code import RefusedError
from okx_simulator.market.listing import Listing
from okx_simulator.number import ONE, text
from okx_simulator.order.attached_rule import TRIGGER_TYPES, read_attached, read_order_price
from okx_simulator.order.order import AttachedTpSl, NewOrder
from okx_simulator.order.rule import (
    CLIENT_ID,
    AccountMode,
    check_price,
    find_instrument,
    read_order,
    read_word,
)
from okx_simulator.rest.param import Params, amount, choice, flag, text_of

_RATIO_MIN = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class NewAlgo:
    """An algo order as it was asked for; `order` is what it will place."""

    ord_type: str
    order: NewOrder
    client_id: str
    tp: Leg | None = None
    sl: Leg | None = None
    trigger: Leg | None = None
    trail: Trail | None = None
    closes_all: bool = False
    cancel_on_close: bool = False
    attached: tuple[AttachedTpSl, ...] = ()


def read_algo(params: Params, mode: AccountMode, listing: Listing, last: Decimal) -> NewAlgo:
    """Return the algo order that `params` ask for; `last` is the instrument's last price.

    Raises:
        RefusedError: The code of the first rule that is broken.
    """
    ord_type = choice(params, "ordType", ALGO_TYPES)
    closes_all = text_of(params, "closeFraction") != ""
    is_buy = choice(params, "side", ("buy", "sell")) == "buy"
    tp = sl = trigger = None
    trail = None
    if ord_type in (CONDITIONAL, OCO):
        tp, sl = _read_tp_sl(params, ord_type, mode, is_buy=is_buy, last=last)
    elif ord_type == TRIGGER:
        trigger = _read_trigger(params, last)
    else:
        trail = _read_trail(params)
    order = _read_template(params, mode, listing, (tp, sl, trigger), closes_all=closes_all)
    if closes_all:
        _check_closing(params, order, ord_type, mode, (tp, sl))
    if ord_type == TRIGGER and order.instrument.inst_type == "MARGIN":
        raise RefusedError("51317")
    limit_px = Decimal(trigger.ord_px) if trigger and trigger.ord_px != AT_MARKET else None
    attached: tuple[AttachedTpSl, ...] = ()
    if ord_type == TRIGGER:
        attached = read_attached(params, order.side, order.sz, limit_px)
    return NewAlgo(
        ord_type=ord_type,
        order=order,
        client_id=read_word(params, "algoClOrdId", CLIENT_ID),
        tp=tp,
        sl=sl,
        trigger=trigger,
        trail=trail,
        closes_all=closes_all,
        cancel_on_close=flag(params, "cxlOnClosePos"),
        attached=attached,
    )


def read_leg(params: Params, names: tuple[str, str, str], *, rises: bool) -> Leg | None:
    """Return what the fields of trigger price, order price and price type say; None if empty."""
    trigger_px = amount(params, names[0])
    if trigger_px is None:
        return None
    ord_px = read_order_price(params, names[1])
    return Leg(trigger_px, ord_px, choice(params, names[2], TRIGGER_TYPES, "last"), rises)


TP_FIELDS = ("tpTriggerPx", "tpOrdPx", "tpTriggerPxType")
SL_FIELDS = ("slTriggerPx", "slOrdPx", "slTriggerPxType")


def _read_tp_sl(
    params: Params, ord_type: str, mode: AccountMode, *, is_buy: bool, last: Decimal
) -> tuple[Leg | None, Leg | None]:
    """Return take-profit and stop-loss: a seller takes profit above the price, a buyer below."""
    tp = read_leg(params, TP_FIELDS, rises=not is_buy)
    sl = read_leg(params, SL_FIELDS, rises=is_buy)
    if tp is None and sl is None:
        raise RefusedError("50015", "tpTriggerPx", "slTriggerPx")
    if ord_type == OCO and (tp is None or sl is None):
        raise RefusedError("50014", "tpTriggerPx" if tp is None else "slTriggerPx")
    if tp and tp.px_type == "last" and tp.fires(last):
        raise RefusedError("51277" if is_buy else "51279")
    if sl and sl.px_type == "last" and sl.fires(last):
        raise RefusedError("51278" if is_buy else "51280")
    if ord_type == CONDITIONAL and tp and sl and mode.position_mode == "net_mode":
        return None, sl
    return tp, sl


def _read_trigger(params: Params, last: Decimal) -> Leg:
    if text_of(params, "tgtCcy"):
        raise RefusedError("51281")
    trigger_px = amount(params, "triggerPx")
    if trigger_px is None:
        raise RefusedError("50014", "triggerPx")
    ord_px = read_order_price(params, "orderPx")
    px_type = choice(params, "triggerPxType", TRIGGER_TYPES, "last")
    return Leg(trigger_px, ord_px, px_type, rises=trigger_px >= last)


def _read_trail(params: Params) -> Trail:
    ratio, spread = amount(params, "callbackRatio"), amount(params, "callbackSpread")
    if ratio is None and spread is None:
        raise RefusedError("50015", "callbackRatio", "callbackSpread")
    if ratio is not None and spread is not None:
        raise RefusedError("50024", "callbackRatio", "callbackSpread")
    if ratio is not None and not _RATIO_MIN <= ratio <= ONE:
        raise RefusedError("51311", text(_RATIO_MIN), "1")
    return Trail(ratio, spread, amount(params, "activePx"))


def _read_template(
    params: Params,
    mode: AccountMode,
    listing: Listing,
    legs: tuple[Leg | None, ...],
    *,
    closes_all: bool,
) -> NewOrder:
    """Return the order that the algo will place, checked as if it were placed now."""
    instrument = find_instrument(params, listing, by_code=False)
    limits = [leg.ord_px for leg in legs if leg and leg.ord_px != AT_MARKET]
    for px in limits:
        check_price(instrument, Decimal(px))
    ord_type = "limit" if limits else "market"
    written = {**params, "ordType": ord_type, "clOrdId": "", "stpMode": "", "attachAlgoOrds": None}
    if limits:
        written |= {"px": limits[0], "ordType": text_of(params, "advanceOrdType") or ord_type}
    elif text_of(params, "ordType") == TRIGGER:
        written["tgtCcy"] = "base_ccy"
    if closes_all:
        written["sz"] = text(instrument.min_sz)
    return read_order(written, mode, listing)


def _check_closing(
    params: Params,
    order: NewOrder,
    ord_type: str,
    mode: AccountMode,
    legs: tuple[Leg | None, ...],
) -> None:
    """`closeFraction` closes a whole futures position at market."""
    if order.instrument.inst_type not in ("SWAP", "FUTURES"):
        raise RefusedError("51327")
    if text_of(params, "closeFraction") != "1" or ord_type not in (CONDITIONAL, OCO):
        raise RefusedError("51000", "closeFraction")
    if mode.position_mode == "net_mode" and not order.reduce_only:
        raise RefusedError("51328")
    if any(leg and leg.ord_px != AT_MARKET for leg in legs):
        raise RefusedError("51330")
