from decimal import Decimal

import pytest

from okx_simulator.account.account import Account
from okx_simulator.account.settlement import Execution, settle
from okx_simulator.ids import Ids
from okx_simulator.market.listing import Listing
from okx_simulator.number import ZERO
from okx_simulator.order.order import Fill, NewOrder, Order
from tests.support.trading_floor import SPOT, START_MS, SWAP, listed, settings

LISTING = Listing(START_MS)


@pytest.fixture
def account() -> Account:
    return Account(settings(), START_MS)


def fill(
    account: Account, side: str, px: str, sz: str, *, inst_id: str = SPOT, is_taker: bool = True
) -> tuple[Order, Fill]:
    instrument = listed(LISTING, inst_id)
    td_mode = "cash" if inst_id == SPOT else "cross"
    asked = NewOrder(instrument, td_mode, side, "limit", Decimal(100), Decimal(px), "net")
    order = Order(1, "1", asked, asked.sz, asked.px, Decimal(10), 0, 0)
    mark = Decimal(px)
    execution = Execution("7", mark, Decimal(sz), START_MS, is_taker, mark, mark)
    return order, settle(account, order, execution, Ids())


def test_a_buyer_pays_in_base_and_a_seller_in_quote(account: Account) -> None:
    order, bought = fill(account, "buy", "100000", "0.5")
    assert (bought.fee, bought.fee_ccy) == (Decimal("-0.0005"), "BTC")
    assert account.cash["BTC"] == Decimal("10.4995")
    assert account.cash["USDT"] == 950_000
    _, sold = fill(account, "sell", "100000", "0.5", is_taker=False)
    assert (sold.fee, sold.fee_ccy, sold.fee_rate) == (*(Decimal(-40), "USDT", Decimal("-0.0008")),)
    assert account.cash["USDT"] == 999_960
    assert (order.filled_sz, order.filled_money, order.avg_px) == (
        *(Decimal("0.5"), Decimal(50_000), Decimal(100_000)),
    )


def test_every_currency_has_a_bill(account: Account) -> None:
    fill(account, "buy", "100000", "0.5")
    spent, got = account.bills
    assert (spent["ccy"], spent["balChg"], spent["fee"]) == ("USDT", "-50000", "0")
    assert (got["ccy"], got["balChg"], got["fee"]) == ("BTC", "0.4995", "-0.0005")
    assert spent["billId"] != got["billId"]
    assert account.traded == [(SPOT, "7")]
    assert account.touched == {"BTC", "USDT"}


def test_a_contract_settles_profit_and_fee(account: Account) -> None:
    fill(account, "buy", "100000", "10", inst_id=SWAP)
    assert account.cash["USDT"] == 1_000_000 - 5
    order, closed = fill(account, "sell", "101000", "4", inst_id=SWAP)
    assert (closed.pnl, order.pnl) == (Decimal(40), Decimal(40))
    assert account.cash["USDT"] == 1_000_000 - 5 + 40 - Decimal("2.02")
    (position,) = account.positions.values()
    assert (position.sz, position.pnl, position.fee) == (
        *(Decimal(6), Decimal(40), Decimal("-7.02")),
    )
    assert account.bills[-1]["subType"] == "5"


def test_a_flat_position_is_closed(account: Account) -> None:
    fill(account, "buy", "100000", "10", inst_id=SWAP)
    fill(account, "sell", "100000", "10", inst_id=SWAP)
    assert account.positions == {}
    ((position, kind),) = account.closed_positions
    assert (position.sz, kind) == (ZERO, "2")
    assert list(account.moved.values()) == [position]
