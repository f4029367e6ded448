"""How is something asked of OKX within the shared budget?"""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from okx_gateway import metric
from okx_gateway.domain.account import Account
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import (
    ExchangeThrottledError,
    ExchangeUnavailableError,
    LedgerUnavailableError,
)
from okx_gateway.domain.instrument import Instrument
from okx_gateway.domain.order import OrderName, Refused
from okx_gateway.ledger.charge import GATEWAY, Charge, ChargeTable, Route
from okx_gateway.ledger.grant import renew_at_s
from okx_gateway.ledger.ledger_script import SLOT_GOOD_S
from okx_gateway.ledger.redis_budget import RedisBudget, Slot
from okx_gateway.okx import code as codes
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.exchange_client import ExchangeClient
from okx_gateway.okx.verdict import CancelVerdict, LookupVerdict, NoEvidence, TurnedAway, Unsent
from okx_gateway.trace_step import step
from okx_gateway.usecases.throttling import Throttling

# A slot far ahead is asked for again and again; a stalled process may sleep through some.
_SLOTS_MAX = 20
_SENDS_MAX = 5
_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)


class Send(Protocol[_T_co]):
    """Asks OKX for something, once."""

    def __call__(self, *, write_before_s: float) -> Awaitable[_T_co]:
        """Nothing is written after `write_before_s` of our monotonic clock."""


class Floors(Protocol):
    """What this replica may send without asking Redis."""

    def take(self, owner: str, charge: Charge) -> bool:
        """Spend `charge` from the floor of its window, if that has room now."""


@dataclass(frozen=True, slots=True)
class AskExchange:
    """Requests that place and amend nothing, each with its slot from the budget."""

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
        send = partial(self.exchange.look_up, account.name, instrument.name, name)
        return await self.in_slot(account.owner, route, deadline, send, caller=caller)

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
        send = partial(self.exchange.cancel, account.name, instrument, name)
        return await self.in_slot(account.owner, route, deadline, send, caller=caller)

    async def read(
        self,
        owner: str,
        route: Route,
        deadline: Deadline,
        send: Send[_T],
        *,
        caller: str = GATEWAY,
    ) -> _T:
        """As `in_slot`, where `send` raises what went wrong.

        Raises:
            GatewayError: What `send` raises, or there was no room, or the budget cannot be asked.
        """

        async def sent(
            *, write_before_s: float
        ) -> _T | ExchangeThrottledError | ExchangeUnavailableError:
            try:
                return await send(write_before_s=write_before_s)
            except (ExchangeThrottledError, ExchangeUnavailableError) as error:
                return error

        answer = await self.in_slot(owner, route, deadline, sent, caller=caller)
        if isinstance(answer, ExchangeThrottledError | ExchangeUnavailableError):
            raise answer
        return answer

    async def in_slot(
        self,
        owner: str,
        route: Route,
        deadline: Deadline,
        send: Send[_T],
        *,
        caller: str = GATEWAY,
    ) -> _T:
        """Take a slot, wait for it, and `send` in it.

        Again in another one, where it was held up until that time had passed, since a connection
        may take longer than a slot lasts, and is there then; or where its way did not take it.

        Raises:
            BudgetExhaustedError: No room before the deadline; nothing was asked.
            LedgerUnavailableError: The budget cannot be asked; nothing was asked.
        """
        for _ in range(_SENDS_MAX):
            until_s = await self.wait_for_room(owner, route, deadline, caller=caller)
            answer = await send(write_before_s=until_s)
            if not (isinstance(answer, TurnedAway) or _was_late(answer)):
                break
        code = _code_of(answer)
        if code in codes.THROTTLED:
            self.throttling.seen(owner, route, code)
        return answer

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
                renew_s = renew_at_s(slot.at_s, slot.wait_s)
                if renew_s is None:
                    await asyncio.sleep(slot.at_s - time.monotonic())
                    if time.monotonic() <= slot.until_s:
                        return slot.until_s
                else:
                    await asyncio.sleep(renew_s - time.monotonic())
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


def _was_late(answer: object) -> bool:
    """Whether provably nothing was sent because the slot had passed."""
    return isinstance(answer, Unsent | NoEvidence | ExchangeUnavailableError) and answer.late


def _code_of(answer: object) -> str:
    """What OKX answered in place of what was asked for, empty where it did not."""
    if isinstance(answer, Refused | NoEvidence):
        return answer.code
    return answer.okx_code if isinstance(answer, ExchangeThrottledError) else ""
