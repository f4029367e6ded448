"""What does an amend ask for, and may the order be changed so? Pure.

Source: OKX docs, 'Amend order'.
"""

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from okx_simulator.error_code import RefusedError
from okx_simulator.number import is_multiple
from okx_simulator.order.attached_rule import TRIGGER_TYPES, read_order_price
from okx_simulator.order.order import IMMEDIATE, AttachedTpSl, Order
from okx_simulator.order.rule import check_price
from okx_simulator.rest.param import Params, amount, choice, flag, text_of

REQUEST_ID = re.compile(r"[0-9A-Za-z]{1,32}")
_DELETE = ("0",)


@dataclass(frozen=True, slots=True)
class Amend:
    """New values of an order; None leaves a value as it is. `sz` includes what is filled."""

    sz: Decimal | None
    px: Decimal | None
    px_type: str
    px_amend: bool
    cancel_on_fail: bool
    req_id: str
    attached: tuple[AttachedTpSl, ...] | None


def read_amend(params: Params, order: Order) -> Amend:
    """Return what `params` change about a pending order.

    Raises:
        RefusedError: The code of the first rule that they break.
    """
    if order.asked.ord_type in IMMEDIATE:
        raise RefusedError("51506")
    req_id = text_of(params, "reqId")
    if req_id and not REQUEST_ID.fullmatch(req_id):
        raise RefusedError("51000", "reqId")
    px_type, px = _read_price(params, order)
    sz = amount(params, "newSz")
    if sz is not None and not is_multiple(sz, order.instrument.lot_sz):
        raise RefusedError("51121")
    if sz is not None and order.filled_sz < sz < order.instrument.min_sz:
        raise RefusedError("51007" if order.instrument.is_contract else "51020")
    attached = _read_attached(params, order)
    if sz is None and px is None and attached is None:
        raise RefusedError("51500")
    return Amend(
        sz=sz,
        px=px,
        px_type=px_type,
        px_amend=choice(params, "pxAmendType", ("0", "1"), "0") == "1",
        cancel_on_fail=flag(params, "cxlOnFail"),
        req_id=req_id,
        attached=attached,
    )


def _read_price(params: Params, order: Order) -> tuple[str, Decimal | None]:
    given = [name for name in ("newPx", "newPxUsd", "newPxVol") if text_of(params, name)]
    if not given:
        return order.asked.px_type, None
    if len(given) > 1:
        raise RefusedError("51176", "newPx", "newPxUsd", "newPxVol")
    px_type = {"newPx": "px", "newPxUsd": "pxUsd", "newPxVol": "pxVol"}[given[0]]
    # An order keeps the kind of price it was placed with; pairs and futures know one kind only.
    if px_type != (order.asked.px_type or "px"):
        raise RefusedError("51000", given[0])
    px = amount(params, given[0])
    if px is None or px_type != "px":
        return px_type, px
    return order.asked.px_type, check_price(order.instrument, px)


def _read_attached(params: Params, order: Order) -> tuple[AttachedTpSl, ...] | None:
    elements = params.get("attachAlgoOrds") or []
    if not isinstance(elements, list) or not all(isinstance(item, dict) for item in elements):
        raise RefusedError("51000", "attachAlgoOrds")
    if not elements:
        return None
    attached = list(order.attached)
    for element in elements:
        place = _place(element, attached)
        attached[place] = _amended(element, attached[place])
    return tuple(one for one in attached if one.tp_trigger_px or one.sl_trigger_px)


def _place(element: Params, attached: list[AttachedTpSl]) -> int:
    attach_id, client_id = text_of(element, "attachAlgoId"), text_of(element, "attachAlgoClOrdId")
    for place, one in enumerate(attached):
        if attach_id == one.attach_id or (
            not attach_id and client_id and client_id == one.client_id
        ):
            return place
    raise RefusedError("51527")


def _amended(element: Params, one: AttachedTpSl) -> AttachedTpSl:
    """Return the attachment with the new values; a trigger price of 0 takes that leg away."""
    if text_of(element, "newTpTriggerPx") in _DELETE:
        one = replace(one, tp_trigger_px=None, tp_ord_px="")
    elif px := amount(element, "newTpTriggerPx"):
        one = replace(one, tp_trigger_px=px)
    if text_of(element, "newSlTriggerPx") in _DELETE:
        one = replace(one, sl_trigger_px=None, sl_ord_px="")
    elif px := amount(element, "newSlTriggerPx"):
        one = replace(one, sl_trigger_px=px)
    if text_of(element, "newTpOrdPx") and one.tp_trigger_px:
        one = replace(one, tp_ord_px=read_order_price(element, "newTpOrdPx"))
    if text_of(element, "newSlOrdPx") and one.sl_trigger_px:
        one = replace(one, sl_ord_px=read_order_price(element, "newSlOrdPx"))
    return replace(
        one,
        tp_trigger_px_type=choice(
            element, "newTpTriggerPxType", TRIGGER_TYPES, one.tp_trigger_px_type
        ),
        sl_trigger_px_type=choice(
            element, "newSlTriggerPxType", TRIGGER_TYPES, one.sl_trigger_px_type
        ),
        sz=amount(element, "sz") or one.sz,
    )
