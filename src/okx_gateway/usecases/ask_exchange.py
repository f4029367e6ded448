"""How is something asked of OKX within the shared budget?"""

import asyncio
import time
from dataclasses import dataclass
from typing import Protocol

from okx_gateway import metric
from okx_gateway.domain.account import Account
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import LedgerUnavailableError
from okx_gateway.domain.instrument import Instrument
from okx_gateway.domain.order import OrderName, Refused
from okx_gateway.ledger.charge import GATEWAY, Charge, ChargeTable, Route
from okx_gateway.ledger.grant import RENEW_AHEAD_S, UNCHECKED_WAIT_S
from okx_gateway.ledger.ledger_script import SLOT_GOOD_S
from okx_gateway.ledger.redis_budget import RedisBudget, Slot
from okx_gateway.okx import code as codes
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.exchange_client import ExchangeClient
from okx_gateway.okx.verdict import CancelVerdict, LookupVerdict, NoEvidence, Unsent
from okx_gateway.trace_step import step
from okx_gateway.usecases.throttling import Throttling

# A slot far ahead is asked for twice; a stalled process may sleep through one.
_SLOTS_MAX = 5


class Floors(Protocol):
    """What this replica may send without asking Redis."""

    def take(self, owner: str, charge: Charge) -> bool:
        """Spend `charge` from the floor of its window, if that has room now."""


@dataclass(frozen=True, slots=True)
class AskExchange:
    """Requests about one order, each with its slot from the budget."""

    budget: RedisBudget
    floors: Floors
    charges: ChargeTable
    exchange: ExchangeClient
    throttling: Throttling

    async def look_up(
        self,
        account: Account,
        instrument: Instrument,
        name: OrderName,
        deadline: Deadline,
        *,
        caller: str = GATEWAY,
    ) -> LookupVerdict:
        """Look an order up.

        Raises:
            BudgetExhaustedError: No room before the deadline; nothing was asked.
            LedgerUnavailableError: The budget cannot be asked; nothing was asked.
        """
        route = self.charges.of_order(Endpoint.GET_ORDER, instrument, account, caller)
        seen: LookupVerdict = NoEvidence("", late=True)
        for _ in range(_SLOTS_MAX):
            if not (isinstance(seen, NoEvidence) and seen.late):
                break
            until_s = await self.wait_for_room(account.owner, route, deadline, caller=caller)
            seen = await self.exchange.look_up(
                account.name, instrument.name, name, write_before_s=until_s
            )
        if isinstance(seen, NoEvidence) and seen.code in codes.THROTTLED:
            self.throttling.seen(account.owner, route, seen.code)
        return seen

    async def cancel(
        self,
        account: Account,
        instrument: Instrument,
        name: OrderName,
        deadline: Deadline,
        *,
        caller: str = GATEWAY,
    ) -> CancelVerdict:
        """Ask once to cancel an order.

        Raises:
            BudgetExhaustedError: No room before the deadline; nothing was asked.
            LedgerUnavailableError: The budget cannot be asked; nothing was asked.
        """
        route = self.charges.of_order(Endpoint.CANCEL_ORDER, instrument, account, caller)
        verdict: CancelVerdict = Unsent("", late=True)
        for _ in range(_SLOTS_MAX):
            if not (isinstance(verdict, Unsent) and verdict.late):
                break
            until_s = await self.wait_for_room(account.owner, route, deadline, caller=caller)
            verdict = await self.exchange.cancel(
                account.name, instrument.name, name, write_before_s=until_s
            )
        if isinstance(verdict, Refused) and verdict.code in codes.THROTTLED:
            self.throttling.seen(account.owner, route, verdict.code)
        return verdict

    async def wait_for_room(
        self, owner: str, route: Route, deadline: Deadline, *, caller: str = GATEWAY
    ) -> float:
        """Take a slot and wait for it: of this replica's floor, or else of all replicas' budget.

        Until when it may be used, of our monotonic clock.

        Raises:
            BudgetExhaustedError: No room before the deadline.
            LedgerUnavailableError: The budget cannot be asked, or not fast enough, and the floor
                has no room.
        """
        with step("admit") as span:
            if len(route) == 1 and self.floors.take(owner, route[0]):
                return time.monotonic() + SLOT_GOOD_S
            slot = await self._spend(owner, route, deadline, caller)
            span.set_attribute("okx_gateway.budget.wait_ms", round(slot.wait_s * 1000))
            metric.waited(route[0].name, slot.wait_s)
            for _ in range(_SLOTS_MAX):
                if slot.wait_s <= UNCHECKED_WAIT_S:
                    await asyncio.sleep(slot.at_s - time.monotonic())
                    if time.monotonic() <= slot.until_s:
                        return slot.until_s
                else:
                    await asyncio.sleep(slot.at_s - RENEW_AHEAD_S - time.monotonic())
                # Slept through, or promised by a ledger that may be lost by now.
                slot = await self._spend(owner, route, deadline, caller, given_up=slot.nonce)
            raise LedgerUnavailableError("its slots come too late to be used")

    async def _spend(
        self, owner: str, route: Route, deadline: Deadline, caller: str, given_up: str = ""
    ) -> Slot:
        wait_s = max(0.0, deadline.remaining_s())
        return await self.budget.spend(
            owner, route, caller=caller, wait_s=wait_s, given_up=given_up
        )
