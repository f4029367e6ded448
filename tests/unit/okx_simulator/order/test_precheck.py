from decimal import Decimal

import pytest

from okx_simulator.error_code import RefusedError
from tests.support.trading_floor import MINE, SPOT, SWAP, Floor, settings

ORDER = {"instId": SWAP, "tdMode": "cross", "side": "buy", "ordType": "limit"}
ORDER |= {"px": "99000", "sz": "10"}


def test_it_tells_the_margin_and_places_nothing() -> None:
    floor = Floor(settings(account_level="3", balances={"USDT": 100_000}))
    floor.move(SPOT, 100_000)
    (row,) = floor.post("/trade/order-precheck", **ORDER)
    assert (row["adjEq"], row["imr"], row["imrChg"]) == ("100000", "0", "3300")
    assert Decimal(row["availBalChg"]) == -3_300
    assert floor.exchange.account(MINE).orders.pending == {}
    assert floor.detail("USDT")["ordFrozen"] == "0"
    floor.place("buy", "market", instId=SWAP, tdMode="cross", sz="10")
    (row,) = floor.post("/trade/order-precheck", **ORDER)
    assert float(row["imr"]) == pytest.approx(10_000 / 3, rel=1e-3)
    assert float(row["mgnRatio"]) == pytest.approx(100_000 / 40, rel=1e-2)


def test_modes_without_common_margin_have_no_precheck() -> None:
    with pytest.raises(RefusedError, match="51010"):
        Floor().post("/trade/order-precheck", **ORDER)


def test_an_order_that_breaks_a_rule_is_refused() -> None:
    floor = Floor(settings(account_level="4"))
    with pytest.raises(RefusedError, match="51121"):
        floor.post("/trade/order-precheck", **ORDER | {"sz": "1.005"})
