from decimal import Decimal

import pytest

from okx_simulator.account.account import Account, lever_key, position_key
from okx_simulator.market.listing import Listing
from okx_simulator.number import ZERO
from okx_simulator.order.order import NewOrder, Order
from tests.support.trading_floor import SPOT, START_MS, SWAP, listed, settings

LISTING = Listing(START_MS)


def order(inst_id: str, td_mode: str, side: str = "buy", **given: str) -> Order:
    instrument = listed(LISTING, inst_id, given.get("inst_type", ""))
    pos_side, ccy = given.get("pos_side", "net"), given.get("ccy", "")
    asked = NewOrder(instrument, td_mode, side, "limit", Decimal(1), Decimal(1), pos_side, ccy)
    return Order(1, "1", asked, asked.sz, asked.px, ZERO, 0, 0)


@pytest.mark.parametrize(
    ("inst_id", "td_mode", "pocket"),
    [(SPOT, "cash", "frozen"), (SPOT, "cross", "frozen"), (SWAP, "cross", "held_margin")],
)
def test_orders_freeze_in_their_pocket(inst_id: str, td_mode: str, pocket: str) -> None:
    account, one = Account(settings(), START_MS), order(inst_id, td_mode)
    kept = getattr(account, pocket)
    account.freeze(one, "USDT", Decimal(100))
    account.freeze(one, "USDT", Decimal(40))
    assert kept["USDT"] == one.frozen == 40
    account.freeze(one, "BTC", Decimal(2))
    assert (kept["USDT"], kept["BTC"]) == (0, 2)
    account.freeze(one, "BTC", ZERO)
    assert kept["BTC"] == one.frozen == 0
    assert account.touched == {"USDT", "BTC"}


def test_paying_is_noted() -> None:
    account = Account(settings(), START_MS)
    assert account.pay("USDT", Decimal(-1), START_MS + 5) == 999_999
    assert (account.changed_ms["USDT"], account.changed_ms["BTC"]) == (START_MS + 5, START_MS)
    assert account.touched == {"USDT"}


def test_leverage_is_that_of_the_instrument_or_its_family() -> None:
    swap, future = listed(LISTING, SWAP), listed(LISTING, "BTC-USDT-261225")
    assert lever_key(swap, "cross", "net") == (SWAP, "cross", "net")
    assert lever_key(future, "cross", "net") == ("BTC-USDT", "cross", "net")
    assert lever_key(future, "isolated", "long") == ("BTC-USDT-261225", "isolated", "long")
    account = Account(settings(), START_MS)
    assert account.lever(swap, "cross", "net") == 3
    assert account.lever(listed(LISTING, SPOT), "cash", "") == 0
    assert account.lever(listed(LISTING, SPOT, "MARGIN"), "cash", "") == 0


def test_orders_belong_to_the_position_of_their_side_and_currency() -> None:
    long = position_key(order(SWAP, "cross", pos_side="long"))
    assert long == position_key(order(SWAP, "cross", "sell", pos_side="long"))
    assert long != position_key(order(SWAP, "cross", pos_side="short"))
    assert long != position_key(order(SWAP, "isolated", pos_side="long"))
    margin = {"inst_type": "MARGIN"}
    assert position_key(order(SPOT, "cross", ccy="BTC", **margin)) != (
        position_key(order(SPOT, "cross", ccy="USDT", **margin))
    )


def test_closing_orders_are_those_that_cannot_open() -> None:
    account = Account(settings(), START_MS)
    closes = order(SWAP, "cross", "sell", pos_side="long")
    opens = order(SWAP, "cross", "buy", pos_side="long")
    opens.ord_id = 2
    account.orders.add(closes)
    account.orders.add(opens)
    assert account.closing_orders(position_key(closes), is_buy=False) == [closes]
    assert account.closing_size(order(SWAP, "cross", "sell", pos_side="long")) == 1


def test_masters_are_their_own() -> None:
    assert Account(settings("5"), START_MS).main_uid == "5"
    assert Account(settings("5", main_uid="1"), START_MS).main_uid == "1"
    assert Account(settings(account_level="4"), START_MS).shares_margin
    assert not Account(settings(account_level="2"), START_MS).shares_margin
