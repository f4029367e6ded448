"""How is a ticker read from OKX?  Pure.

Source: OKX docs v5, "Order Book Trading / Market Data / Tickers channel".
"""

from okx_gateway.domain.ticker import Ticker
from okx_gateway.okx.reply import Row, milliseconds, text


def ticker_from_row(row: Row, *, receive_ms: int) -> Ticker:
    """Read one row, received at `receive_ms` of our clock.

    Raises:
        UnreadableReplyError: A field is not what OKX documents.
    """
    return Ticker(
        instrument=text(row, "instId"),
        last_price=text(row, "last"),
        last_quantity=text(row, "lastSz"),
        bid_price=text(row, "bidPx"),
        bid_quantity=text(row, "bidSz"),
        ask_price=text(row, "askPx"),
        ask_quantity=text(row, "askSz"),
        open_price_24h=text(row, "open24h"),
        high_price_24h=text(row, "high24h"),
        low_price_24h=text(row, "low24h"),
        volume_24h=text(row, "vol24h"),
        volume_currency_24h=text(row, "volCcy24h"),
        exchange_ms=milliseconds(row, "ts"),
        receive_ms=receive_ms,
    )
