"""What can a stream of an account's balance tell?  Pure."""

from dataclasses import dataclass

from okx_gateway.domain.balance import Balance, CurrencyBalance
from okx_gateway.domain.market_notice import Heartbeat
from okx_gateway.domain.order_event import Resumed, Stale


@dataclass(frozen=True, slots=True)
class BalanceSnapshot:
    """All that the account holds, received at `receive_ms` of our clock."""

    balance: Balance
    receive_ms: int


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """The totals now, and the currencies that changed since what was told before.

    A currency that is used up is told with zeros. `receive_ms` is of our clock.
    """

    total_equity_usd: str
    adjusted_equity_usd: str
    currencies: tuple[CurrencyBalance, ...]
    update_ms: int
    receive_ms: int


BalanceStreamEvent = BalanceSnapshot | BalanceChange | Stale | Resumed | Heartbeat
"""One event of a stream of a balance."""
