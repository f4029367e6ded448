from okx_gateway.okx.channel import Channel, channel_of


def test_a_channel_is_the_same_however_its_arguments_were_given() -> None:
    assert channel_of("orders", instType="ANY", instId="A") == channel_of(
        "orders", instId="A", instType="ANY"
    )
    assert channel_of("tickers", instId="BTC-USDT") == Channel("tickers", (("instId", "BTC-USDT"),))


def test_channels_of_other_arguments_differ() -> None:
    assert channel_of("tickers", instId="A") != channel_of("tickers", instId="B")
    assert channel_of("tickers", instId="A") != channel_of("trades", instId="A")
