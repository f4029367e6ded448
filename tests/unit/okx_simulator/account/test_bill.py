from decimal import Decimal

import pytest

from okx_simulator.account.bill import BalanceChange, bill_row
from tests.support.trading_floor import SPOT, SWAP, Floor

DOCUMENTED = {
    *("instType", "billId", "type", "subType", "ts", "balChg", "posBalChg", "bal", "posBal", "sz"),
    *("px", "ccy", "pnl", "fee", "earnAmt", "earnApr", "mgnMode", "instId", "ordId", "execType"),
    *("from", "to", "notes", "interest", "tag", "fillTime", "tradeId", "clOrdId", "fillIdxPx"),
    *("fillMarkPx", "fillPxVol", "fillPxUsd", "fillMarkVol", "fillFwdPx"),
}


def test_a_bill_without_an_order_has_every_documented_key() -> None:
    row = bill_row(BalanceChange("7", "BTC", Decimal("-0.50"), Decimal(2), 5, "1", "12"), px="9")
    assert set(row) == DOCUMENTED
    assert (row["balChg"], row["bal"], row["ts"], row["ordId"], row["px"]) == (
        *("-0.5", "2", "5", "", "9"),
    )


@pytest.mark.parametrize(
    ("side", "first", "sub_types"),
    [("buy", "sell", ["6", "4"]), ("sell", "buy", ["5", "3"])],
)
def test_opening_and_closing_are_told_apart(side: str, first: str, sub_types: list[str]) -> None:
    floor = Floor()
    how = {"instId": SWAP, "tdMode": "cross", "sz": "0.01"}
    floor.place(first, "market", **how)
    floor.place(side, "market", **how)
    assert [bill["subType"] for bill in floor.get("/account/bills")] == sub_types


def test_pairs_are_bought_and_sold() -> None:
    floor = Floor()
    floor.place("sell", "market", sz="0.001", clOrdId="b1", tag="t")
    bill = floor.get("/account/bills", instId=SPOT)[0]
    assert set(bill) == DOCUMENTED
    assert (bill["subType"], bill["clOrdId"], bill["tag"], bill["execType"]) == (
        "2",
        "b1",
        "t",
        "T",
    )
