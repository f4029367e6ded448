import pytest

from okx_gateway.domain.ticker import Ticker
from okx_gateway.okx.reply import UnreadableReplyError
from okx_gateway.okx.ticker_codec import ticker_from_row

# OKX docs, "Tickers channel", the example of a push.
ROW = {
    "instType": "SPOT",
    "instId": "BTC-USDT",
    "last": "9999.99",
    "lastSz": "0.1",
    "askPx": "9999.99",
    "askSz": "11",
    "bidPx": "8888.88",
    "bidSz": "5",
    "open24h": "9000",
    "high24h": "10000",
    "low24h": "8888.88",
    "volCcy24h": "2222",
    "vol24h": "2222.5",
    "sodUtc0": "2222",
    "sodUtc8": "2222",
    "ts": "1597026383085",
}


def test_a_ticker_is_read_as_okx_wrote_it() -> None:
    assert ticker_from_row(ROW, receive_ms=1597026383090) == Ticker(
        instrument="BTC-USDT",
        last_price="9999.99",
        last_quantity="0.1",
        bid_price="8888.88",
        bid_quantity="5",
        ask_price="9999.99",
        ask_quantity="11",
        open_price_24h="9000",
        high_price_24h="10000",
        low_price_24h="8888.88",
        volume_24h="2222.5",
        volume_currency_24h="2222",
        exchange_ms=1597026383085,
        receive_ms=1597026383090,
    )


def test_an_empty_side_of_the_book_is_empty() -> None:
    ticker = ticker_from_row(ROW | {"askPx": "", "askSz": ""}, receive_ms=0)
    assert (ticker.ask_price, ticker.ask_quantity) == ("", "")


@pytest.mark.parametrize("wrong", [{"last": 9999.99}, {"instId": None}, {"ts": "now"}])
def test_what_is_not_as_documented_is_not_read(wrong: dict[str, object]) -> None:
    with pytest.raises(UnreadableReplyError):
        ticker_from_row(ROW | wrong, receive_ms=0)
