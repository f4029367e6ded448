"""Are the take-profits and stop-losses attached to an order well-formed? Pure.

Source: OKX docs, 'Place order', `attachAlgoOrds`, and the codes 51046-51049 and 51076-51094.
"""

from decimal import Decimal
from typing import Any

from okx_simulator.error_code import RefusedError
from okx_simulator.number import ZERO
from okx_simulator.order.order import AttachedTpSl
from okx_simulator.rest.param import Params, amount, choice, text_of

ATTACHED_MAX = 10
TRIGGER_TYPES = ("last", "index", "mark")


def read_attached(
    params: Params, side: str, sz: Decimal, px: Decimal | None
) -> tuple[AttachedTpSl, ...]:
    """Return what is attached to an order of this side, size and limit price (None at market).

    The ids given by the exchange are still empty.

    Raises:
        RefusedError: The code of the first rule that is broken.
    """
    elements: Any = params.get("attachAlgoOrds") or []
    if not isinstance(elements, list) or not all(isinstance(item, dict) for item in elements):
        raise RefusedError("51000", "attachAlgoOrds")
    if len(elements) > ATTACHED_MAX:
        raise RefusedError("50025", "attachAlgoOrds", ATTACHED_MAX)
    attached = tuple(_read(element) for element in elements)
    for one in attached:
        _check_side(one, side, px)
    if len(attached) > 1:
        _check_split(attached, sz)
    return attached


def read_order_price(params: Params, name: str) -> str:
    """Return an order price: a number, or -1 for market.

    Raises:
        RefusedError: 51000, it is neither; 50014, it is missing.
    """
    raw = text_of(params, name)
    if raw == "-1":
        return raw
    if not raw:
        raise RefusedError("50014", name)
    amount(params, name)
    return raw


def _read(element: Params) -> AttachedTpSl:
    tp, sl = amount(element, "tpTriggerPx"), amount(element, "slTriggerPx")
    kind = choice(element, "tpOrdKind", ("condition", "limit"), "condition")
    if tp is None and sl is None and kind == "condition":
        raise RefusedError("50015", "tpTriggerPx", "slTriggerPx")
    tp_ord_px = read_order_price(element, "tpOrdPx") if tp or kind == "limit" else ""
    if kind == "limit":
        if tp_ord_px == "-1":
            raise RefusedError("51000", "tpOrdPx")
        # A limit take-profit waits for its own price.
        tp = Decimal(tp_ord_px)
    return AttachedTpSl(
        attach_id="",
        client_id=text_of(element, "attachAlgoClOrdId"),
        tp_trigger_px=tp,
        tp_ord_px=tp_ord_px,
        tp_trigger_px_type=choice(element, "tpTriggerPxType", TRIGGER_TYPES, "last"),
        tp_ord_kind=kind,
        sl_trigger_px=sl,
        sl_ord_px=read_order_price(element, "slOrdPx") if sl else "",
        sl_trigger_px_type=choice(element, "slTriggerPxType", TRIGGER_TYPES, "last"),
        sz=amount(element, "sz"),
        amend_px_on_trigger_type=choice(element, "amendPxOnTriggerType", ("0", "1"), "0"),
    )


def _check_side(one: AttachedTpSl, side: str, px: Decimal | None) -> None:
    """A bought position takes profit above its price and stops its loss below."""
    if px is None:
        return
    tp, sl = one.tp_trigger_px, one.sl_trigger_px
    if side == "buy":
        if tp is not None and tp <= px:
            raise RefusedError("51046")
        if sl is not None and sl >= px:
            raise RefusedError("51047")
        return
    if tp is not None and tp >= px:
        raise RefusedError("51048")
    if sl is not None and sl <= px:
        raise RefusedError("51049")


def _check_split(attached: tuple[AttachedTpSl, ...], sz: Decimal) -> None:
    """Several take-profits share the order's size; each goes one way only."""
    total = ZERO
    for one in attached:
        if one.tp_trigger_px is not None and one.sl_trigger_px is not None:
            raise RefusedError("51076")
        if one.tp_trigger_px is None:
            continue
        if one.sz is None:
            raise RefusedError("51089")
        total += one.sz
    if total not in (ZERO, sz):
        raise RefusedError("51083")
