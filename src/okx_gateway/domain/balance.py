"""What does an account hold?  Pure.

Amounts are text as OKX wrote them, empty where OKX gives none; times are ms of OKX's clock.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyBalance:
    """Holdings in one currency."""

    currency: str
    cash: str
    available: str
    frozen: str
    equity: str
    equity_usd: str
    liability: str
    unrealised_profit: str
    update_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Holdings of an account, in OKX's order."""

    total_equity_usd: str
    adjusted_equity_usd: str
    currencies: tuple[CurrencyBalance, ...]
    update_ms: int
