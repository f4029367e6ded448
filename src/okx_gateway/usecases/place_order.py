"""What does PlaceOrder promise?  An order is written to the wire at most once.

Known id: the first answer again. Otherwise on record and in the budget by one step, then written
once, then judged by what OKX's answer proves; what proves nothing ends by looking, not by sending.
Which state follows which is the table of `domain/placing.py`.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import assert_never

from okx_gateway.access.policy import OrderLimits
from okx_gateway.custody.account_register import AccountRegister
from okx_gateway.domain import errors
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.order import (
    Conflict,
    NewOrder,
    NotPlaced,
    Outcome,
    Placed,
    Refused,
)
from okx_gateway.domain.placing import Event, State, after
from okx_gateway.ledger.grant import Arrival, Granted, Known
from okx_gateway.ledger.order_record import OrderRecord, first_difference
from okx_gateway.market.instrument_catalog import InstrumentCatalog
from okx_gateway.okx import code as codes
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.verdict import InDoubt, PlaceVerdict, TurnedAway, Unsent
from okx_gateway.trace_step import annotate, step
from okx_gateway.usecases import order_rules
from okx_gateway.usecases.admit_order import AdmitOrder, PlaceRequest
from okx_gateway.usecases.ask_exchange import AskExchange
from okx_gateway.usecases.check_limits import CheckLimits
from okx_gateway.usecases.market_reads import Asker
from okx_gateway.usecases.resolve_order import Doubt, ResolveOrder
from okx_gateway.usecases.send_order import Missed, SendOrder
from okx_gateway.usecases.settle_order import SettleOrder
from okx_gateway.usecases.supervisor import Supervisor
from okx_gateway.usecases.watch_timing import WatchTiming

# Slots are missed by stalls and new connections; the ledger gives none past the deadline.
_GRANTS_MAX = 100


@dataclass(frozen=True, slots=True)
class PlaceAnswer:
    """OKX has the order; `replayed` where an earlier call had it placed."""

    placed: Placed
    replayed: bool


@dataclass(frozen=True, slots=True)
class _Sending:
    request: PlaceRequest
    outcome: asyncio.Future[Outcome]


class PlaceOrder:
    """Places orders; see the module."""

    def __init__(  # noqa: PLR0913  # made in one place, by name
        self,
        *,
        accounts: AccountRegister,
        instruments: InstrumentCatalog,
        ask: AskExchange,
        admit: AdmitOrder,
        send: SendOrder,
        settle: SettleOrder,
        clock: ExchangeClock,
        resolve: ResolveOrder,
        supervisor: Supervisor,
        timing: WatchTiming,
        check_limits: CheckLimits,
    ) -> None:
        self._accounts = accounts
        self._instruments = instruments
        self._ask = ask
        self._admit = admit
        self._send_granted = send
        self._settle = settle
        self._clock = clock
        self._resolve = resolve
        self._supervisor = supervisor
        self._timing = timing
        self._check_limits = check_limits
        self._sending: dict[tuple[str, str], _Sending] = {}

    async def __call__(
        self,
        order: NewOrder,
        *,
        caller: str,
        deadline: Deadline,
        limits: OrderLimits | None = None,
    ) -> PlaceAnswer:
        """Place `order`, unless its id was used before or it is beyond `limits`.

        Raises:
            OrderOutcomeUnknownError: OKX may or may not have the order at the deadline.
            GatewayError: Every other one says that OKX does not have the order.
        """
        annotate(
            **{
                "okx_gateway.account": order.account,
                "okx_gateway.instrument": order.instrument,
                "okx_gateway.client_order_id": order.client_order_id,
            }
        )
        account = await self._accounts.find(order.account, deadline)
        instrument = self._instruments.find_for(order.instrument, order.trade_mode)
        if instrument is None:
            raise errors.InvalidRequestError(
                [errors.Violation("instrument", "is not listed at OKX", order.instrument)]
            )
        wrong = order_rules.violations(order, instrument, account)
        if wrong:
            raise errors.InvalidRequestError(wrong)
        if limits is not None:
            asker = Asker(caller, deadline)
            await self._check_limits.of_order(order, account, instrument, limits, asker)
        routes = self._ask.charges.of_placing(instrument, account, caller)
        request = PlaceRequest(order, caller, account, instrument, deadline, routes)
        task = self._supervisor.start(self._place(request), placing=True)
        # The caller may go or run out of time; the order may not.
        done, _ = await asyncio.wait({task}, timeout=max(0.0, deadline.remaining_s()))
        if not done or task.cancelled():
            # OKX drops the order at the deadline at the latest, and that is now.
            raise self._resolve.unknown(order, self._clock.latest_ms())
        return task.result()

    async def _place(self, request: PlaceRequest) -> PlaceAnswer:
        admission, replayed = await self._admit(request), True
        match admission:
            case Known(record):
                outcome = await self._recall(request, record, self._sender_of(request))
            case Granted():
                outcome, replayed = await self._send_only_once(request, admission)
            case Placed():
                outcome = admission
        return _answer(request.order, outcome, replayed=replayed)

    async def _send_only_once(
        self, request: PlaceRequest, granted: Granted
    ) -> tuple[Outcome, bool]:
        sending = _Sending(request, asyncio.get_running_loop().create_future())
        self._sending[request.key] = sending
        try:
            outcome, replayed = await self._send(request, granted)
            sending.outcome.set_result(outcome)
        except BaseException as error:
            sending.outcome.set_exception(error)
            sending.outcome.exception()  # read, for the case that nobody waits
            raise
        finally:
            if self._sending.get(request.key) is sending:
                del self._sending[request.key]
        return outcome, replayed

    async def _send(self, request: PlaceRequest, granted: Granted) -> tuple[Outcome, bool]:
        """From SENDING to an outcome; SENDING again, under a new grant, where OKX did nothing.

        Also whether it is the outcome of another call, to which the row was lost meanwhile.
        """
        cause = ""
        for _ in range(_GRANTS_MAX):
            sent_ms = self._clock.earliest_ms()
            sent = await self._send_granted(request.order, request.instrument, granted)
            event = _event(sent)
            with step("verdict", **_facts(sent)):
                match after(State.SENDING, event).to, sent:
                    case State.PLACED | State.REFUSED, Placed() | Refused():
                        self._note(request, granted, sent)
                        arrival = self._arrival(request, granted, sent)
                        ending = self._supervisor.follow_up(
                            self._end(request, granted, sent, sent_ms, arrival)
                        )
                        if self._clock.latest_ms() >= granted.expiry_ms:
                            # Another replica may have settled it already, and that stands.
                            return await asyncio.shield(ending), False
                        # Off the caller's path: a crash here is found as sending, and looked up.
                        return sent, False
                    case State.DOUBT, _:
                        return await self._resolve(self._doubt(request, granted, sent_ms)), False
                    case State.NEW, Unsent(cause):
                        break
                    case State.SENDING, Missed(cause) | TurnedAway(cause):
                        match await self._grant_anew(request, granted, sent):
                            case Granted() as granted:
                                pass
                            case Known(record):
                                # The row was lost, and the same order placed by another call.
                                return await self._recall(request, record, None), True
                            case Placed() as placed:
                                return placed, True
        await self._settle.unsent(request.account, request.order, granted.fence)
        raise errors.ExchangeUnavailableError(cause)

    async def _grant_anew(
        self, request: PlaceRequest, before: Granted, why: Missed | TurnedAway
    ) -> Known | Granted | Placed:
        counted = isinstance(why, TurnedAway)
        try:
            if isinstance(why, Missed) and why.alone:
                try:
                    return await self._admit(request, given_up=before.fence, alone=True)
                except errors.BudgetExhaustedError:
                    pass  # where single orders have no room, mates for a batch will come
            return await self._admit(request, given_up=before.fence, counted=counted)
        except errors.GatewayError:
            await self._settle.unsent(request.account, request.order, before.fence)
            raise

    async def _end(
        self,
        request: PlaceRequest,
        granted: Granted,
        outcome: Outcome,
        sent_ms: int,
        arrival: Arrival | None,
    ) -> Outcome:
        settled = await self._settle(
            outcome,
            arrival=arrival,
            account=request.account,
            instrument=request.instrument,
            order=request.order,
            caller=request.caller,
            fence=granted.fence,
            sent_ms=sent_ms,
        )
        return settled.outcome

    def _arrival(
        self, request: PlaceRequest, granted: Granted, sent: Placed | Refused
    ) -> Arrival | None:
        if isinstance(sent, Refused) and sent.code in codes.THROTTLED:
            return None
        route, answered_s = request.routes[granted.route], time.monotonic()
        arrived_s = granted.slot_s
        if isinstance(sent, Placed) and sent.receive_us:
            self._timing.placed(
                request.account.owner, route[0].name, slot_us=granted.slot_us, placed=sent
            )
            # Whatever OKX's clock says, it was after the slot began and before the answer came.
            told_s = self._clock.latest_monotonic_s(sent.receive_us)
            arrived_s = min(max(arrived_s, told_s), answered_s)
        return Arrival(
            route,
            request.caller,
            granted.slot_us,
            answered_s=answered_s,
            arrived_s=arrived_s,
            jitter_us=self._timing.least_jitter_ms() * 1000,
        )

    def _note(self, request: PlaceRequest, granted: Granted, sent: Outcome) -> None:
        if isinstance(sent, Refused) and sent.code in codes.THROTTLED:
            route = request.routes[granted.route]
            self._ask.throttling.seen(request.account.owner, route, sent.code)

    def _sender_of(self, request: PlaceRequest) -> asyncio.Future[Outcome] | None:
        """What comes of another call of this replica that sends the same order, if one does.

        Since the ledger has answered, the id may have been granted anew, for another order.
        """
        sending = self._sending.get(request.key)
        if sending is None or sending.request.caller != request.caller:
            return None
        if first_difference(sending.request.order, request.order):
            return None
        return sending.outcome

    async def _recall(
        self, request: PlaceRequest, record: OrderRecord, sending: asyncio.Future[Outcome] | None
    ) -> Outcome:
        """What became of a known order; `sending` where another call of this replica sends it."""
        order = request.order
        if record.caller != request.caller:
            raise errors.ClientOrderIdTakenError(order.client_order_id)
        difference = first_difference(record.order, order)
        if difference:
            raise errors.ClientOrderIdTakenError(order.client_order_id, difference)
        if record.outcome is not None:
            return record.outcome
        if sending is not None:
            return await asyncio.shield(sending)
        doubt = Doubt.of(record, request.account, request.instrument)
        return await self._resolve(doubt, others_first=True)

    @staticmethod
    def _doubt(request: PlaceRequest, granted: Granted, sent_ms: int) -> Doubt:
        return Doubt(
            request.account,
            request.instrument,
            request.order,
            request.caller,
            granted.fence,
            sent_ms,
            granted.expiry_ms,
        )


def _event(sent: PlaceVerdict | Missed) -> Event:
    match sent:
        case Placed():
            return Event.ACCEPTED
        case Refused():
            return Event.REFUSED
        case Unsent():
            return Event.UNSENT
        case Missed():
            return Event.SLOT_MISSED
        case TurnedAway():
            return Event.TURNED_AWAY
        case InDoubt():
            return Event.NO_PROOF
        case _:
            assert_never(sent)


def _facts(verdict: PlaceVerdict | Missed) -> dict[str, str | int]:
    facts: dict[str, str | int] = {"okx_gateway.verdict": type(verdict).__name__}
    if isinstance(verdict, Placed) and verdict.receive_us and verdict.send_us:
        facts |= {"okx.receive_us": verdict.receive_us, "okx.send_us": verdict.send_us}
    if isinstance(verdict, Refused):
        facts["okx.code"] = verdict.code
    return facts


def _answer(order: NewOrder, outcome: Outcome, *, replayed: bool) -> PlaceAnswer:
    match outcome:
        case Placed():
            return PlaceAnswer(outcome, replayed)
        case Refused(code, message):
            raise errors.OrderRefusedError(
                order.client_order_id, okx_code=code, okx_message=message, replayed=replayed
            )
        case NotPlaced():
            raise errors.OrderNotPlacedError(order.client_order_id, replayed=replayed)
        case Conflict(difference):
            raise errors.OrderConflictError(order.client_order_id, first_difference=difference)
        case _:
            assert_never(outcome)
