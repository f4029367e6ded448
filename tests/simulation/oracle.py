"""Was every promise kept?  Judged from OKX's books and the journal, not from what a replica thinks.

Called while a schedule runs, where something must hold at a moment, and once it has ended.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from okx_gateway.domain import errors
from okx_gateway.domain.order import (
    Amend,
    AmendOutcome,
    Cancel,
    CancelOutcome,
    Conflict,
    NewOrder,
    NotPlaced,
    OrderState,
    Placed,
    Refused,
)
from okx_gateway.usecases.get_order import OrderAnswer
from okx_gateway.usecases.place_order import PlaceAnswer
from tests.simulation.exchange import BookOrder, Exchange
from tests.simulation.plan import Act
from tests.simulation.redis_server import SimulatedRedis
from tests.simulation.virtual_loop import Process
from tests.simulation.wire import Network, Written
from tests.simulation.world import World

# Each says that this call has sent nothing that places an order.
_NOTHING_SENT = (errors.OwnError, errors.CallerError, errors.ExchangeUnavailableError)
# Each says that this call has not changed the order, and will not.
_NOT_AMENDED = (*_NOTHING_SENT, errors.AmendNotTakenError, errors.ExchangeRefusedError)
# Within this a look-up that was answered while OKX found nothing may still be told.
_AFTER_BLINDNESS_US = 10_000_000
# How others can end a doubt while its holder stands still.
_ENDED_BY_OTHERS = ("not_placed", "conflict")
_GATEWAY_STATES = {
    OrderState.LIVE: "live",
    OrderState.FILLED: "filled",
    OrderState.CANCELLED: "canceled",
}


@dataclass(frozen=True)
class Call:
    """A call that was made; its number tells which writes are its own."""

    number: int
    act: Act
    client_id: str
    order: NewOrder
    begun_us: int
    process: Process


@dataclass(frozen=True)
class Told:
    """What a call was answered: a value, an error, or None where its caller had gone."""

    call: Call
    at_us: int
    answer: Any


class Oracle:
    """Watches one schedule."""

    def __init__(
        self, world: World, redis: SimulatedRedis, network: Network, exchange: Exchange
    ) -> None:
        self._world = world
        self._redis = redis
        self._network = network
        self._exchange = exchange
        self._foreign: set[str] = set()
        self.calls: list[Call] = []
        self.told: list[Told] = []
        self.writers: list[tuple[Written, int]] = []
        self.amenders: list[tuple[Written, int]] = []

    def foreign(self, order: BookOrder) -> None:
        """Somebody placed an order by hand, under an id that the gateway uses."""
        self._foreign.add(order.client_id)

    # While it runs.

    def on_written(self, written: Written, call: int) -> None:
        """The first byte of a request to place has left: its rows must be on record (I2)."""
        if written.amend:
            self.amenders.append((written, call))
            return
        self.writers.append((written, call))
        if self._redis.lost_rows:
            return
        for client_id in written.ids:
            row = self._redis.row(client_id)
            state = row["state"] if row is not None else "none"
            ended = state in _ENDED_BY_OTHERS or client_id in self._foreign
            if row is not None and ended and self._is_past(row["expiry_ms"]):
                # A process that was stopped between its last look at a clock and the write: others
                # have found since that the order cannot come to be, and its expiry sees to that, or
                # one like it that somebody placed by hand.
                self._world.hits["written after its expiry"] += 1
            elif state != "sending":
                self._world.violate(f"{client_id} was written while its row was {state}: {row}")

    def _is_past(self, expiry_ms: str) -> bool:
        return self._exchange.clock_us() // 1000 > int(expiry_ms)

    def on_told(self, told: Told) -> None:
        """A call was answered: what it says of now must be so now."""
        self.told.append(told)
        call, answer = told.call, told.answer
        self._world.note(
            "{} told {} {} {!r}", call.process.name, call.number, call.act.kind, answer
        )
        if isinstance(answer, Exception) and not isinstance(answer, errors.GatewayError):
            self._world.violate(f"call {call.number} failed: {answer!r}")
        elif isinstance(answer, Amend):
            self._judge_amend(told, answer)
        elif isinstance(answer, Cancel):
            self._judge_cancel(told, answer)
        elif isinstance(answer, OrderAnswer):
            self._judge_order(told, answer)

    def _judge_cancel(self, told: Told, cancel: Cancel) -> None:
        named = self._exchange.named(told.call.client_id)
        order = self._by_id(cancel.exchange_order_id) or next(iter(named), None)
        expected = {CancelOutcome.CANCELLED: "canceled", CancelOutcome.ALREADY_FILLED: "filled"}
        if order is None:
            self._world.violate(f"call {told.call.number}: a cancel of no order: {cancel}")
        elif cancel.outcome in expected and order.state != expected[cancel.outcome]:
            self._world.violate(f"call {told.call.number}: {cancel.outcome}, but {order.state}")

    def _judge_amend(self, told: Told, amend: Amend) -> None:
        order = self._by_id(amend.exchange_order_id)
        expected = {
            AmendOutcome.ALREADY_CANCELLED: "canceled",
            AmendOutcome.ALREADY_FILLED: "filled",
        }
        if order is None:
            self._world.violate(f"call {told.call.number}: an amend of no order: {amend}")
        elif amend.outcome in expected and order.state != expected[amend.outcome]:
            self._world.violate(f"call {told.call.number}: {amend.outcome}, but {order.state}")

    def _judge_order(self, told: Told, answer: OrderAnswer) -> None:
        if answer.order is None:
            return
        order = self._by_id(answer.order.exchange_order_id)
        states = {row["state"] for _, row in order.versions} if order else set()
        if _GATEWAY_STATES.get(answer.order.state) not in states:
            self._world.violate(f"call {told.call.number}: {answer.order} never was so")

    def _by_id(self, order_id: str) -> BookOrder | None:
        return next((each for each in self._exchange.orders if each.order_id == order_id), None)

    # Once it has ended.

    def open_rows(self) -> list[str]:
        """Ids whose placing is not settled yet, or whose cancel is still to be sent."""
        return [
            client_id
            for client_id, row in self._redis.rows().items()
            if row["state"] == "sending" or (row["state"] == "placed" and "cancel" in row)
        ]

    def judge(self) -> None:
        """Hold everything that was said and written against the books."""
        self._judge_writes()
        self._judge_rows()
        self._judge_amends()
        by_id = defaultdict(list)
        for told in self.told:
            by_id[told.call.client_id].append(told)
        for client_id, tolds in by_id.items():
            self._judge_answers(client_id, tolds)
            self._judge_agreement(client_id, tolds)
        hits = self._world.hits
        for overrun in self._exchange.over_limit:
            # Two servers at a time grant twice what is not durable; no order is.
            newcomer = hits["clock leapt unseen"] or hits["started again"]
            if hits["trouble clock_ahead"] and newcomer:
                continue  # a replica that starts has no clock yet to hold a leap against
            placing = overrun.startswith(("POST /api/v5/trade/order", "POST /api/v5/trade/batch"))
            if placing or not hits["trouble split"]:
                self._world.violate(f"over the limit: {overrun}")

    def _judge_writes(self) -> None:
        """I1: one write, and one order; nothing was written for a call that says so."""
        away = self._network.turned_away
        counts = Counter(
            each for written, _ in self.writers if written not in away for each in written.ids
        )
        for client_id, count in counts.items():
            if count > 1 and not self._redis.lost_rows:
                self._world.violate(f"{client_id} was written {count} times")
            orders = self._exchange.named(client_id)
            if len(orders) > 1 and client_id not in self._foreign:
                self._world.violate(f"{client_id} was placed {len(orders)} times")
        alone = {
            call for written, call in self.writers if len(written.ids) == 1 and written not in away
        }
        for told in self.told:
            unsent = told.call.act.kind == "place" and isinstance(told.answer, _NOTHING_SENT)
            if self._redis.lost_rows and isinstance(told.answer, errors.ClientOrderIdTakenError):
                continue  # its order cannot come any more, and with its row it has lost the id
            if unsent and told.call.number in alone:
                self._world.violate(f"call {told.call.number} wrote, and says {told.answer!r}")

    def _judge_amends(self) -> None:
        """An amend is written once, none overtakes another, and what is said of it is so."""
        away = self._network.turned_away
        counts = Counter(call for written, call in self.amenders if written not in away)
        written = [each.amend for each, _ in self.amenders]
        for call, count in counts.items():
            if call and count > 1:
                self._world.violate(f"call {call} wrote {count} amends")
        last: dict[str, int] = {}
        for order_id, amend in self._exchange.amends_taken:
            at = written.index(amend)
            if at < last.get(order_id, -1) and not self._world.hits["trouble split"]:
                self._world.violate(f"an amend of {order_id} was overtaken by a later one")
            last[order_id] = at
        by_call = {call: each.amend for each, call in self.amenders if each not in away}
        for told in self.told:
            done = by_call.get(told.call.number, "") in self._exchange.amends_done
            if told.call.act.kind == "amend" and done and isinstance(told.answer, _NOT_AMENDED):
                self._world.violate(f"call {told.call.number} amended, and says {told.answer!r}")

    def _judge_rows(self) -> None:
        """The journal and the books agree, and nothing is left open (I3, I6)."""
        rows = self._redis.rows()
        for client_id, row in rows.items():
            ids = {order.order_id for order in self._exchange.named(client_id)}
            wrong = _wrong(row, ids, foreign=self._may_be_another(client_id))
            if wrong:
                self._world.violate(f"{client_id} is on record as {row['state']}{wrong}")
        if self._redis.lost_rows:
            return
        for order in self._exchange.orders:
            if order.client_id not in rows and order.client_id not in self._foreign:
                self._world.violate(f"{order.client_id} exists and is not on record")

    def _may_be_another(self, client_id: str) -> bool:
        """Whether OKX may rightly be found to have another order under an id.

        It was placed by hand; or a row came back with an old file, of an order that was never sent
        and whose id has served another since.
        """
        wanted = [call.act for call in self.calls if call.client_id == client_id]
        disputed = any(act.differs for act in wanted if act.kind == "place")
        return client_id in self._foreign or (self._redis.lost_rows and disputed)

    def _judge_answers(self, client_id: str, tolds: list[Told]) -> None:
        """I5: what was said of an order is so, for good."""
        orders = self._exchange.named(client_id)
        for told in tolds:
            outcome = _outcome(told.answer)
            if isinstance(outcome, Placed):
                self._judge_placed(told, outcome, orders)
            elif isinstance(outcome, Refused | NotPlaced):
                self._judge_absent(told, outcome, orders)
            elif isinstance(outcome, Conflict) and not self._may_be_another(client_id):
                self._world.violate(f"call {told.call.number}: {client_id} {outcome}")
            elif isinstance(told.answer, errors.OrderNotFoundError):
                self._judge_not_found(told, orders)

    def _judge_placed(self, told: Told, placed: Placed, orders: list[BookOrder]) -> None:
        call = told.call
        same = [each for each in orders if each.order_id == placed.exchange_order_id]
        if not same:
            self._world.violate(f"call {call.number}: {call.client_id} placed, and is not")
        elif call.client_id in self._foreign:
            return  # placed by hand in the same second, alike but for what can be amended
        elif call.act.kind == "place" and not _equal(call.order, same[0]):
            self._world.violate(f"call {call.number}: {call.client_id} is another order")

    def _judge_absent(
        self, told: Told, outcome: Refused | NotPlaced, orders: list[BookOrder]
    ) -> None:
        client_id = told.call.client_id
        if self._redis.lost_rows:
            orders = [] if self._written_after(client_id, told.at_us) else _own(told, orders)
        if orders and client_id not in self._foreign:
            self._world.violate(f"call {told.call.number}: {client_id} {outcome}, and exists")

    def _judge_not_found(self, told: Told, orders: list[BookOrder]) -> None:
        """An order that had been written by then must not have been called unknown."""
        habits = self._world.plan.habits
        if self._redis.lost_rows or told.call.client_id in self._foreign:
            return
        if habits.blind_until_us > habits.blind_from_us and told.at_us < (
            habits.blind_until_us + _AFTER_BLINDNESS_US
        ):
            return
        written = any(
            told.call.client_id in written.ids and written.at_us < told.call.begun_us
            for written, _ in self.writers
        )
        if told.call.act.by_exchange_id:
            # The journal has no such name, and OKX shows an order a while after its reply.
            orders = [each for each in orders if each.versions[0][0] < told.call.begun_us]
        # OKX may have turned away what was written by then, and taken what was written later.
        orders = [each for each in orders if not self._written_between(told.at_us, each)]
        if written and any(not each.is_forgotten(told.at_us) for each in orders):
            self._world.violate(f"call {told.call.number}: not found, and exists")

    def _written_between(self, at_us: int, order: BookOrder) -> bool:
        """Whether its id was written once more after `at_us`, before OKX showed the order."""
        shown_us, _ = order.versions[0]
        return any(
            order.client_id in written.ids and at_us < written.at_us <= shown_us
            for written, _ in self.writers
        )

    def _written_after(self, client_id: str, at_us: int) -> bool:
        """Whether a call after `at_us` wrote the id: its row was lost, and it is a new order."""
        return any(
            client_id in written.ids and written.at_us > at_us for written, _ in self.writers
        )

    def _judge_agreement(self, client_id: str, tolds: list[Told]) -> None:
        """I4: whoever asks, whenever: one outcome.

        Refused and not placed are one: OKX does not have it. Who hears OKX's refusal is told so
        before it is on record, and where Redis is away then, others can only prove the absence.
        """
        if client_id in self._foreign:
            return
        finals = {
            getattr(outcome, "exchange_order_id", "")
            or ("absent" if isinstance(outcome, Refused | NotPlaced) else type(outcome).__name__)
            for told in tolds
            if (outcome := _outcome(told.answer)) is not None
        }
        if len(finals) > 1 and not self._redis.lost_rows:
            self._world.violate(f"{client_id} has had several outcomes: {sorted(finals)}")


def _own(told: Told, orders: list[BookOrder]) -> list[BookOrder]:
    """Those that a call has ordered; an id whose row was lost may have served another order."""
    if told.call.act.kind != "place":
        return orders
    return [order for order in orders if _equal(told.call.order, order)]


def _wrong(row: Mapping[str, str], ids: Collection[str], *, foreign: bool) -> str:
    """What is wrong with a row that came to rest, beside what exists under its id."""
    match row["state"]:
        case "placed" if row["exchange_order_id"] not in ids:
            return ", and is not"
        case "placed" if "cancel" in row:
            return ", and its cancel is still kept"
        case "refused" | "not_placed" if ids and not foreign:
            return ", and exists"
        case "conflict" if not foreign:
            return ", and nobody else placed one"
        case "sending":
            return " still"
    return ""


def _outcome(answer: Any) -> Any:
    """The final outcome that an answer tells, None where it tells none."""
    match answer:
        case PlaceAnswer(placed, _):
            return placed
        case OrderAnswer(outcome=outcome):
            return outcome
        case errors.OrderRefusedError():
            return Refused("", "")
        case errors.OrderNotPlacedError():
            return NotPlaced()
        case errors.OrderConflictError():
            return Conflict("")
    return None


def _equal(order: NewOrder, found: BookOrder) -> bool:
    """Whether OKX holds what was ordered."""
    placed = found.versions[0][1]
    return (
        placed["instId"] == order.instrument
        and placed["side"] == order.side.value
        and Decimal(placed["sz"]) == order.quantity
    )
