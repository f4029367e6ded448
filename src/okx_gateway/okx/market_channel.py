"""Which channels tell of the market?  Pure.

Source: OKX docs v5, "Order Book Trading / Market Data". Candles come over the URL for business, all
others over the public one.
"""

from okx_gateway.domain.candle import Bar
from okx_gateway.okx.channel import Channel, channel_of


def tickers_of(instrument: str) -> Channel:
    """Best prices and the last trade, at most every 100 ms."""
    return channel_of("tickers", instId=instrument)


def trades_of(instrument: str) -> Channel:
    """Trades, those of one taker at one price as one."""
    return channel_of("trades", instId=instrument)


def books_of(instrument: str) -> Channel:
    """400 levels a side: first all of them, then changes, every 100 ms."""
    return channel_of("books", instId=instrument)


def candles_of(instrument: str, bar: Bar) -> Channel:
    """The present candle, at most every second."""
    return channel_of(f"candle{bar.value}", instId=instrument)


def instrument_of(channel: Channel) -> str:
    """The instrument that a channel of these is about."""
    return dict(channel.arguments)["instId"]
