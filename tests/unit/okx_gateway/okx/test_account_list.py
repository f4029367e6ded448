import pytest

from okx_gateway.account.order_state import PushedOrder
from okx_gateway.domain.instrument import InstrumentType
from okx_gateway.okx.account_list import AccountList, AccountPage, page_from_rows
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.reply import Row, UnreadableReplyError
from tests.fakes.live_orders import a_fill, a_live_order, pushed_row

PENDING = AccountList(Endpoint.GET_ORDERS_PENDING)
PAST = AccountList(Endpoint.GET_ORDERS_HISTORY, InstrumentType.SWAP, 5)
FILLS = AccountList(Endpoint.GET_FILLS, begin_ms=7)
FILL = {
    "ordId": "1",
    "tradeId": "7",
    "billId": "31",
    "fillPx": "100",
    "fillSz": "1",
    "fee": "-0.001",
    "feeCcy": "BTC",
    "execType": "M",
    "fillTime": "1001",
    "ts": "1002",
}


def row(order_id: str) -> Row:
    return pushed_row(PushedOrder(a_live_order(order_id), None, 0))


def test_each_list_is_asked_for_with_what_it_takes() -> None:
    assert PENDING.parameters("") == {"limit": "100"}
    assert PAST.parameters("9") == {
        "limit": "100",
        "instType": "SWAP",
        "begin": "5",
        "after": "9",
    }
    assert FILLS.parameters("") == {"limit": "100", "begin": "7"}


def test_orders_go_on_by_their_ids() -> None:
    page = page_from_rows(PENDING, [row("9"), row("7")], after="")
    assert page == AccountPage((a_live_order("9"), a_live_order("7")), (), "7")


def test_fills_go_on_by_ids_of_their_own() -> None:
    page = page_from_rows(FILLS, [FILL, FILL | {"billId": "30", "tradeId": "6"}], after="32")
    assert page == AccountPage((), (a_fill(), a_fill(trade_id="6")), "30")


def test_a_list_ends_with_an_empty_page() -> None:
    assert page_from_rows(PAST, [], after="7") == AccountPage((), (), "")


@pytest.mark.parametrize(
    "rows", [[row("7")], [row("8")], [{**row("5"), "state": ""}], [{**row("5"), "ordId": ""}]]
)
def test_what_is_not_of_the_page_is_not_read(rows: list[Row]) -> None:
    with pytest.raises(UnreadableReplyError):
        page_from_rows(PENDING, rows, after="7")
