import pytest

from okx_gateway.domain.candle import Bar
from okx_gateway.okx.channel import Channel
from okx_gateway.okx.market_channel import (
    books_of,
    candles_of,
    instrument_of,
    tickers_of,
    trades_of,
)
from okx_simulator.websocket.channel import CHANNELS

BTC = "BTC-USDT"


@pytest.mark.parametrize("channel", [tickers_of(BTC), trades_of(BTC), books_of(BTC)])
def test_a_channel_is_about_its_instrument(channel: Channel) -> None:
    assert instrument_of(channel) == BTC
    assert channel.arguments == (("instId", BTC),)
    assert channel.name in CHANNELS


@pytest.mark.parametrize("bar", Bar)
def test_there_are_candles_of_every_bar(bar: Bar) -> None:
    channel = candles_of(BTC, bar)
    assert instrument_of(channel) == BTC
    assert channel.name in CHANNELS
