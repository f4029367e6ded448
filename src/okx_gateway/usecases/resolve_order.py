"""What became of an order whose placing is in doubt?

Looks, and never sends. Doubt ends with the order found, or with the proof that it can no longer
arrive: OKX knew no such order, twice, later than its expiry and the margin after it, and none of
its lists has it.
"""

import asyncio
import time
from dataclasses import dataclass

import structlog

from okx_gateway.domain.account import Account
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import (
    BudgetExhaustedError,
    ClientOrderIdTakenError,
    LedgerUnavailableError,
    OrderOutcomeUnknownError,
)
from okx_gateway.domain.instrument import Instrument
from okx_gateway.domain.order import (
    Conflict,
    NewOrder,
    NotPlaced,
    Order,
    OrderName,
    Outcome,
    Placed,
)
from okx_gateway.domain.placing import FINAL, Event, State, after
from okx_gateway.ledger.grant import Settlement
from okx_gateway.ledger.order_record import OrderRecord
from okx_gateway.ledger.order_record import first_difference as journal_difference
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.order_codec import first_difference
from okx_gateway.okx.reply import Row
from okx_gateway.okx.signature import timestamp_text
from okx_gateway.okx.verdict import (
    Absent,
    Found,
    LookupVerdict,
    absence_is_forgotten,
    absence_is_proven,
    has_shown,
)
from okx_gateway.usecases.ask_exchange import AskExchange
from okx_gateway.usecases.order_lists import OrderLists
from okx_gateway.usecases.settle_order import SettleOrder
from okx_gateway.usecases.supervisor import Supervisor

_LOG = structlog.get_logger()
# An order whose reply is on its way, or that stands in OKX's book, is found within this.
_SOON_S = 1.0
_FIRST_PAUSE_S = 0.05
_PAUSE_MAX_S = 1.0
_PROOFS_APART_S = 1.0
_PROOFS_NEEDED = 2
# How long past the moment of proof looking goes on by itself; asking again starts it anew.
_PATIENCE_S = 30.0
# While somebody looks, nobody else takes the row over.
_HOLD_S = 3.0
# Two of OKX's own clocks may disagree by this much; an order older than its sending is another's.
_CLOCK_TOLERANCE_MS = 5_000


@dataclass(frozen=True, slots=True)
class Doubt:
    """An order that may or may not be at OKX; times are ms of OKX's clock."""

    account: Account
    instrument: Instrument
    order: NewOrder
    caller: str
    fence: str
    sent_ms: int
    expiry_ms: int

    @classmethod
    def of(cls, record: OrderRecord, account: Account, instrument: Instrument) -> "Doubt":
        """The doubt that a journal row is in."""
        return cls(
            account,
            instrument,
            record.order,
            record.caller,
            record.fence,
            record.sent_ms,
            record.expiry_ms,
        )

    @property
    def key(self) -> tuple[str, str]:
        """What makes two doubts the same."""
        return self.account.owner, self.order.client_order_id


class ResolveOrder:
    """Ends doubt; `margin_ms` is how long after its expiry an order may still come to show."""

    def __init__(
        self,
        *,
        settle: SettleOrder,
        ask: AskExchange,
        lists: OrderLists,
        clock: ExchangeClock,
        supervisor: Supervisor,
        margin_ms: int,
    ) -> None:
        self._settle = settle
        self._ask = ask
        self._lists = lists
        self._clock = clock
        self._supervisor = supervisor
        self._margin_ms = margin_ms
        # By grant: under another one the id may be that of another order.
        self._looking: dict[tuple[str, str, str], asyncio.Task[Outcome]] = {}
        self._sent_ms: dict[tuple[str, str, str], int] = {}

    async def __call__(self, doubt: Doubt, *, others_first: bool = False) -> Outcome:
        """Find out, however long it takes; see `begin`.

        Raises:
            OrderOutcomeUnknownError: OKX did not tell, though it was asked until after the proof
                would have been possible.
            ClientOrderIdTakenError: Nothing was sent, and another order has the id by now.
        """
        return await asyncio.shield(self.begin(doubt, others_first=others_first))

    def begin(self, doubt: Doubt, *, others_first: bool = False) -> asyncio.Task[Outcome]:
        """Begin to look, or join those who do; it goes on when nobody waits.

        `others_first` where another replica may be about to learn the outcome from OKX's reply.
        """
        key = (*doubt.key, doubt.fence)
        task = self._looking.get(key)
        if task is None:
            task = self._supervisor.follow_up(self._look(doubt, others_first=others_first))
            self._looking[key] = task
            self._sent_ms[key] = doubt.sent_ms
            task.add_done_callback(lambda _: self._forget(key))
        return task

    async def soon(self, doubt: Doubt, deadline: Deadline) -> Outcome | None:
        """The outcome where it can be learnt soon, None otherwise; the looking goes on."""
        looking = self.begin(doubt, others_first=True)
        wait_s = max(0.0, min(_SOON_S, deadline.remaining_s() / 2))
        done, _ = await asyncio.wait({looking}, timeout=wait_s)
        try:
            return looking.result() if done else None
        except OrderOutcomeUnknownError:
            return None

    @property
    def looking_count(self) -> int:
        """How many doubts this replica is looking into."""
        return len(self._looking)

    @property
    def oldest_s(self) -> float:
        """How long ago the oldest of them was sent, 0 without one."""
        oldest_ms = min(self._sent_ms.values(), default=self._clock.now_ms())
        return max(0.0, (self._clock.now_ms() - oldest_ms) / 1000)

    def unknown(self, order: NewOrder, expiry_ms: int) -> OrderOutcomeUnknownError:
        """The error for a caller who cannot wait for the end of the doubt."""
        return OrderOutcomeUnknownError(
            order.client_order_id, resolve_time=timestamp_text(self.resolve_ms(expiry_ms))
        )

    def resolve_ms(self, expiry_ms: int) -> int:
        """When doubt ends at the latest if OKX answers, ms of OKX's clock."""
        return expiry_ms + self._margin_ms + int(_PROOFS_APART_S * 1000)

    def must_show(self, place_ms: int) -> bool:
        """Whether an order that OKX placed at `place_ms` of its clock shows in look-ups by now."""
        return self._clock.earliest_ms() > place_ms + self._margin_ms

    def _forget(self, key: tuple[str, str, str]) -> None:
        del self._looking[key], self._sent_ms[key]

    async def _look(self, doubt: Doubt, *, others_first: bool) -> Outcome:
        left_ms = self.resolve_ms(doubt.expiry_ms) - self._clock.earliest_ms()
        until = Deadline.after(max(0.0, left_ms / 1000) + _PATIENCE_S)
        pause_s = _FIRST_PAUSE_S
        proofs = _AbsenceProofs()
        while until.remaining_s() > 0:
            row = await self._settle.standing(doubt.account, doubt.order, hold_s=_HOLD_S)
            if row is not None and row.fence != doubt.fence:
                # Nothing was sent under the grant of this doubt, and the id was granted anew.
                doubt, proofs = _of_other_grant(doubt, row), _AbsenceProofs()
            if row is not None and row.outcome is not None:
                return row.outcome
            if not (others_first and pause_s < 8 * _FIRST_PAUSE_S):
                seen = await self._look_once(doubt, proofs)
                event, outcome = await self._judge(doubt, proofs, seen)
                if after(State.DOUBT, event).to in FINAL and outcome is not None:
                    settled = await self._end(doubt, outcome)
                    if settled.on_record or isinstance(outcome, Placed):
                        return settled.outcome
                    # The id may be granted anew by now: only its record can tell what is not there.
                if event is Event.FORGOTTEN:
                    break
            await asyncio.sleep(min(pause_s, max(0.0, until.remaining_s())))
            pause_s = min(2 * pause_s, _PAUSE_MAX_S)
        raise self.unknown(doubt.order, doubt.expiry_ms)

    async def _look_once(self, doubt: Doubt, proofs: "_AbsenceProofs") -> LookupVerdict | None:
        name = OrderName(client_order_id=doubt.order.client_order_id)
        try:
            # Taken before asking: OKX's clock shows at least this when it answers.
            proofs.asked_ms, proofs.asked_s = self._clock.earliest_ms(), time.monotonic()
            return await self._ask.look_up(
                doubt.account, doubt.instrument, name, Deadline.after(_PAUSE_MAX_S)
            )
        except (BudgetExhaustedError, LedgerUnavailableError):
            return None

    async def _judge(
        self, doubt: Doubt, proofs: "_AbsenceProofs", seen: LookupVerdict | None
    ) -> tuple[Event, Outcome | None]:
        match seen:
            case Found(order, row):
                return await self._judge_found(doubt, proofs.asked_ms, order, row)
            case Absent() if absence_is_forgotten(
                asked_ms=proofs.asked_ms, expiry_ms=doubt.expiry_ms
            ):
                return Event.FORGOTTEN, None
            case Absent() if absence_is_proven(
                asked_ms=proofs.asked_ms, expiry_ms=doubt.expiry_ms, margin_ms=self._margin_ms
            ):
                if proofs.enough() and await self._lists.lack(
                    doubt.account,
                    doubt.instrument,
                    doubt.order,
                    since_ms=doubt.sent_ms,
                    until_ms=doubt.expiry_ms + self._margin_ms,
                    read=proofs.lists_read,
                ):
                    return Event.ABSENT_PROVEN, NotPlaced()
                return Event.ABSENT, None
            case Absent():
                return Event.ABSENT, None
        return Event.NOT_TOLD, None

    async def _judge_found(
        self, doubt: Doubt, asked_ms: int, order: Order, row: Row
    ) -> tuple[Event, Outcome | None]:
        difference = first_difference(doubt.order, row, sent=True)
        if not difference and order.place_ms > doubt.expiry_ms + self._margin_ms:
            # Too late for this grant: another's, or of a later one where the row of that was lost.
            if not await self._may_lack_rows(doubt):
                difference = "place_time"
            elif first_difference(doubt.order, row, sent=False):
                return Event.NOT_TOLD, None
        if not difference and order.place_ms < doubt.sent_ms - _CLOCK_TOLERANCE_MS:
            difference = "place_time"
        if not difference:
            return Event.FOUND, Placed(order.exchange_order_id, order.place_ms)
        if has_shown(asked_ms=asked_ms, expiry_ms=doubt.expiry_ms, margin_ms=self._margin_ms):
            return Event.FOUND_OTHER, Conflict(difference)
        # Once the other one is finished its id is free for ours, which may still be written, or be
        # on its way.
        return Event.FOUND_OTHER_EARLY, None

    async def _may_lack_rows(self, doubt: Doubt) -> bool:
        """Whether the ledger may have lost rows since the order was sent."""
        past_ms = self._clock.now_ms() - doubt.sent_ms + _CLOCK_TOLERANCE_MS
        return await self._settle.kept_ms(doubt.account) < past_ms

    async def _end(self, doubt: Doubt, outcome: Outcome) -> Settlement:
        if isinstance(outcome, Conflict):
            _LOG.error(
                "OKX holds another order under an id of ours",
                account=doubt.account.name,
                client_order_id=doubt.order.client_order_id,
                difference=outcome.first_difference,
            )
        return await self._settle(
            outcome,
            account=doubt.account,
            instrument=doubt.instrument,
            order=doubt.order,
            caller=doubt.caller,
            fence=doubt.fence,
            sent_ms=doubt.sent_ms,
        )


def _of_other_grant(doubt: Doubt, row: OrderRecord) -> Doubt:
    difference = journal_difference(row.order, doubt.order)
    if difference or row.caller != doubt.caller:
        raise ClientOrderIdTakenError(doubt.order.client_order_id, difference)
    return Doubt.of(row, doubt.account, doubt.instrument)


class _AbsenceProofs:
    """Answers that prove absence, each a while after the one before, and lists without it.

    OKX has looked between asking, which may have waited for its slot, and answering: what lies
    between two looks is counted from the answer to the next asking.
    """

    def __init__(self) -> None:
        self.asked_ms = 0
        self.asked_s = 0.0
        self.lists_read: set[Endpoint] = set()
        self._count = 0
        self._answered_s = 0.0

    def enough(self) -> bool:
        """Count the answer that has just come; whether that is proof enough."""
        if self._count == 0 or self.asked_s >= self._answered_s + _PROOFS_APART_S:
            self._count += 1
            self._answered_s = time.monotonic()
        return self._count >= _PROOFS_NEEDED
