"""May an order be sent, and when?

Asks the ledger and, where that may have lost what was sent before, OKX first.
"""

from dataclasses import dataclass
from functools import partial
from typing import assert_never

from okx_gateway import metric
from okx_gateway.domain import errors
from okx_gateway.domain.account import Account
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.instrument import Instrument
from okx_gateway.domain.order import NewOrder, OrderName, Placed
from okx_gateway.domain.placing import Event, State, after
from okx_gateway.ledger.charge import Route
from okx_gateway.ledger.grant import Granted, Known, LookFirst
from okx_gateway.ledger.ledger_script import new_fence
from okx_gateway.ledger.redis_ledger import RedisLedger
from okx_gateway.market.clock_sync import ERROR_MS_MAX
from okx_gateway.okx import order_codec
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.verdict import Absent, Found, NoEvidence
from okx_gateway.trace_step import step
from okx_gateway.usecases.ask_exchange import AskExchange
from okx_gateway.usecases.settle_order import SettleOrder
from okx_gateway.usecases.supervisor import Supervisor


@dataclass(frozen=True, slots=True)
class PlaceRequest:
    """An order to place, for whom, until when, and the routes that it may go by."""

    order: NewOrder
    caller: str
    account: Account
    instrument: Instrument
    deadline: Deadline
    routes: tuple[Route, ...]

    @property
    def key(self) -> tuple[str, str]:
        """What makes two orders the same to OKX."""
        return self.account.owner, self.order.client_order_id


class AdmitOrder:
    """Gives orders their grants; see the module."""

    def __init__(
        self,
        *,
        ledger: RedisLedger,
        ask: AskExchange,
        settle: SettleOrder,
        clock: ExchangeClock,
        supervisor: Supervisor,
    ) -> None:
        self._ledger = ledger
        self._ask = ask
        self._settle = settle
        self._clock = clock
        self._supervisor = supervisor

    async def __call__(
        self,
        request: PlaceRequest,
        *,
        given_up: str = "",
        counted: bool = False,
        alone: bool = False,
    ) -> Known | Granted | Placed:
        """From NEW: to SENDING with a grant, or to what is known of the id already.

        `given_up` is the fence of a grant under which OKX did nothing, `counted` says that it has
        counted a request all the same, and `alone` that the order may not share a batch.

        Raises:
            GatewayError: It is not admitted; nothing was sent.
        """
        if self._clock.error_ms() > ERROR_MS_MAX:
            raise errors.ClockUncertainError(self._clock.error_ms())
        with step("admit") as span:
            ask_ledger = partial(self._ask_ledger, request, given_up, counted=counted, alone=alone)
            admission = await ask_ledger()
            if isinstance(admission, LookFirst):
                found = await self._look_first(request)
                if found is not None:
                    return found
                admission = await ask_ledger(looked=True)
            match admission:
                case Known():
                    span.set_attribute("okx_gateway.order.known", value=True)
                case Granted():
                    span.set_attribute("okx_gateway.budget.wait_ms", round(admission.wait_s * 1000))
                    if not given_up:
                        metric.waited(request.routes[admission.route][0].name, admission.wait_s)
                case LookFirst():
                    raise errors.LedgerUnavailableError("it was replaced once more")
            return admission

    async def _ask_ledger(
        self,
        request: PlaceRequest,
        given_up: str,
        *,
        counted: bool,
        alone: bool,
        looked: bool = False,
    ) -> Known | LookFirst | Granted:
        fence = new_fence()
        try:
            return await self._ledger.admit(
                request.order,
                owner=request.account.owner,
                caller=request.caller,
                routes=request.routes,
                exchange_ms=self._clock.earliest_ms(),
                remaining_ms=request.deadline.remaining_ms(),
                fence=fence,
                given_up=given_up,
                counted=counted,
                alone=alone,
                looked=looked,
            )
        except errors.LedgerUnavailableError:
            # It may be on record all the same, and nothing will be written under it.
            self._supervisor.follow_up(self._settle.unsent(request.account, request.order, fence))
            raise

    async def _look_first(self, request: PlaceRequest) -> Placed | None:
        """What OKX has under an id whose row may be lost; None where it never had one."""
        order = request.order
        name = OrderName(client_order_id=order.client_order_id)
        seen = await self._ask.look_up(request.account, request.instrument, name, request.deadline)
        match seen:
            case Absent():
                return None
            case NoEvidence(cause, _):
                raise errors.ExchangeUnavailableError(
                    f"it does not tell whether the id was used before the ledger was lost: {cause}"
                )
            case Found(found, row):
                difference = order_codec.first_difference(order, row, sent=False)
                event = Event.FOUND_UNKNOWN_OTHER if difference else Event.FOUND_UNKNOWN
                if after(State.NEW, event).to is not State.PLACED:
                    raise errors.ClientOrderIdTakenError(order.client_order_id, difference)
                placed = Placed(found.exchange_order_id, found.place_ms)
                await self._ledger.adopt(
                    order,
                    owner=request.account.owner,
                    caller=request.caller,
                    sent_ms=found.place_ms,
                    outcome=placed,
                )
                return placed
            case _:
                assert_never(seen)
