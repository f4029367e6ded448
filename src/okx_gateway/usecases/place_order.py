"""What does PlaceOrder promise?  An order is written to the wire at most once.

Known id: the first answer again. Otherwise on record and in the budget by one step, then written
once, then judged by what OKX's answer proves; what proves nothing ends by looking, not by sending.
"""

import asyncio
from dataclasses import dataclass
from typing import assert_never

from okx_gateway.custody.account_register import AccountRegister
from okx_gateway.domain import errors
from okx_gateway.domain.account import Account
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.instrument import Instrument
from okx_gateway.domain.order import Conflict, NewOrder, NotPlaced, Outcome, Placed, Refused
from okx_gateway.ledger.charge import ChargeTable
from okx_gateway.ledger.order_record import OrderRecord, first_difference
from okx_gateway.ledger.redis_ledger import Granted, Known, RedisLedger
from okx_gateway.market.clock_sync import ERROR_MS_MAX
from okx_gateway.market.instrument_catalog import InstrumentCatalog
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.exchange_client import ExchangeClient
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.verdict import InDoubt, PlaceVerdict, Unsent
from okx_gateway.trace_step import annotate, step
from okx_gateway.usecases import order_rules
from okx_gateway.usecases.resolve_order import Doubt, ResolveOrder
from okx_gateway.usecases.supervisor import Supervisor

_SETTLE_PAUSES_S = (0.1, 0.5, 2.0)


@dataclass(frozen=True, slots=True)
class PlaceAnswer:
    """OKX has the order; `replayed` where an earlier call had it placed."""

    placed: Placed
    replayed: bool


@dataclass(frozen=True, slots=True)
class _Request:
    order: NewOrder
    caller: str
    account: Account
    instrument: Instrument
    deadline: Deadline


class PlaceOrder:
    """Places orders; see the module."""

    def __init__(
        self,
        *,
        accounts: AccountRegister,
        instruments: InstrumentCatalog,
        ledger: RedisLedger,
        charges: ChargeTable,
        exchange: ExchangeClient,
        clock: ExchangeClock,
        resolve: ResolveOrder,
        supervisor: Supervisor,
    ) -> None:
        self._accounts = accounts
        self._instruments = instruments
        self._ledger = ledger
        self._charges = charges
        self._exchange = exchange
        self._clock = clock
        self._resolve = resolve
        self._supervisor = supervisor
        self._sending: dict[tuple[str, str], asyncio.Future[Outcome]] = {}

    async def __call__(self, order: NewOrder, *, caller: str, deadline: Deadline) -> PlaceAnswer:
        """Place `order`, unless its id was used before.

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
        request = _Request(order, caller, account, instrument, deadline)
        task = self._supervisor.start(self._place(request), placing=True)
        # The caller may go or run out of time; the order may not.
        done, _ = await asyncio.wait({task}, timeout=max(0.0, deadline.remaining_s()))
        if not done or task.cancelled():
            # OKX drops the order at the deadline at the latest, and that is now.
            raise self._resolve.unknown(order, self._clock.latest_ms())
        return task.result()

    async def _place(self, request: _Request) -> PlaceAnswer:
        with step("admit") as span:
            admission = await self._admit(request)
            match admission:
                case Known():
                    span.set_attribute("okx_gateway.order.known", value=True)
                case Granted(wait_s, _):
                    span.set_attribute("okx_gateway.budget.wait_ms", round(wait_s * 1000))
        match admission:
            case Known(record):
                outcome = await self._recall(request, record)
            case Granted():
                outcome = await self._send_only_once(request, admission)
        return _answer(request.order, outcome, replayed=isinstance(admission, Known))

    async def _admit(self, request: _Request) -> Known | Granted:
        if self._clock.error_ms() > ERROR_MS_MAX:
            raise errors.ClockUncertainError(self._clock.error_ms())
        return await self._ledger.admit(
            request.order,
            owner=request.account.owner,
            caller=request.caller,
            charges=self._charges.of_order(Endpoint.PLACE_ORDER, request.instrument),
            exchange_ms=self._clock.earliest_ms(),
            remaining_ms=request.deadline.remaining_ms(),
        )

    async def _send_only_once(self, request: _Request, granted: Granted) -> Outcome:
        key = (request.account.owner, request.order.client_order_id)
        sending: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._sending[key] = sending
        try:
            outcome = await self._send(request, granted)
            sending.set_result(outcome)
        except BaseException as error:
            sending.set_exception(error)
            sending.exception()  # read, for the case that nobody waits
            raise
        finally:
            del self._sending[key]
        return outcome

    async def _send(self, request: _Request, granted: Granted) -> Outcome:
        order, owner = request.order, request.account.owner
        if granted.wait_s:
            await asyncio.sleep(granted.wait_s)
        if self._clock.latest_ms() >= granted.expiry_ms:
            await self._ledger.settle_unsent(owner, order.client_order_id)
            raise errors.ExchangeUnavailableError("the order was held up until its validity passed")
        sent_ms = self._clock.earliest_ms()
        verdict = await self._exchange.place(order, request.instrument, expiry_ms=granted.expiry_ms)
        with step("verdict", **_facts(verdict)):
            match verdict:
                case Placed() | Refused():
                    # Off the caller's path: a crash here is found as sending, and looked up.
                    self._supervisor.follow_up(self._settle(request, verdict))
                    return verdict
                case Unsent(cause):
                    await self._ledger.settle_unsent(owner, order.client_order_id)
                    raise errors.ExchangeUnavailableError(cause)
                case InDoubt():
                    return await self._resolve(self._doubt(request, sent_ms, granted.expiry_ms))
                case _:
                    assert_never(verdict)

    async def _settle(self, request: _Request, outcome: Outcome) -> None:
        for pause_s in (*_SETTLE_PAUSES_S, None):
            try:
                await self._ledger.settle(
                    request.account.owner, request.order.client_order_id, outcome
                )
            except errors.LedgerUnavailableError:
                if pause_s is None:
                    raise
                await asyncio.sleep(pause_s)
            else:
                return

    async def _recall(self, request: _Request, record: OrderRecord) -> Outcome:
        order = request.order
        if record.caller != request.caller:
            raise errors.ClientOrderIdTakenError(order.client_order_id)
        difference = first_difference(record.order, order)
        if difference:
            raise errors.ClientOrderIdTakenError(order.client_order_id, difference)
        if record.outcome is not None:
            return record.outcome
        sending = self._sending.get((request.account.owner, order.client_order_id))
        if sending is not None:
            return await asyncio.shield(sending)
        doubt = self._doubt(request, record.sent_ms, record.expiry_ms)
        return await self._resolve(doubt, others_first=True)

    @staticmethod
    def _doubt(request: _Request, sent_ms: int, expiry_ms: int) -> Doubt:
        return Doubt(request.account, request.instrument, request.order, sent_ms, expiry_ms)


def _facts(verdict: PlaceVerdict) -> dict[str, str | int]:
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
