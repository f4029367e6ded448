"""How did a price move during a span of time?  Pure.

Amounts are text as OKX wrote them.
"""

from dataclasses import dataclass
from enum import StrEnum


class Bar(StrEnum):
    """How long a candle lasts, as OKX names it; those of six hours and more begin by UTC."""

    SECOND_1 = "1s"
    MINUTE_1 = "1m"
    MINUTE_3 = "3m"
    MINUTE_5 = "5m"
    MINUTE_15 = "15m"
    MINUTE_30 = "30m"
    HOUR_1 = "1H"
    HOUR_2 = "2H"
    HOUR_4 = "4H"
    HOUR_6 = "6Hutc"
    HOUR_12 = "12Hutc"
    DAY_1 = "1Dutc"
    WEEK_1 = "1Wutc"
    MONTH_1 = "1Mutc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """One candle, which may still change unless it is `complete`.

    `start_ms` is of OKX's clock, `receive_ms` of ours.
    """

    instrument: str
    start_ms: int
    open_price: str
    high_price: str
    low_price: str
    close_price: str
    volume: str
    volume_currency: str
    volume_quote: str
    complete: bool
    receive_ms: int
