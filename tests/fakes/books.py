"""Order books with the fields that tests look at."""

from typing import Any

from okx_gateway.domain.order_book import OrderBook, PriceLevel

START_MS = 1_700_000_000_000


def a_book(instrument: str = "BTC-USDT", sequence: int = 10, **changes: Any) -> OrderBook:
    """Two levels a side around 100."""
    given = {
        "asks": (PriceLevel("101", "1", 2), PriceLevel("102", "3", 1)),
        "bids": (PriceLevel("99", "2", 1), PriceLevel("98", "5", 4)),
        "exchange_ms": START_MS,
        "receive_ms": START_MS + 5,
    }
    return OrderBook(instrument=instrument, sequence=sequence, **{**given, **changes})
