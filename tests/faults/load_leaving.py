"""Does a caller that leaves take anything with it, or leave anything to the next one?

Calls of every kind, through both doors of all gateways, given up at a random moment within their
first 200 ms, or with a deadline that is about as near; some callers stay. The books and the journal
must agree, and whoever was answered must have been answered truly about what it asked.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from itertools import cycle
from typing import Any

import grpc

from okx_gateway.api.v1 import gateway_service_pb2 as api
from tests.faults.books import Books, states
from tests.faults.load_stage import PLACING, PRODUCTS, an_order, doors, stage
from tests.faults.tally import FaultTest, Progress, Tally
from tests.support.doors import Door, RefusedError
from tests.support.running import ACCOUNT

_REPLICAS = 3
_LEAVE_WITHIN_S = 0.2
_STAYING_SHARE, _HURRIED_SHARE = 0.1, 0.2
# An order needs some time to be valid for: what is left of this may be just enough.
_HURRIED_S_MAX = 0.4
# What leaves it open whether OKX has the order.
_OPEN = "ORDER_OUTCOME_UNKNOWN"
# A little more than all instruments have room for, so that some leave while they wait for a slot.
_CALLS_PER_S = 180.0
_DEADLINE_S = 5.0
_SETTLE_WAIT_S = 60.0
# OKX tells few balances a second.
_KINDS = {"PlaceOrder": 85, "GetOrder": 12, "GetBalance": 3}
_CURRENCIES = ("USDT", "BTC", "ETH", "SOL")
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "latency_on_way", "wait": {"low_ms": 0, "high_ms": 100}},
    {"kind": "latency_after", "wait": {"low_ms": 0, "high_ms": 100}},
    {"kind": "drop_after", "probability": 0.02, "match": PLACING},
)


async def departures(calls: int, seed: int, progress: Progress) -> Tally:
    """Make `calls` calls, most of which are given up; judge once all orders have an end."""
    tally = Tally(runs=calls)
    async with stage(_REPLICAS, seed=seed) as running:
        exchange, books = running.exchange, Books(running.exchange)
        await exchange.put_faults(*FAULTS)
        async with doors(running) as both:
            callers = _Callers(both, random.Random(seed), tally)
            await callers.run(calls, progress)
        on_record = await _settled(running.redis_url, callers.asked)
        await books.read()
        tally.hits.update(await exchange.fault_hits())
        tally.blame(running.complaints())
    for name in callers.asked:
        held = [str(order["ordId"]) for order in books.held[name]]
        state, told = on_record.get(name, "nothing"), callers.told.get(name)
        tally.duplicates += len(held) > 1 or books.written[name] > 1
        tally.figures[state] = tally.figures.get(state, 0) + 1
        if (state == "placed") != bool(held) or (state == "nothing") != (not books.written[name]):
            tally.lost += 1
            times = books.written[name]
            tally.blame([f"{name}: {state} on record, written {times} times, in the books {held}"])
        if told is not None and held != [*filter(None, [told])]:
            tally.contradicted += 1
            tally.blame([f"{name}: told {told or 'that OKX has it not'}, in the books {held}"])
    return tally


class _Callers:
    """Makes calls at a steady rate; `asked` are the ids of orders.

    `told` are OKX's ids by those, empty where callers were told that OKX has not the order.
    """

    def __init__(self, both: Sequence[Sequence[Door]], dice: random.Random, tally: Tally) -> None:
        self._doors = cycle([door for each in both for door in each])
        self._dice = dice
        self._tally = tally
        self._instruments = cycle(PRODUCTS)
        self.asked: list[str] = []
        self.told: dict[str, str] = {}

    async def run(self, calls: int, progress: Progress) -> None:
        """Make `calls` calls, and wait for those that stay."""
        began_s = time.monotonic()
        under_way: set[asyncio.Task[None]] = set()
        for number in range(calls):
            await asyncio.sleep(began_s + number / _CALLS_PER_S - time.monotonic())
            task = asyncio.create_task(self._one(next(self._doors)))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            progress.advance()
        await asyncio.gather(*under_way)

    async def _one(self, door: Door) -> None:
        """Make one call, and perhaps give it up; note what was wrong with its answer."""
        leave_s, deadline_s = self._patience()
        request = self._request()
        name = type(request).__name__.removesuffix("Request")
        call = asyncio.ensure_future(door.call(name, request, deadline_s=deadline_s))
        done, _ = await asyncio.wait({call}, timeout=leave_s)
        if not done:
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            self._count("left")
            return
        try:
            answer = call.result()
        except RefusedError as error:
            self._count(f"{name} {error.reason}")
            if name == "PlaceOrder" and error.reason != _OPEN:
                self.told[request.client_order_id] = ""
        except grpc.aio.AioRpcError as error:
            self._count(f"{name} {error.code().name}")
        else:
            self._count(name)
            self._check(request, answer)

    def _patience(self) -> tuple[float | None, float]:
        """After how long a caller leaves, and within what it wants to be answered."""
        mood = self._dice.random()
        if mood < _STAYING_SHARE:
            return None, _DEADLINE_S
        if mood < _STAYING_SHARE + _HURRIED_SHARE:
            return None, self._dice.uniform(0.001, _HURRIED_S_MAX)
        return self._dice.uniform(0, _LEAVE_WITHIN_S), _DEADLINE_S

    def _request(self) -> Any:
        [kind] = self._dice.choices(list(_KINDS), list(_KINDS.values()))
        placed = [name for name in list(self.told)[-100:] if self.told[name]]
        if kind == "GetOrder" and placed:
            name = self._dice.choice(placed)
            return api.GetOrderRequest(account=ACCOUNT, client_order_id=name)
        if kind == "PlaceOrder":
            order = an_order(next(self._instruments))
            self.asked.append(order.client_order_id)
            return order
        some = self._dice.sample(_CURRENCIES, self._dice.randint(1, 3))
        return api.GetBalanceRequest(account=ACCOUNT, currencies=some)

    def _check(self, request: Any, answer: Any) -> None:
        match request:
            case api.PlaceOrderRequest():
                fits = answer.client_order_id == request.client_order_id
                self.told[request.client_order_id] = answer.exchange_order_id
            case api.GetOrderRequest():
                known = self.told[request.client_order_id]
                fits = answer.order.exchange_order_id == known
            case _:
                given = {each.currency for each in answer.balance.currencies}
                fits = given == set(request.currencies)
        if not fits:
            self._tally.contradicted += 1
            self._tally.blame([f"asked for {request}, answered {answer}"])

    def _count(self, what: str) -> None:
        self._tally.figures[what] = self._tally.figures.get(what, 0) + 1


async def _settled(redis_url: str, names: Sequence[str]) -> dict[str, str]:
    """The states on record by id, once none is left open or it has taken too long."""
    give_up_s = time.monotonic() + _SETTLE_WAIT_S
    while True:
        found = await states(redis_url)
        still = [name for name in names if found.get(name) == "sending"]
        if not still or time.monotonic() > give_up_s:
            return found
        await asyncio.sleep(0.5)


TESTS = (
    FaultTest(
        "callers that leave",
        quick=500,
        full=20_000,
        run=departures,
        part=5_000,
        faults=("latency_on_way", "latency_after", "drop_after"),
    ),
)
