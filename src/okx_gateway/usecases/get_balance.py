"""What does GetBalance promise?  What OKX said, how long ago, by one request for all who ask."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from okx_gateway.custody.account_register import AccountRegister
from okx_gateway.domain.account import Account
from okx_gateway.domain.balance import Balance
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import BudgetExhaustedError, DeadlineTooShortError
from okx_gateway.ledger.charge import ChargeTable
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.exchange_client import ExchangeClient
from okx_gateway.usecases.ask_exchange import AskExchange
from okx_gateway.usecases.supervisor import Supervisor


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
        charges: ChargeTable,
        ask: AskExchange,
        exchange: ExchangeClient,
        supervisor: Supervisor,
    ) -> None:
        self._accounts = accounts
        self._charges = charges
        self._ask = ask
        self._exchange = exchange
        self._supervisor = supervisor
        self._asking: dict[tuple[str, ...], asyncio.Task[DatedBalance]] = {}

    async def __call__(
        self, account_name: str, currencies: Sequence[str], *, caller: str, deadline: Deadline
    ) -> DatedBalance:
        """Read the balance of an account; of all its currencies where none is named.

        Raises:
            GatewayError: There is no answer within the deadline.
        """
        account = await self._accounts.find(account_name, deadline)
        key = (account.name, *currencies)
        own = False
        while not own:
            task = self._asking.get(key)
            own = task is None
            if task is None:
                task = self._supervisor.start(self._read(account, currencies, caller, deadline))
                self._asking[key] = task
                task.add_done_callback(lambda _: self._asking.pop(key, None))
            done, _ = await asyncio.wait({task}, timeout=max(0.0, deadline.remaining_s()))
            if not done or task.cancelled():
                break
            if own or not isinstance(task.exception(), BudgetExhaustedError):
                return task.result()
            # There was no room within the deadline of another, which is not ours.
        raise DeadlineTooShortError(0, 1)

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
