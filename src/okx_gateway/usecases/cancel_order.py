"""What does CancelOrder promise?  It asks OKX, and says no more than OKX has said.

A cancel is safe to repeat, so one whose answer is lost is sent again. An order that OKX calls
finished or unknown is looked up before anything is said of it.
"""

import asyncio
from dataclasses import replace
from typing import assert_never

from okx_gateway.domain import errors
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.order import (
    Cancel,
    CancelOutcome,
    Order,
    OrderName,
    OrderState,
    Outcome,
    Placed,
    Refused,
)
from okx_gateway.ledger.order_record import OrderRecord
from okx_gateway.ledger.redis_ledger import RedisLedger
from okx_gateway.okx import code as codes
from okx_gateway.okx.verdict import (
    Absent,
    CancelNeedsLook,
    CancelTaken,
    Found,
    InDoubt,
    NoEvidence,
    TurnedAway,
    Unsent,
)
from okx_gateway.usecases.ask_exchange import AskExchange
from okx_gateway.usecases.find_order import FindOrder, MeantOrder
from okx_gateway.usecases.resolve_order import Doubt, ResolveOrder
from okx_gateway.usecases.supervisor import Supervisor

_ATTEMPTS_MAX = 3
_PAUSE_S = 0.1
_THROTTLED_RETRY_MS = 2_000


class CancelOrder:
    """Cancels orders; see the module."""

    def __init__(
        self,
        *,
        find: FindOrder,
        ask: AskExchange,
        ledger: RedisLedger,
        resolve: ResolveOrder,
        supervisor: Supervisor,
    ) -> None:
        self._find = find
        self._ask = ask
        self._ledger = ledger
        self._resolve = resolve
        self._supervisor = supervisor

    async def __call__(
        self,
        account_name: str,
        name: OrderName,
        instrument_name: str,
        *,
        caller: str,
        deadline: Deadline,
    ) -> Cancel:
        """Cancel an order.

        Raises:
            CancelOutcomeUnknownError: OKX may or may not have taken the cancel; repeating is safe.
            OrderNotFoundError: Neither the gateway nor OKX knows the order.
            GatewayError: Every other one says that the cancel was not carried out.
        """
        task = self._supervisor.start(
            self._cancel(account_name, name, instrument_name, caller, deadline)
        )
        done, _ = await asyncio.wait({task}, timeout=max(0.0, deadline.remaining_s()))
        if not done or task.cancelled():
            raise errors.CancelOutcomeUnknownError(str(name))
        return task.result()

    async def _cancel(
        self,
        account_name: str,
        name: OrderName,
        instrument_name: str,
        caller: str,
        deadline: Deadline,
    ) -> Cancel:
        meant = await self._find(account_name, name, instrument_name, deadline)
        in_doubt = False
        for attempt in range(_ATTEMPTS_MAX):
            if attempt:
                await asyncio.sleep(_PAUSE_S * 2**attempt)
            try:
                answer = await self._attempt(meant, caller, deadline)
            except errors.GatewayError:
                if in_doubt:
                    # An earlier attempt may have been carried out, whatever this one met.
                    raise errors.CancelOutcomeUnknownError(str(name)) from None
                raise
            if answer is not None:
                return answer
            in_doubt = True
        raise errors.CancelOutcomeUnknownError(str(name))

    async def _attempt(self, meant: MeantOrder, caller: str, deadline: Deadline) -> Cancel | None:
        """One attempt; None where it left doubt and may be repeated."""
        verdict = await self._ask.cancel(
            meant.account, meant.instrument, meant.name, deadline, caller=caller
        )
        match verdict:
            case CancelTaken(exchange_order_id, client_order_id, update_ms):
                return Cancel(
                    CancelOutcome.CANCELLING,
                    _client_order_id(meant) or client_order_id,
                    exchange_order_id or meant.name.exchange_order_id,
                    update_ms,
                )
            case CancelNeedsLook():
                return await self._look(meant, caller, deadline)
            case Refused(code, message) if code in codes.THROTTLED:
                raise errors.ExchangeThrottledError(
                    okx_code=code, okx_message=message, retry_after_ms=_THROTTLED_RETRY_MS
                )
            case Refused(code, message):
                raise errors.ExchangeRefusedError(okx_code=code, okx_message=message)
            case Unsent(cause) | TurnedAway(cause):
                raise errors.ExchangeUnavailableError(cause)
            case InDoubt():
                return None
            case _:
                assert_never(verdict)

    async def _look(self, meant: MeantOrder, caller: str, deadline: Deadline) -> Cancel | None:
        may_not_show = self._may_not_show_yet(meant)
        seen = await self._ask.look_up(
            meant.account, meant.instrument, meant.name, deadline, caller=caller
        )
        match seen:
            case Found(order, _):
                return _finished(order)
            case Absent() if meant.unread is not None:
                raise errors.CancelOutcomeUnknownError(str(meant.name))
            case Absent() if meant.record is not None and meant.record.outcome is None:
                return await self._keep(meant, meant.record, caller, deadline)
            case Absent() if may_not_show:
                return None
            case Absent():
                raise _not_found(meant)
            case NoEvidence():
                return None
            case _:
                assert_never(seen)

    def _may_not_show_yet(self, meant: MeantOrder) -> bool:
        """Whether OKX has taken the order so short a time ago that it may not show it."""
        outcome = meant.record.outcome if meant.record is not None else None
        if not isinstance(outcome, Placed):
            return False
        return not self._resolve.must_show(outcome.place_ms)

    async def _keep(
        self, meant: MeantOrder, record: OrderRecord, caller: str, deadline: Deadline
    ) -> Cancel | None:
        """The order is still on its way, and would stand uncancelled: keep the cancel for it."""
        owner, client_order_id = meant.account.owner, record.order.client_order_id
        if await self._ledger.keep_cancel(owner, client_order_id, record.fence):
            doubt = Doubt.of(record, meant.account, meant.instrument)
            try:
                outcome: Outcome | None = await self._resolve(doubt, others_first=True)
            except errors.OrderOutcomeUnknownError:
                raise errors.CancelOutcomeUnknownError(str(meant.name)) from None
        else:
            settled = await self._ledger.read(owner, client_order_id)
            outcome = settled.outcome if settled is not None else None
        if not isinstance(outcome, Placed):
            raise _not_found(meant)
        found = OrderName(exchange_order_id=outcome.exchange_order_id)
        return await self._attempt(replace(meant, name=found), caller, deadline)


def _not_found(meant: MeantOrder) -> errors.OrderNotFoundError:
    return errors.OrderNotFoundError(
        client_order_id=meant.name.client_order_id,
        exchange_order_id=meant.name.exchange_order_id,
    )


def _finished(order: Order) -> Cancel | None:
    outcome = {
        OrderState.FILLED: CancelOutcome.ALREADY_FILLED,
        OrderState.CANCELLED: CancelOutcome.CANCELLED,
    }.get(order.state)
    if outcome is None:
        return None  # it came to stand after the cancel had looked for it
    return Cancel(outcome, order.client_order_id, order.exchange_order_id, order.update_ms)


def _client_order_id(meant: MeantOrder) -> str:
    return meant.record.order.client_order_id if meant.record is not None else ""
