"""How many orders of one instrument get through, where waiting ones leave together in batches?

Single PlaceOrder calls over one or several gateways, more at a time than the window for single
orders has room for; some replies to batches are lost. The simulator's books and log are the judge.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Any

import grpc

from tests.faults.arrivals import BATCH_MAX, SINGLE_MAX, Entry, order_windows, throttled, used_share
from tests.faults.books import Books
from tests.faults.load_stage import an_order, stage
from tests.faults.tally import FaultTest, Progress, Tally

if TYPE_CHECKING:
    from okx_gateway.api.v1.gateway_service_pb2_grpc import GatewayServiceAsyncStub

INSTRUMENT = "BTC-USDT"
# About two seconds' worth of what both windows have room for together.
_WAITING = 400
_DEADLINE_S, _ANSWER_S_MAX = 8.0, 0.1
# They come one by one, at about the pace at which they are served.
_GATHERING_S = 2.0
_FULL_S = 120
_PER_2_S_MIN = 300
# A few seconds, perhaps beside other work, tell less: slots are missed then, and some orders are
# refused for want of time, which is honest.
_PER_2_S_MIN_QUICK, _NOT_PLACED_MAX_QUICK = 180, 0.05
# With these nothing was sent.
_UNSENT = frozenset({grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE})
_BATCHES = {"method": "POST", "path": "/api/v5/trade/batch-orders"}
LOST_REPLIES: Mapping[str, Any] = {"kind": "drop_after", "probability": 0.03, "match": _BATCHES}


async def batches(replicas: int, seconds: int, seed: int, progress: Progress) -> Tally:
    """Ask for more than single orders have room for, `seconds` long."""
    tally = Tally(runs=seconds)
    async with stage(replicas, seed=seed) as running:
        exchange, books = running.exchange, Books(running.exchange)
        await exchange.put_faults(LOST_REPLIES)
        progress.advance(0, f"{_WAITING} callers at a time")
        callers = _Callers(tally)
        stubs = cycle([each.stub for each in running.gateways])
        end_s = time.monotonic() + seconds
        began_s = [n * _GATHERING_S / _WAITING for n in range(_WAITING)]
        await asyncio.gather(*(callers.keep_asking(next(stubs), at, end_s) for at in began_s))
        await books.read()
        _judge_flow(await exchange.requests(), tally)
        callers.judge()
        tally.hits.update(await exchange.fault_hits())
        tally.blame(running.complaints())
        progress.advance(seconds)
    for name, told in callers.told.items():
        held = [str(order["ordId"]) for order in books.held[name]]
        tally.duplicates += len(held) > 1 or books.written[name] > 1
        tally.contradicted += told is not None and held != [*filter(None, [told])]
    return tally


def _judge_flow(entries: Sequence[Entry], tally: Tally) -> None:
    windows = order_windows(entries)
    for name, window in windows.items():
        tally.see(name, window.fullest, window.amount)
    stamps_us = sorted(at for window in windows.values() for at in window.stamps_us)
    allowed = SINGLE_MAX + BATCH_MAX
    per_2_s = used_share(stamps_us, allowed) * allowed
    tally.figures["orders_per_2_s"] = round(per_2_s, 1)
    wanted = _PER_2_S_MIN if tally.runs >= _FULL_S else _PER_2_S_MIN_QUICK
    if per_2_s < wanted:
        tally.blame([f"{per_2_s:.0f} orders in 2 s, not {wanted}"])
    tally.figures["batches"] = sum(len(entry["orders"]) > 1 for entry in entries)
    refused = throttled(entries)
    if refused:
        tally.blame([f"{refused} requests were refused for a rate limit"])


class _Callers:
    """Callers of single orders; `told` is OKX's id by that of the caller.

    It is empty where the caller was told that OKX has no such order, None where that was left open.
    """

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self.told: dict[str, str | None] = {}

    async def keep_asking(
        self, stub: "GatewayServiceAsyncStub", from_s: float, end_s: float
    ) -> None:
        """Place one order after the other until `end_s`; none may miss its deadline."""
        await asyncio.sleep(from_s)
        while time.monotonic() < end_s:
            order = an_order(INSTRUMENT)
            asked_s = time.monotonic()
            try:
                answer = await stub.PlaceOrder(order, timeout=_DEADLINE_S)
            except grpc.aio.AioRpcError as error:
                self._count(error.code().name)
                self.told[order.client_order_id] = "" if error.code() in _UNSENT else None
            else:
                self._count("PLACED")
                self.told[order.client_order_id] = answer.exchange_order_id
            if time.monotonic() - asked_s > _DEADLINE_S + _ANSWER_S_MAX:
                self._tally.blame([f"{order.client_order_id}: answered past its deadline"])

    def judge(self) -> None:
        """See that hardly an order was not placed, or none where there was time."""
        missed = sum(not told for told in self.told.values())
        share = 0.0 if self._tally.runs >= _FULL_S else _NOT_PLACED_MAX_QUICK
        if missed > share * len(self.told):
            self._tally.blame([f"of {len(self.told)} orders {missed} were not placed in time"])

    def _count(self, what: str) -> None:
        self._tally.figures[what] = self._tally.figures.get(what, 0) + 1


TESTS = tuple(
    FaultTest(
        f"batches over {replicas} gateways",
        quick=8,
        full=_FULL_S,
        run=partial(batches, replicas),
        faults=("drop_after",),
    )
    for replicas in (1, 3)
)
