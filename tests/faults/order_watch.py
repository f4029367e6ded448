"""What became of each order, by the exchange's books, and was everybody told the same?

Follows orders in the journal, where nobody asks a gateway for them, until they have an end. Then
gateways are asked, and told to place them once more; the simulator's books, its log, and what left
the gateways on their wires are the judges.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from redis.asyncio import Redis
from redis.exceptions import RedisError

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from tests.faults.books import Books
from tests.faults.fleet import MARGIN_MS, Fleet, Replica
from tests.faults.tally import Tally
from tests.support.doors import RefusedError
from tests.support.running import ACCOUNT, UID

CALL_DEADLINE_S = 8.0
# Doubt ends this long after expiry and margin, or after what broke is whole again.
GRACE_MS = 10_000
_POLL_S = 0.2
# What was delivered late is on record by then.
_NO_ROW_S = 0.5
_ASKED_TIMES_MAX = 40
_ASK_PAUSE_S = 0.25
_FINAL = {"placed", "refused", "not_placed", "conflict"}
_ROW = f"okxgw:{{live:{UID}}}:order:"
_DEFECTS = {"defect", "taken"}
_TOLD = {
    "ORDER_REFUSED": "refused",
    "ORDER_NOT_PLACED": "not_placed",
    "ORDER_CONFLICT": "conflict",
    "ORDER_OUTCOME_UNKNOWN": "unknown",
    "CANCEL_OUTCOME_UNKNOWN": "unknown",
    "INTERNAL": "defect",
    "CLIENT_ORDER_ID_TAKEN": "taken",
}


@dataclass(eq=False)
class Followed:
    """An order that was asked for: `told` is what its callers learnt, in order.

    `whole_ms` is when nothing that was done to it lasts any more, by the wall clock; 0 before.
    `may_be_lost` says that its row may have gone with a ledger that lost some. `harm` tells people
    what was done to it. It was first asked for at `called_s`, monotonic. `taker` is who took
    it over last.
    """

    request: api.PlaceOrderRequest
    told: list[tuple[str, str]] = field(default_factory=list)
    whole_ms: float = 0
    expiry_ms: int = 0
    ended_ms: float = 0
    state: str = ""
    may_be_lost: bool = False
    harm: str = ""
    replica: Replica | None = None
    taker: Replica | None = None
    called_s: float = field(default_factory=time.monotonic)
    call: "asyncio.Task[None] | None" = None

    @property
    def name(self) -> str:
        """The caller's id."""
        return str(self.request.client_order_id)


class OrderWatch:
    """Places orders through a fleet and follows them; what it finds goes into `tally`."""

    def __init__(self, fleet: Fleet, tally: Tally) -> None:
        self._fleet = fleet
        self._tally = tally
        self._books = Books(fleet.exchange)
        self._open: set[Followed] = set()
        self._reading = asyncio.Lock()
        self._whole_ms = 0.0
        fleet.claimed, fleet.harmed = self._claimed, self._harmed
        self._judging: list[asyncio.Task[None]] = []

    def place(self, replica: Replica, request: api.PlaceOrderRequest) -> Followed:
        """Begin to place an order, and to follow it once `whole_ms` is set."""
        order = Followed(request, replica=replica)

        async def call() -> None:
            order.told.append(await told_of_placing(replica, request, CALL_DEADLINE_S))

        order.call = asyncio.create_task(call())
        self._open.add(order)
        return order

    def whole(self, orders: Sequence[Followed]) -> None:
        """Note that nothing is done to these any more."""
        for order in orders:
            order.whole_ms = order.whole_ms or time.time() * 1000

    def all_whole(self) -> None:
        """Note that what all orders need was broken until now, also those of before."""
        self._whole_ms = time.time() * 1000

    def lose_rows(self) -> None:
        """Note that the rows of all orders that were placed so far may be gone."""
        for order in self._open:
            order.may_be_lost = True

    @asynccontextmanager
    async def watching(self) -> AsyncIterator["OrderWatch"]:
        """Follow all orders of the block until each was judged."""
        ending = asyncio.Event()

        async def follow() -> None:
            while self._open or not ending.is_set():
                with suppress(RedisError, OSError):  # it may be what is broken
                    await self._sweep(await self._fleet.journal())
                await asyncio.sleep(_POLL_S)
            await asyncio.gather(*self._judging)

        following = asyncio.create_task(follow())
        try:
            yield self
            ending.set()
            await following
        finally:
            following.cancel()

    def _claimed(self, replica: Replica, rows: bytes) -> None:
        for order in self._open:
            if order.name.encode() in rows:
                order.taker = replica

    def _harmed(self, replica: Replica) -> None:
        """Who takes an order over and is harmed leaves it to others anew."""
        for order in self._open:
            if order.taker is replica and order.whole_ms:
                order.whole_ms = time.time() * 1000

    async def _sweep(self, redis: "Redis") -> None:
        followed = list(self._open)
        if not followed:
            return
        pipeline = redis.pipeline(transaction=False)
        for order in followed:
            pipeline.hmget(_ROW + order.name, "state", "expiry_ms")
        now_ms = time.time() * 1000
        rows = await pipeline.execute()
        ended = [
            order
            for order, (state, expiry_ms) in zip(followed, rows, strict=True)
            if self._has_ended(order, state or "", int(expiry_ms or 0), now_ms)
        ]
        if ended:
            self._open -= set(ended)
            # Beside this, so that the ends of others are seen when they come.
            self._judging.append(asyncio.create_task(self._judge(ended)))

    def _has_ended(self, order: Followed, state: str, expiry_ms: int, now_ms: float) -> bool:
        if order.state in _FINAL and not state and not order.may_be_lost:
            self._blame(order, f"the row, {order.state}, is gone")
        order.expiry_ms = expiry_ms or order.expiry_ms
        order.state = state
        if state in _FINAL and not order.ended_ms:
            order.ended_ms = now_ms
        if order.call is None or not order.call.done() or not order.whole_ms:
            return False
        if state in _FINAL:
            self._measure("ended_after_due_ms", order.ended_ms - self._due_ms(order))
            return True
        if not state:
            return now_ms > order.whole_ms + _NO_ROW_S * 1000
        return now_ms > self._due_ms(order) + GRACE_MS

    def _due_ms(self, order: Followed) -> float:
        """When it can have its end, if nothing more is broken."""
        return max(order.expiry_ms + MARGIN_MS, order.whole_ms, self._whole_ms)

    async def _judge(self, orders: Sequence[Followed]) -> None:
        async with self._reading:
            await self._books.read()
        for order in orders:
            self._judge_first(order)
        await asyncio.gather(*(self._ask_again(order) for order in orders))
        async with self._reading:
            await self._books.read()
        for order in orders:
            self._judge_last(order)

    def _judge_first(self, order: Followed) -> None:
        """What must hold before anybody asks again."""
        count = len(self._books.held[order.name])
        self._count(f"state {order.state or 'none'}")
        if order.state == "sending":
            self._tally.lost += 1
            self._blame(order, f"no end {GRACE_MS} ms after {order.expiry_ms} and margin")
        elif count != (order.state == "placed") and not (order.may_be_lost and not order.state):
            self._tally.lost += 1
            self._blame(order, f"{order.state or 'nothing'} on record, {count} in the books")
        if count and ("unsent", "") in order.told:
            self._tally.contradicted += 1
            self._blame(order, "told that nothing was sent, and it is in the books")

    def _judge_last(self, order: Followed) -> None:
        """What must hold of all that was told."""
        held = [str(each["ordId"]) for each in self._books.held[order.name]]
        written = max(self._books.written[order.name], self._fleet.written[order.name])
        # An order whose row is gone is looked up, and sent once more where OKX has none.
        if len(held) > 1 or (written > 1 and not order.may_be_lost):
            self._tally.duplicates += 1
            self._blame(order, f"written {written} times, in the books {held}")
        if any(what in _DEFECTS for what, _ in order.told):
            self._tally.contradicted += 1
            self._blame(order, "told what no caller of one order should hear")
        final = {told for told in order.told if told[0] in _FINAL}
        if len(final) > 1:
            self._tally.contradicted += 1
            self._blame(order, "told differently at different times")
        for what, which in final:
            if held != ([which] if what == "placed" else []):
                self._tally.contradicted += 1
                self._blame(order, f"told {what} {which}, in the books {held}")

    async def _ask_again(self, order: Followed) -> None:
        """Ask every gateway that lives what became of it, then one to place it once more."""
        if order.state == "sending":
            return
        if order.may_be_lost and {"refused", "not_placed"} & {what for what, _ in order.told}:
            return  # told to be over, it may be placed by who asks again all the same
        for replica in self._fleet.living():
            order.told.append(await self._told_of_looking(replica, order))
        for _ in range(_ASKED_TIMES_MAX):
            for replica in self._fleet.living():
                told = await told_of_placing(replica, order.request, CALL_DEADLINE_S)
                order.told.append(told)
                if told[0] not in ("unsent", "unknown"):
                    return
            await asyncio.sleep(_ASK_PAUSE_S)
        self._blame(order, "nobody tells what became of it")

    async def _told_of_looking(self, replica: Replica, order: Followed) -> tuple[str, str]:
        request = api.GetOrderRequest(account=ACCOUNT, client_order_id=order.name)
        with suppress(aiohttp.ClientError, TimeoutError, RefusedError, ValueError):
            async with asyncio.timeout(CALL_DEADLINE_S + 1):
                found = await replica.door.call("GetOrder", request, deadline_s=CALL_DEADLINE_S)
            match found.outcome:
                case order_pb2.ORDER_OUTCOME_PLACED if found.HasField("order"):
                    return "placed", found.order.exchange_order_id
                case order_pb2.ORDER_OUTCOME_REFUSED:
                    return "refused", ""
                case order_pb2.ORDER_OUTCOME_NOT_PLACED:
                    return "not_placed", ""
        return "unknown", ""

    def _count(self, what: str) -> None:
        self._tally.figures[what] = self._tally.figures.get(what, 0) + 1

    def _measure(self, what: str, figure: float) -> None:
        self._tally.figures[what] = max(self._tally.figures.get(what, 0.0), float(figure))

    def _blame(self, order: Followed, words: str) -> None:
        told = ", ".join(" ".join(each).strip() for each in order.told)
        self._tally.blame([f"{order.harm} {order.name}: {words} (told: {told})"])


async def told_of_placing(
    replica: Replica, request: api.PlaceOrderRequest, deadline_s: float
) -> tuple[str, str]:
    """What a caller of PlaceOrder learns, and OKX's id if it learns one."""
    try:
        async with asyncio.timeout(deadline_s + 1):
            answer: Any = await replica.door.call("PlaceOrder", request, deadline_s=deadline_s)
    except RefusedError as error:
        return _TOLD.get(error.reason, "unsent"), ""
    except (aiohttp.ClientError, TimeoutError, ValueError, OSError):
        return "unknown", ""
    if answer.outcome != order_pb2.ORDER_OUTCOME_PLACED:
        return "unknown", ""
    return "placed", answer.exchange_order_id
