import pytest

from okx_gateway.domain.order import Side
from okx_gateway.okx.reply import UnreadableReplyError
from okx_gateway.okx.trade_codec import trade_from_row

# OKX docs, "Trades channel", the example of a push.
ROW: dict[str, object] = {
    "instId": "BTC-USDT",
    "tradeId": "130639474",
    "px": "42219.9",
    "sz": "0.12060306",
    "side": "buy",
    "ts": "1630048897897",
    "count": "3",
    "source": "0",
    "seqId": 1234,
}


def test_a_trade_is_read() -> None:
    trade = trade_from_row(ROW, receive_ms=5)
    assert (trade.instrument, trade.trade_id, trade.side) == ("BTC-USDT", "130639474", Side.BUY)
    assert (trade.price, trade.quantity, trade.count) == ("42219.9", "0.12060306", 3)
    assert (trade.exchange_ms, trade.receive_ms) == (1_630_048_897_897, 5)


@pytest.mark.parametrize(
    ("changes", "side"), [({"side": "sell"}, Side.SELL), ({"side": "?"}, None)]
)
def test_a_side_that_is_not_known_breaks_nothing(
    changes: dict[str, object], side: Side | None
) -> None:
    assert trade_from_row(ROW | changes, receive_ms=5).side is side


@pytest.mark.parametrize("count", ["", "many", "-1", "9" * 10])
def test_without_a_count_it_is_one(count: str) -> None:
    assert trade_from_row(ROW | {"count": count}, receive_ms=5).count == 1


@pytest.mark.parametrize("wrong", [{"tradeId": ""}, {"tradeId": 5}, {"px": 1.5}, {"ts": "soon"}])
def test_what_is_not_as_documented_is_not_read(wrong: dict[str, object]) -> None:
    with pytest.raises(UnreadableReplyError):
        trade_from_row(ROW | wrong, receive_ms=5)
