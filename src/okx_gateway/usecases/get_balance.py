"""What does GetBalance promise?  What OKX said, and how long ago.

From the channel of the account where nothing of it was missed, else by one request for all who ask.
Either holds what this replica wrote before the call: the channel may lag behind the answer to an
order, and is waited for a moment.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from okx_gateway.account.live_accounts import LiveAccounts
from okx_gateway.custody.account_register import AccountRegister
from okx_gateway.domain.account import Account
from okx_gateway.domain.balance import Balance
from okx_gateway.domain.deadline import Deadline
from okx_gateway.ledger.charge import ChargeTable
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.exchange_client import ExchangeClient
from okx_gateway.usecases.ask_exchange import AskExchange
from okx_gateway.usecases.shared_read import SharedRead
from okx_gateway.usecases.supervisor import Supervisor

# The channel mostly tells of an order within a few tens of ms of its answer.
_LAG_S_MAX = 0.25


@dataclass(frozen=True, slots=True)
class DatedBalance:
    """A balance and when it came: in s of our monotonic clock, and in ms of our wall clock."""

    balance: Balance
    received_s: float
    receive_ms: int

    def age_s(self) -> float:
        """Seconds since it was received."""
        return time.monotonic() - self.received_s


class GetBalance:
    """Reads balances; see the module."""

    def __init__(
        self,
        *,
        accounts: AccountRegister,
        live: LiveAccounts,
        charges: ChargeTable,
        ask: AskExchange,
        exchange: ExchangeClient,
        supervisor: Supervisor,
    ) -> None:
        self._accounts = accounts
        self._live = live
        self._charges = charges
        self._ask = ask
        self._exchange = exchange
        self._shared: SharedRead[DatedBalance] = SharedRead(supervisor)

    async def __call__(
        self,
        account_name: str,
        currencies: Sequence[str],
        *,
        max_age_s: float | None = None,
        caller: str,
        deadline: Deadline,
    ) -> DatedBalance:
        """Read the balance of an account; of all its currencies where none is named.

        What is told is at most `max_age_s` old, where that is given.

        Raises:
            GatewayError: There is no answer within the deadline.
        """
        account = await self._accounts.find(account_name, deadline)
        feed = self._live.balance(account.name)
        wrote_ms = self._exchange.last_write_ms(account.name)
        wait_s = min(_LAG_S_MAX, max(0.0, deadline.remaining_s()) / 2)
        if await feed.told_since(wrote_ms, wait_s=wait_s):
            balance = feed.balance(tuple(currencies))
            if balance is not None and (max_age_s is None or feed.age_s() <= max_age_s):
                return DatedBalance(balance, feed.received_s, feed.receive_ms)
        # A request that was begun before the write is not for those who ask after it.
        return await self._shared(
            (account.name, str(wrote_ms), *currencies),
            lambda: self._read(account, currencies, caller, deadline),
            deadline,
        )

    async def _read(
        self, account: Account, currencies: Sequence[str], caller: str, deadline: Deadline
    ) -> DatedBalance:
        balance = await self._ask.read(
            account.owner,
            self._charges.of_read(Endpoint.GET_BALANCE, caller),
            deadline,
            partial(self._exchange.balance, account.name, currencies),
            caller=caller,
        )
        return DatedBalance(balance, time.monotonic(), int(time.time() * 1000))
