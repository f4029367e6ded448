"""Tickers with the fields that tests look at."""

from okx_gateway.domain.ticker import Ticker
from okx_gateway.okx.channel import ChannelListener, Push, channel_of

START_MS = 1_700_000_000_000


def a_ticker(instrument: str = "BTC-USDT", number: int = 1) -> Ticker:
    """The ticker that is `number` ms of OKX's clock after the start, with a price of `number`."""
    return Ticker(
        instrument=instrument,
        last_price=str(number),
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
        exchange_ms=START_MS + number,
        receive_ms=START_MS + number + 5,
    )


def push_ticker(listener: ChannelListener, instrument: str = "BTC-USDT", number: int = 1) -> None:
    """Have OKX push `a_ticker` of these."""
    ticker = a_ticker(instrument, number)
    row = {
        "instId": instrument,
        "last": ticker.last_price,
        "lastSz": ticker.last_quantity,
        "bidPx": ticker.bid_price,
        "bidSz": ticker.bid_quantity,
        "askPx": ticker.ask_price,
        "askSz": ticker.ask_quantity,
        "open24h": ticker.open_price_24h,
        "high24h": ticker.high_price_24h,
        "low24h": ticker.low_price_24h,
        "vol24h": ticker.volume_24h,
        "volCcy24h": ticker.volume_currency_24h,
        "ts": str(ticker.exchange_ms),
    }
    push = Push(receive_ms=ticker.receive_ms)
    listener.on_rows(channel_of("tickers", instId=instrument), [row], push)
