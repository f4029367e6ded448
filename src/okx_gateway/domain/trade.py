"""What was traded in the market?  Pure.

Amounts are text as OKX wrote them.
"""

from dataclasses import dataclass

from okx_gateway.domain.order import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """What one taker traded at one price, of `count` orders that rested.

    `side` is the taker's; None where OKX names none that is known. `trade_id` is of the last of
    them. `exchange_ms` is of OKX's clock, `receive_ms` of ours.
    """

    instrument: str
    trade_id: str
    side: Side | None
    price: str
    quantity: str
    count: int
    exchange_ms: int
    receive_ms: int
