"""How is something asked of OKX within the shared budget?"""

import asyncio
from dataclasses import dataclass

from okx_gateway.domain.account import Account
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.instrument import Instrument
from okx_gateway.domain.order import OrderName
from okx_gateway.ledger.charge import Charge, ChargeTable
from okx_gateway.ledger.redis_ledger import RedisLedger
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.exchange_client import ExchangeClient
from okx_gateway.okx.verdict import CancelVerdict, LookupVerdict
from okx_gateway.trace_step import step


@dataclass(frozen=True, slots=True)
class AskExchange:
    """Requests about one order, each with its slot from the budget."""

    ledger: RedisLedger
    charges: ChargeTable
    exchange: ExchangeClient

    async def look_up(
        self, account: Account, instrument: Instrument, name: OrderName, deadline: Deadline
    ) -> LookupVerdict:
        """Look an order up.

        Raises:
            BudgetExhaustedError: No room before the deadline; nothing was asked.
            LedgerUnavailableError: The budget cannot be asked; nothing was asked.
        """
        await self.wait_for_room(
            account.owner, self.charges.of_order(Endpoint.GET_ORDER, instrument), deadline
        )
        return await self.exchange.look_up(account.name, instrument.name, name)

    async def cancel(
        self, account: Account, instrument: Instrument, name: OrderName, deadline: Deadline
    ) -> CancelVerdict:
        """Ask once to cancel an order.

        Raises:
            BudgetExhaustedError: No room before the deadline; nothing was asked.
            LedgerUnavailableError: The budget cannot be asked; nothing was asked.
        """
        await self.wait_for_room(
            account.owner, self.charges.of_order(Endpoint.CANCEL_ORDER, instrument), deadline
        )
        return await self.exchange.cancel(account.name, instrument.name, name)

    async def wait_for_room(
        self, owner: str, charges: tuple[Charge, ...], deadline: Deadline
    ) -> None:
        """Take a slot and wait for it.

        Raises:
            BudgetExhaustedError: No room before the deadline.
            LedgerUnavailableError: The budget cannot be asked.
        """
        with step("admit") as span:
            wait_s = await self.ledger.spend(owner, charges, deadline)
            span.set_attribute("okx_gateway.budget.wait_ms", round(wait_s * 1000))
            if wait_s:
                await asyncio.sleep(wait_s)
