"""How is one amend sent, and what became of it?  It is written to the wire at most once.

The new values are absolute: two amends that change places would leave the wrong ones standing. So
the ledger lets the next one in only when this one can change nothing any more. What OKX's answer
does not prove ends by looking: the order shows the new values, or it does not when they can no
longer come.
"""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import assert_never

from okx_gateway.domain import errors
from okx_gateway.domain.account import Account
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.instrument import Instrument
from okx_gateway.domain.order import (
    Amend,
    AmendOutcome,
    NewValues,
    Order,
    OrderName,
    OrderState,
    Refused,
)
from okx_gateway.ledger.charge import GATEWAY, Route
from okx_gateway.ledger.grant import renew_at_s
from okx_gateway.ledger.redis_amends import AmendBusy, AmendGranted, RedisAmends
from okx_gateway.market.clock_sync import ERROR_MS_MAX
from okx_gateway.okx import code as codes
from okx_gateway.okx.amend_verdict import AmendNeedsLook, AmendTaken, AmendVerdict
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.signature import timestamp_text
from okx_gateway.okx.verdict import (
    Absent,
    Found,
    InDoubt,
    LookupVerdict,
    NoEvidence,
    TurnedAway,
    Unsent,
)
from okx_gateway.trace_step import step
from okx_gateway.usecases.ask_exchange import AskExchange

# A slot far ahead is asked for again and again; a stalled process may sleep through some.
_SLOTS_MAX = 20
_THROTTLED_RETRY_MS = 2_000
_FIRST_PAUSE_S = 0.1
_PAUSE_MAX_S = 2.0
_LOOK_S = 1.0
# How long past the moment of proof looking goes on.
_PATIENCE_S = 30.0
FINISHED = {
    OrderState.FILLED: AmendOutcome.ALREADY_FILLED,
    OrderState.CANCELLED: AmendOutcome.ALREADY_CANCELLED,
}
"""What is said of an order that can no longer be amended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """What is asked of OKX; `client_order_id` is empty where the caller named OKX's alone.

    `place_ms` is when OKX placed the order, by its clock, where the journal tells.
    """

    account: Account
    instrument: Instrument
    client_order_id: str
    exchange_order_id: str
    values: NewValues
    caller: str
    deadline: Deadline
    place_ms: int | None = None

    @property
    def name(self) -> str:
        """The order's id, as the caller knows it."""
        return self.client_order_id or self.exchange_order_id


class SendAmend:
    """Sends amends; `margin_ms` is how long after its expiry one may still come to show."""

    def __init__(
        self, *, amends: RedisAmends, ask: AskExchange, clock: ExchangeClock, margin_ms: int
    ) -> None:
        self._amends = amends
        self._ask = ask
        self._clock = clock
        self._margin_ms = margin_ms

    async def __call__(self, amendment: Amendment) -> Amend:
        """Amend an order, and find out what became of it, however long that takes.

        Raises:
            AmendOutcomeUnknownError: OKX did not tell, though it was asked until after the amend
                could have taken effect.
            GatewayError: Every other one says that the order was not changed.
        """
        route = self._ask.charges.of_order(
            Endpoint.AMEND_ORDER, amendment.instrument, amendment.account, amendment.caller
        )
        given_up, counted = "", False
        for _ in range(_SLOTS_MAX):
            try:
                granted = await self._begin(amendment, route, given_up, counted=counted)
            except errors.GatewayError:
                await self._end(amendment, given_up)
                raise
            verdict = await self._write(amendment, granted)
            counted = isinstance(verdict, TurnedAway)
            if not counted and not (isinstance(verdict, Unsent) and verdict.late):
                return await self._judge(amendment, route, granted, verdict)
            given_up = granted.fence
        await self._end(amendment, given_up)
        raise errors.ExchangeUnavailableError("the amend missed every slot that it was given")

    def unknown_from_now(self, order_id: str) -> errors.AmendOutcomeUnknownError:
        """The error for a caller whose deadline is now: OKX drops the amend then at the latest."""
        return self._unknown(order_id, self._clock.latest_ms())

    def _unknown(self, order_id: str, expiry_ms: int) -> errors.AmendOutcomeUnknownError:
        return errors.AmendOutcomeUnknownError(
            order_id, resolve_time=timestamp_text(expiry_ms + self._margin_ms)
        )

    async def _begin(
        self, amendment: Amendment, route: Route, given_up: str, *, counted: bool
    ) -> AmendGranted:
        if self._clock.error_ms() > ERROR_MS_MAX:
            raise errors.ClockUncertainError(self._clock.error_ms())
        with step("admit") as span:
            granted = await self._amends.begin(
                amendment.account.owner,
                amendment.exchange_order_id,
                caller=amendment.caller,
                charges=route,
                exchange_ms=self._clock.earliest_ms(),
                remaining_ms=amendment.deadline.remaining_ms(),
                given_up=given_up,
                counted=counted,
            )
            if isinstance(granted, AmendBusy):
                raise errors.AmendInFlightError(amendment.name, granted.retry_after_ms)
            span.set_attribute("okx_gateway.budget.wait_ms", round(granted.wait_s * 1000))
        return granted

    async def _write(self, amendment: Amendment, granted: AmendGranted) -> AmendVerdict:
        """Wait for the slot and write the amend once, or not at all."""
        renew_s = renew_at_s(granted.slot_s, granted.wait_s)
        if renew_s is not None:
            # What the loss of the ledger, or what has arrived since, may have changed is asked for.
            await asyncio.sleep(renew_s - time.monotonic())
            return Unsent("its slot is asked for again before it is used", late=True)
        if granted.wait_s:
            await asyncio.sleep(granted.slot_s - time.monotonic())
        if self._clock.latest_ms() >= granted.expiry_ms:
            return Unsent("it was held up until its validity passed", late=True)
        return await self._ask.exchange.amend(
            amendment.account.name,
            amendment.instrument,
            amendment.exchange_order_id,
            quantity=amendment.values.quantity,
            price=amendment.values.price,
            amend_id=granted.fence,
            expiry_ms=granted.expiry_ms,
            write_before_s=granted.until_s,
        )

    async def _judge(
        self, amendment: Amendment, route: Route, granted: AmendGranted, verdict: AmendVerdict
    ) -> Amend:
        with step("verdict", **{"okx_gateway.verdict": type(verdict).__name__}):
            if isinstance(verdict, InDoubt):
                return await self._look_until_known(amendment, granted)
            await self._end(amendment, granted.fence)
            match verdict:
                case AmendTaken():
                    return Amend(
                        AmendOutcome.AMENDING,
                        amendment.client_order_id,
                        amendment.exchange_order_id,
                        verdict.update_ms,
                    )
                case AmendNeedsLook():
                    return await self._look(amendment)
                case Refused(code, message):
                    raise self._refusal(amendment, route, code, message)
                case Unsent(cause) | TurnedAway(cause):
                    raise errors.ExchangeUnavailableError(cause)
                case _:
                    assert_never(verdict)

    async def _end(self, amendment: Amendment, fence: str) -> bool:
        """Let the next amend in; whether surely none was let in before.

        Where this is not heard, it comes in later by itself.
        """
        if fence:
            with suppress(errors.LedgerUnavailableError):
                order_id = amendment.exchange_order_id
                return await self._amends.end(amendment.account.owner, order_id, fence)
        return False

    def _refusal(
        self, amendment: Amendment, route: Route, code: str, message: str
    ) -> errors.ExchangeError:
        if code not in codes.THROTTLED:
            return errors.ExchangeRefusedError(okx_code=code, okx_message=message)
        self._ask.throttling.seen(amendment.account.owner, route, code)
        return errors.ExchangeThrottledError(
            okx_code=code, okx_message=message, retry_after_ms=_THROTTLED_RETRY_MS
        )

    async def _look(self, amendment: Amendment) -> Amend:
        """What became of an order that OKX does not amend, as it is finished or is not there."""
        # Judged by the time before asking: until then at least OKX may not have shown it.
        may_not_show = (
            amendment.place_ms is not None
            and self._clock.earliest_ms() <= amendment.place_ms + self._margin_ms
        )
        seen = await self._look_up(amendment, amendment.deadline, caller=amendment.caller)
        match seen:
            case Found(order, _) if order.state in FINISHED:
                return _answer(FINISHED[order.state], amendment, order)
            case Found(order, _) if _shows(order, amendment.values):
                return _answer(AmendOutcome.AMENDED, amendment, order)
            case Absent() if not may_not_show:
                raise errors.OrderNotFoundError(exchange_order_id=amendment.exchange_order_id)
        raise errors.AmendNotTakenError(amendment.name)

    async def _look_until_known(self, amendment: Amendment, granted: AmendGranted) -> Amend:
        """The end of doubt: later than its expiry and the margin an amend changes nothing."""
        proof_ms = granted.expiry_ms + self._margin_ms
        until = Deadline.after(max(0, proof_ms - self._clock.earliest_ms()) / 1000 + _PATIENCE_S)
        pause_s = _FIRST_PAUSE_S
        while until.remaining_s() > 0:
            # Taken before asking: OKX's clock shows at least this when it answers.
            over = self._clock.earliest_ms() > proof_ms
            seen = await self._look_up(amendment, Deadline.after(_LOOK_S), caller=GATEWAY)
            answer = _known(seen, amendment)
            # An order that is not shown was there before: that proves nothing of its amend.
            if over and isinstance(seen, Found):
                alone = await self._end(amendment, granted.fence)
                if answer is None and alone:
                    raise errors.AmendNotTakenError(amendment.name)
                if answer is None:
                    break  # what shows may be the work of an amend that came after this one
            if answer is not None:
                # Not the end of it before then: the values may have stood there before, and the
                # amend be on its way still.
                return answer
            await asyncio.sleep(min(pause_s, max(0.0, until.remaining_s())))
            pause_s = min(2 * pause_s, _PAUSE_MAX_S)
        raise self._unknown(amendment.name, granted.expiry_ms)

    async def _look_up(
        self, amendment: Amendment, deadline: Deadline, *, caller: str
    ) -> LookupVerdict:
        name = OrderName(exchange_order_id=amendment.exchange_order_id)
        try:
            return await self._ask.look_up(
                amendment.account, amendment.instrument, name, deadline, caller=caller
            )
        except (errors.BudgetExhaustedError, errors.LedgerUnavailableError) as error:
            return NoEvidence(str(error))


def _known(seen: LookupVerdict, amendment: Amendment) -> Amend | None:
    """What looking proves of an amend in doubt; None while it may still change the order."""
    if not isinstance(seen, Found):
        return None
    if _shows(seen.order, amendment.values):
        return _answer(AmendOutcome.AMENDED, amendment, seen.order)
    if seen.order.state in FINISHED:
        return _answer(FINISHED[seen.order.state], amendment, seen.order)
    return None


def _answer(outcome: AmendOutcome, amendment: Amendment, order: Order) -> Amend:
    client_order_id = amendment.client_order_id or order.client_order_id
    return Amend(outcome, client_order_id, order.exchange_order_id, order.update_ms)


def _shows(order: Order, values: NewValues) -> bool:
    return _same(order.quantity, values.quantity) and _same(order.price, values.price)


def _same(shown: str, wanted: Decimal | None) -> bool:
    if wanted is None:
        return True
    try:
        return Decimal(shown) == wanted
    except InvalidOperation:
        return False
