from decimal import Decimal
from typing import Any

import pytest

from okx_simulator.algo.rule import SL_FIELDS, TP_FIELDS, read_algo, read_leg
from okx_simulator.error_code import RefusedError
from okx_simulator.market.listing import Listing
from okx_simulator.order.rule import AccountMode
from tests.support.trading_floor import SPOT, START_MS, SWAP

LISTING = Listing(START_MS)
NET = AccountMode("2", "net_mode", "cancel_maker")
HEDGED = AccountMode("2", "long_short_mode", "cancel_maker")
LAST = Decimal(100_000)
STOP = {"instId": SWAP, "tdMode": "cross", "side": "sell", "sz": "1", "ordType": "conditional"}
LEGS: dict[str, Any] = {
    "tpTriggerPx": "105000",
    "tpOrdPx": "-1",
    "slTriggerPx": "95000",
    "slOrdPx": "94900",
}


def read(*, hedged: bool = False, **given: Any) -> Any:
    return read_algo(STOP | given, HEDGED if hedged else NET, LISTING, LAST)


def test_a_seller_takes_profit_above_and_stops_below() -> None:
    algo = read(ordType="oco", **LEGS)
    assert (algo.tp.rises, algo.sl.rises) == (True, False)
    bought: dict[str, Any] = {"side": "buy", "tpTriggerPx": "95000", "slTriggerPx": "105000"}
    algo = read(ordType="oco", **LEGS | bought)
    assert (algo.tp.rises, algo.sl.rises) == (False, True)


def test_both_legs_count_in_long_short_mode() -> None:
    algo = read(hedged=True, posSide="long", **LEGS)
    assert algo.tp is not None
    assert algo.sl is not None
    assert read(**LEGS).tp is None


def test_the_order_to_place_is_known_beforehand() -> None:
    algo = read(slTriggerPx="95000", slOrdPx="94900")
    assert (algo.order.ord_type, algo.order.px, algo.order.sz) == ("limit", 94_900, 1)
    algo = read(slTriggerPx="95000", slOrdPx="-1")
    assert (algo.order.ord_type, algo.order.px) == ("market", None)
    spot: dict[str, Any] = {"instId": SPOT, "tdMode": "cash", "side": "buy", "sz": "0.01"}
    trigger: dict[str, Any] = {"ordType": "trigger", "triggerPx": "99000", "orderPx": "-1"}
    assert read(**spot, **trigger).order.tgt_ccy == "base_ccy"


def test_a_trigger_may_order_immediately_or_not_at_all() -> None:
    trigger: dict[str, Any] = {"ordType": "trigger", "triggerPx": "99000", "orderPx": "98000"}
    algo = read(advanceOrdType="ioc", **trigger)
    assert (algo.order.ord_type, algo.trigger.rises) == ("ioc", False)
    with pytest.raises(RefusedError, match="51000"):
        read(advanceOrdType="gtc", **trigger)


def test_a_leg_is_there_or_not() -> None:
    assert read_leg({}, TP_FIELDS, rises=True) is None
    leg = read_leg({"slTriggerPx": "1", "slOrdPx": "-1"}, SL_FIELDS, rises=False)
    assert leg is not None
    assert (leg.px_type, leg.ord_px) == ("last", "-1")


def test_by_mark_and_index_the_last_price_does_not_matter() -> None:
    with pytest.raises(RefusedError, match="51280"):
        read(slTriggerPx="101000", slOrdPx="-1")
    assert read(slTriggerPx="101000", slOrdPx="-1", slTriggerPxType="mark").sl is not None
