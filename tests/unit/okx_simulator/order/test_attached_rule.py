from decimal import Decimal
from typing import Any

import pytest

from okx_simulator.error_code import RefusedError
from okx_simulator.order.attached_rule import read_attached

TP = {"tpTriggerPx": "110", "tpOrdPx": "-1"}
SL = {"slTriggerPx": "90", "slOrdPx": "89"}


def read(elements: Any, side: str = "buy", px: Decimal | None = Decimal(100)) -> Any:
    return read_attached({"attachAlgoOrds": elements}, side, Decimal(10), px)


def test_nothing_attached() -> None:
    assert read(None) == read([]) == ()


def test_a_pair_is_read() -> None:
    (one,) = read([TP | SL | {"attachAlgoClOrdId": "a1", "slTriggerPxType": "mark"}])
    assert (one.client_id, one.tp_trigger_px, one.tp_ord_px) == ("a1", 110, "-1")
    assert (one.sl_trigger_px, one.sl_ord_px, one.sl_trigger_px_type) == (90, "89", "mark")


def test_a_limit_take_profit_waits_for_its_own_price() -> None:
    (one,) = read([{"tpOrdKind": "limit", "tpOrdPx": "120"}])
    assert (one.tp_trigger_px, one.tp_ord_px) == (120, "120")


@pytest.mark.parametrize(
    ("elements", "side", "code"),
    [
        ("text", "buy", "51000"),
        ([1], "buy", "51000"),
        ([TP] * 11, "buy", "50025"),
        ([{}], "buy", "50015"),
        ([{"tpTriggerPx": "110"}], "buy", "50014"),
        ([{"tpTriggerPx": "110", "tpOrdPx": "cheap"}], "buy", "51000"),
        ([TP | {"tpTriggerPxType": "best"}], "buy", "51000"),
        ([{"tpOrdKind": "limit", "tpOrdPx": "-1"}], "buy", "51000"),
        ([TP | {"tpTriggerPx": "99"}], "buy", "51046"),
        ([SL | {"slTriggerPx": "101"}], "buy", "51047"),
        ([TP], "sell", "51048"),
        ([SL], "sell", "51049"),
        ([TP | SL | {"sz": "5"}, TP | {"sz": "5"}], "buy", "51076"),
        ([TP, TP | {"sz": "5"}], "buy", "51089"),
        ([TP | {"sz": "4"}, TP | {"sz": "5"}], "buy", "51083"),
    ],
)
def test_each_rule_has_its_code(elements: Any, side: str, code: str) -> None:
    with pytest.raises(RefusedError) as refused:
        read(elements, side)
    assert refused.value.code == code


def test_a_market_order_has_no_price_to_compare_with() -> None:
    assert len(read([TP | {"tpTriggerPx": "1"}], px=None)) == 1


def test_split_take_profits_share_the_size() -> None:
    assert len(read([TP | {"sz": "4"}, TP | {"sz": "6", "tpTriggerPx": "120"}, SL])) == 3
