"""What does the market say of an instrument?  Pure.

Amounts are text as OKX wrote them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticker:
    """Best prices and the last trade; `exchange_ms` is of OKX's clock, `receive_ms` of ours."""

    instrument: str
    last_price: str
    last_quantity: str
    bid_price: str
    bid_quantity: str
    ask_price: str
    ask_quantity: str
    open_price_24h: str
    high_price_24h: str
    low_price_24h: str
    volume_24h: str
    volume_currency_24h: str
    exchange_ms: int
    receive_ms: int
