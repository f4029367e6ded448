import pytest

from okx_gateway.okx.candle_codec import candle_from_row
from okx_gateway.okx.reply import UnreadableReplyError

# OKX docs, "Candlesticks channel", the example of a push.
ROW = dict(
    zip(
        "012345678",
        [
            *("1597026383085", "8533.02", "8553.74", "8527.17", "8548.26"),
            *("45247", "529.5858061", "5529.5858061", "0"),
        ],
        strict=True,
    )
)


def test_a_candle_is_read() -> None:
    candle = candle_from_row(ROW, "BTC-USDT", receive_ms=5)
    assert (candle.instrument, candle.start_ms, candle.receive_ms) == (
        "BTC-USDT",
        1_597_026_383_085,
        5,
    )
    assert (candle.open_price, candle.high_price) == ("8533.02", "8553.74")
    assert (candle.low_price, candle.close_price) == ("8527.17", "8548.26")
    assert (candle.volume, candle.volume_currency, candle.volume_quote) == (
        "45247",
        "529.5858061",
        "5529.5858061",
    )
    assert not candle.complete
    assert candle_from_row({**ROW, "8": "1"}, "BTC-USDT", receive_ms=5).complete


@pytest.mark.parametrize("wrong", [{"0": ""}, {"0": "soon"}, {"0": 5}, {"4": 8548.26}, {"8": 1}])
def test_what_is_not_as_documented_is_not_read(wrong: dict[str, object]) -> None:
    with pytest.raises(UnreadableReplyError):
        candle_from_row(ROW | wrong, "BTC-USDT", receive_ms=5)
