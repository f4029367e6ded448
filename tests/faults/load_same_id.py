"""Is an order placed once, whoever asks for it how often under one id, and at which gateway?

A hundred callers at a time give the same id to three gateways and both doors, some of them with
another order. Some replies of OKX are late or lost. The simulator's books and log are the judge.
"""

import asyncio
import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import cycle
from typing import Any

from okx_gateway.api.v1 import gateway_service_pb2 as api
from tests.faults.books import Books
from tests.faults.load_stage import PLACING, PRODUCTS, an_order, doors, stage
from tests.faults.tally import FaultTest, Progress, Tally
from tests.support.doors import Door, RefusedError

_REPLICAS = 3
CALLERS = 100
# A fifth of the ids is given to different orders, by a third of their callers.
_DISPUTED_SHARE, _DISSENTING_SHARE = 0.2, 0.33
_REST_SHARE = 0.1
_IDS_AT_ONCE, _JUDGED_AT_ONCE = 5, 250
_DEADLINE_S = 30.0
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "latency_after", "wait": {"low_ms": 0, "high_ms": 50}, "match": PLACING},
    {"kind": "drop_after", "probability": 0.1, "match": PLACING},
)


@dataclass(slots=True)
class _Storm:
    """One id: what each caller asked for and was told."""

    name: str
    calls: list[tuple[api.PlaceOrderRequest, str]] = field(default_factory=list)

    @property
    def is_disputed(self) -> bool:
        """Whether it was given to more than one order."""
        return len({request.quantity for request, _ in self.calls}) > 1


async def storms(ids: int, seed: int, progress: Progress) -> Tally:
    """Give `ids` ids to all gateways by `CALLERS` callers each."""
    chosen, instruments, tally = random.Random(seed), cycle(PRODUCTS), Tally()
    gate = asyncio.Semaphore(_IDS_AT_ONCE)
    async with stage(_REPLICAS, seed=seed) as running, doors(running) as both:
        exchange = running.exchange
        books = Books(exchange)
        await exchange.put_faults(*FAULTS)

        async def one(instrument: str, dice: random.Random) -> _Storm:
            async with gate:
                return await _storm(both, instrument, dice)

        while tally.runs < ids:
            count = min(_JUDGED_AT_ONCE, ids - tally.runs)
            raged = await asyncio.gather(
                *(one(next(instruments), random.Random(chosen.random())) for _ in range(count))
            )
            await books.read()
            for storm in raged:
                _judge(storm, books, tally)
            progress.advance(count)
        tally.hits.update(await exchange.fault_hits())
        tally.blame(running.complaints())
    return tally


def _judge(storm: _Storm, books: Books, tally: Tally) -> None:
    tally.runs += 1
    tally.figures["disputed"] = tally.figures.get("disputed", 0) + storm.is_disputed
    for _, told in storm.calls:
        answer = told.split()[0]
        tally.figures[answer] = tally.figures.get(answer, 0) + 1
    held, written = books.held[storm.name], books.written[storm.name]
    if written > 1 or len(held) > 1:
        tally.duplicates += 1
    elif not held:
        tally.lost += 1
    else:
        broken = _broken(storm, held[0])
        tally.contradicted += bool(broken)
        tally.blame(f"{storm.name}: {what}" for what in broken)


async def _storm(both: Sequence[Sequence[Door]], instrument: str, dice: random.Random) -> _Storm:
    name = uuid.UUID(int=dice.getrandbits(128)).hex
    dissenting = _DISSENTING_SHARE if dice.random() < _DISPUTED_SHARE else 0.0
    storm = _Storm(name)

    async def call(door: Door, request: api.PlaceOrderRequest) -> None:
        storm.calls.append((request, await _told(door, request)))

    calls = []
    for number in range(CALLERS):
        request = an_order(instrument, name)
        if dice.random() < dissenting:
            request.quantity = str(Decimal(request.quantity) * dice.randint(2, 9))
        ways = both[number % len(both)]
        calls.append(call(ways[dice.random() < _REST_SHARE], request))
    await asyncio.gather(*calls)
    return storm


async def _told(door: Door, request: api.PlaceOrderRequest) -> str:
    """What the caller learns, in one line."""
    try:
        answer = await door.call("PlaceOrder", request, deadline_s=_DEADLINE_S)
    except RefusedError as error:
        return f"{error.code} {error.reason} {error.metadata.get('firstDifference', '')}".strip()
    how = "replayed" if answer.replayed else "placed"
    return f"{how} {answer.client_order_id} {answer.exchange_order_id}"


def _broken(storm: _Storm, order: Mapping[str, Any]) -> list[str]:
    """Return which promises were broken for an id, whose order at OKX is `order`."""
    wrong = []
    firsts = 0
    for request, told in storm.calls:
        if Decimal(request.quantity) == Decimal(order["sz"]):
            how, _, which = told.partition(" ")
            firsts += how == "placed"
            if how not in ("placed", "replayed") or which != f"{storm.name} {order['ordId']}":
                wrong.append(f"the order {order['ordId']} was told as {told}")
        elif told != "ALREADY_EXISTS CLIENT_ORDER_ID_TAKEN quantity":
            wrong.append(f"another order was answered {told}")
    if firsts != 1:
        wrong.append(f"{firsts} callers were told that theirs was the first call")
    return wrong


TESTS = (
    FaultTest(
        "one id by a hundred callers",
        quick=50,
        full=10_000,
        run=storms,
        part=1_000,
        faults=("latency_after", "drop_after"),
    ),
)
