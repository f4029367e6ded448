from decimal import Decimal
from typing import Any

import pytest

from okx_simulator.error_code import RefusedError
from okx_simulator.market.listing import Listing
from okx_simulator.number import ZERO
from okx_simulator.order.amend import read_amend
from okx_simulator.order.order import AttachedTpSl, NewOrder, Order
from tests.support.trading_floor import SPOT, START_MS, listed

LISTING = Listing(START_MS)
LEGS = AttachedTpSl("7", "mine", Decimal(110), "-1", sl_trigger_px=Decimal(90), sl_ord_px="-1")


def order(inst_id: str = SPOT, ord_type: str = "limit", **given: Any) -> Order:
    instrument = listed(LISTING, inst_id)
    asked = NewOrder(
        instrument, "cash", "buy", ord_type, Decimal(1), Decimal(100), px_type=given.get("px", "")
    )
    return Order(1, "1", asked, asked.sz, asked.px, ZERO, 0, 0, attached=(LEGS,))


def code_of(params: dict[str, Any], one: Order) -> str:
    with pytest.raises(RefusedError) as refused:
        read_amend(params, one)
    return refused.value.code


def test_what_is_not_said_stays() -> None:
    amend = read_amend({"newSz": "2.0", "newPx": "", "reqId": "r1"}, order())
    assert (amend.sz, amend.px, amend.attached) == (Decimal(2), None, None)
    assert (amend.req_id, amend.cancel_on_fail, amend.px_amend) == ("r1", False, False)
    assert read_amend({"newPx": "99.5", "cxlOnFail": "true"}, order()).cancel_on_fail


@pytest.mark.parametrize("ord_type", ["market", "ioc", "fok"])
def test_orders_that_never_rest_cannot_be_amended(ord_type: str) -> None:
    assert code_of({"newSz": "2"}, order(ord_type=ord_type)) == "51506"


def test_an_option_keeps_its_kind_of_price() -> None:
    option = "BTC-USD-261225-90000-C"
    by_volatility = order(option, px="pxVol")
    amend = read_amend({"newPxVol": "0.5"}, by_volatility)
    assert (amend.px_type, amend.px) == ("pxVol", Decimal("0.5"))
    assert code_of({"newPx": "0.01"}, by_volatility) == "51000"
    in_coins = order(option, px="px")
    assert read_amend({"newPx": "0.01004"}, in_coins).px == Decimal("0.01")


def test_legs_are_named_by_either_id() -> None:
    for name in ({"attachAlgoId": "7"}, {"attachAlgoClOrdId": "mine"}):
        change = {**name, "newTpTriggerPx": "120", "newTpOrdPx": "119", "sz": "1"}
        amend = read_amend({"attachAlgoOrds": [change]}, order())
        assert amend.attached is not None
        (leg,) = amend.attached
        assert (leg.tp_trigger_px, leg.tp_ord_px, leg.sl_trigger_px) == (
            *(Decimal(120), "119", Decimal(90)),
        )
    assert code_of({"attachAlgoOrds": [{"attachAlgoId": "8"}]}, order()) == "51527"
    assert code_of({"attachAlgoOrds": [1]}, order()) == "51000"


def test_a_leg_without_prices_is_gone() -> None:
    both = {"attachAlgoId": "7", "newTpTriggerPx": "0", "newSlTriggerPx": "0"}
    assert read_amend({"attachAlgoOrds": [both]}, order()).attached == ()
