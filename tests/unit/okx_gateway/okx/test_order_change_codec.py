from typing import Any

import pytest

from okx_gateway.domain.order import OrderState
from okx_gateway.domain.order_event import Fill, Liquidity
from okx_gateway.okx.order_change_codec import (
    counted_order_from_row,
    fill_from_push,
    fill_from_row,
)
from okx_gateway.okx.reply import UnreadableReplyError

# The order channel's three pushes of one market sell, as OKX sent them in September 2023.
LIVE: dict[str, Any] = {
    "instType": "SPOT",
    "instId": "BTC-USDT",
    "ordId": "620258920632008725",
    "clOrdId": "",
    "tag": "",
    "ordType": "market",
    "side": "sell",
    "tdMode": "cash",
    "tgtCcy": "quote_ccy",
    "px": "",
    "sz": "10",
    "state": "live",
    "accFillSz": "0",
    "avgPx": "0",
    "fillSz": "0",
    "fillPx": "",
    "tradeId": "",
    "fillTime": "",
    "execType": "",
    "fee": "0",
    "feeCcy": "USDT",
    "cancelSource": "",
    "attachAlgoOrds": [],
    "cTime": "1694153250532",
    "uTime": "1694153250532",
}
TRADED = LIVE | {
    "state": "partially_filled",
    "accFillSz": "0.00038128",
    "avgPx": "26228.1",
    "fillSz": "0.00038128",
    "fillPx": "26228.1",
    "tradeId": "435550732",
    "fillTime": "1694153250535",
    "execType": "T",
    "fillFee": "-0.010000249968",
    "fillFeeCcy": "USDT",
    "fee": "-0.010000249968",
    "uTime": "1694153250535",
}
FILLED = TRADED | {"state": "filled", "fillSz": "0", "fillPx": "", "tradeId": "", "fillFee": "0"}
DETAILS = {
    "instType": "SPOT",
    "instId": "BTC-USDT",
    "tradeId": "435550732",
    "billId": "1",
    "ordId": "620258920632008725",
    "fillPx": "26228.1",
    "fillSz": "0.00038128",
    "execType": "T",
    "feeCcy": "USDT",
    "fee": "-0.010000249968",
    "fillTime": "1694153250535",
    "ts": "1694153250536",
}
FILL = Fill(
    exchange_order_id="620258920632008725",
    trade_id="435550732",
    price="26228.1",
    quantity="0.00038128",
    fee="-0.010000249968",
    fee_currency="USDT",
    liquidity=Liquidity.TAKER,
    fill_ms=1694153250535,
)


def test_pushes_of_an_order_are_read() -> None:
    orders = [counted_order_from_row(row) for row in (LIVE, TRADED, FILLED)]
    assert [each.state for each in orders] == [
        OrderState.LIVE,
        OrderState.PARTIALLY_FILLED,
        OrderState.FILLED,
    ]
    assert [each.average_price for each in orders] == ["", "26228.1", "26228.1"]


def test_a_fill_is_the_same_whether_it_is_pushed_or_listed() -> None:
    assert [fill_from_push(row) for row in (LIVE, TRADED, FILLED)] == [None, FILL, None]
    assert fill_from_row(DETAILS) == FILL


def test_a_fill_without_a_time_of_its_own_has_that_of_its_row() -> None:
    assert fill_from_row(DETAILS | {"fillTime": ""}).fill_ms == 1694153250536


def test_who_made_the_market_may_be_unknown() -> None:
    assert fill_from_row(DETAILS | {"execType": ""}).liquidity is None
    assert fill_from_row(DETAILS | {"execType": "M"}).liquidity is Liquidity.MAKER


@pytest.mark.parametrize("amount", ["a lot", "NaN", "Infinity", 1])
@pytest.mark.parametrize("key", ["sz", "px", "accFillSz"])
def test_an_order_that_cannot_be_counted_with_is_not_read(key: str, amount: object) -> None:
    with pytest.raises(UnreadableReplyError):
        counted_order_from_row(LIVE | {key: amount})


@pytest.mark.parametrize("wrong", [{"tradeId": ""}, {"ordId": ""}, {"fillSz": "NaN"}])
def test_what_is_no_fill_is_not_read(wrong: dict[str, str]) -> None:
    with pytest.raises(UnreadableReplyError):
        fill_from_row(DETAILS | wrong)
