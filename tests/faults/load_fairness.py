"""What does a caller that floods take from the others?

Nine callers ask for a little less than what is kept for them while a tenth asks for all there is;
then one order after the other is cancelled while five times too many are being placed.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING

import grpc

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from tests.faults.arrivals import SINGLE_MAX, fullest, order_windows
from tests.faults.load_stage import an_order, stage
from tests.faults.tally import FaultTest, Progress, Tally
from tests.support.running import ACCOUNT

if TYPE_CHECKING:
    from okx_gateway.api.v1.gateway_service_pb2_grpc import GatewayServiceAsyncStub

INSTRUMENT = "BTC-USDT"
NORMAL = tuple(f"normal-{number}" for number in range(9))
HOG = "hog"
GUARANTEED_PERCENT, HOG_PERCENT = 8, 25
# As the setting has it.
SHARES = ",".join(
    [*(f"{each}={GUARANTEED_PERCENT}-100" for each in NORMAL), f"{HOG}=0-{HOG_PERCENT}"]
)
# What the nine ask for, of what is kept for them.
_ASKED_SHARE = 0.9
# Some three hundred orders a second, of which it may have seven.
_HOG_WAITING, _HOG_PAUSE_S = 150, 0.5
_DEADLINE_S = 3.0
_WAIT_MS_MAX = 500
_CANCELS_PER_S = 10.0
_OVERLOAD = 5
_ADDED_MS_MAX = 100
_REPLICAS = 2
# By then the windows are full, and orders wait.
_FILLED_AFTER_S = 2
# The window of an instrument where no order shares a batch, widened for jitter.
_WINDOW_S = 2.2
_ALLOWED_PER_S = SINGLE_MAX / _WINDOW_S


@dataclass(frozen=True, slots=True)
class _Asked:
    caller: str
    name: str
    at_s: float


@dataclass(slots=True)
class _Callers:
    stubs: Sequence["GatewayServiceAsyncStub"]
    asked: list[_Asked] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)

    async def place(self, caller: str) -> None:
        """Place one order, through one gateway after the other."""
        order = an_order(INSTRUMENT)
        stub = self.stubs[len(self.asked) % len(self.stubs)]
        self.asked.append(_Asked(caller, order.client_order_id, time.time()))
        who = "hog" if caller == HOG else "normal"
        try:
            await stub.PlaceOrder(order, timeout=_DEADLINE_S, metadata=(("x-caller", caller),))
        except grpc.aio.AioRpcError as error:
            self.answers[f"{who} {error.code().name}"] += 1
        else:
            self.answers[f"{who} PLACED"] += 1

    async def flood(self, end_s: float) -> None:
        """Place one order after the other as the hog, refused or not."""
        while time.monotonic() < end_s:
            await self.place(HOG)
            await asyncio.sleep(_HOG_PAUSE_S)


async def flood(seconds: int, seed: int, progress: Progress) -> Tally:
    """Let nine callers place what is kept for them, and one far more, for `seconds`."""
    tally = Tally(runs=seconds)
    async with stage(
        _REPLICAS, {"OKX_GATEWAY_CALLER_SHARES": SHARES}, seed=seed, portfolio_margin=True
    ) as running:
        callers = _Callers([each.stub for each in running.gateways])
        end_s = time.monotonic() + seconds
        flooding = asyncio.gather(*(callers.flood(end_s) for _ in range(_HOG_WAITING)))
        names = cycle(NORMAL)
        progress.advance(0, "a hog and nine others")
        guaranteed = SINGLE_MAX * GUARANTEED_PERCENT // 100
        rate_per_s = len(NORMAL) * guaranteed / _WINDOW_S * _ASKED_SHARE
        await _at_rate(rate_per_s, seconds, lambda: callers.place(next(names)))
        await flooding
        entries = await running.exchange.requests()
        for name, window in order_windows(entries).items():
            tally.see(name, window.fullest, window.amount)
        tally.blame(running.complaints())
        progress.advance(seconds)
    arrived_s = {
        order["cl_ord_id"]: entry["arrived_us"] / 1e6
        for entry in entries
        if entry["method"] == "POST"
        for order in entry["orders"]
    }
    normal = [each for each in callers.asked if each.caller != HOG]
    waits_s = [arrived_s[each.name] - each.at_s for each in normal if each.name in arrived_s]
    hog_us = sorted(
        int(arrived_s[each.name] * 1e6)
        for each in callers.asked
        if each.caller == HOG and each.name in arrived_s
    )
    tally.figures |= {
        "asked_by_the_nine": len(normal),
        "placed_of_the_nine": len(waits_s),
        "wait_p99_ms": round(_quantile(waits_s, 0.99) * 1000),
        "hog_percent": round(fullest(hog_us) / SINGLE_MAX * 100, 1),
        **callers.answers,
    }
    if len(waits_s) < len(normal):
        tally.blame([f"of {len(normal)} orders within their share {len(waits_s)} were placed"])
    if tally.figures["wait_p99_ms"] > _WAIT_MS_MAX:
        tally.blame([f"an order within its share waited {tally.figures['wait_p99_ms']} ms"])
    if tally.figures["hog_percent"] > HOG_PERCENT * 1.1:
        tally.blame([f"the hog had {tally.figures['hog_percent']} %, not {HOG_PERCENT}"])
    return tally


async def cancels(seconds: int, seed: int, progress: Progress) -> Tally:
    """Cancel orders for `seconds` alone, and again while places come in five times too fast."""
    tally = Tally(runs=seconds)
    times_s: list[float] = []
    async with stage(_REPLICAS, seed=seed, portfolio_margin=True) as running:
        callers = _Callers([each.stub for each in running.gateways])
        stubs = cycle(callers.stubs)
        progress.advance(0, "placing what will be cancelled")
        resting = await _resting(next(stubs), int(2 * seconds * _CANCELS_PER_S) + 2)

        async def cancel() -> None:
            request = api.CancelOrderRequest(account=ACCOUNT, client_order_id=resting.pop())
            began_s = time.monotonic()
            try:
                await next(stubs).CancelOrder(request, timeout=_DEADLINE_S)
            except grpc.aio.AioRpcError as error:
                tally.blame([f"a cancel failed: {error.code().name} {error.details()}"])
            times_s.append(time.monotonic() - began_s)

        progress.advance(0, "cancelling, alone")
        await _at_rate(_CANCELS_PER_S, seconds, cancel)
        alone_s, times_s = times_s, []
        progress.advance(0, "cancelling in a flood")
        flood_s = seconds + _FILLED_AFTER_S
        placing = asyncio.ensure_future(
            _at_rate(_OVERLOAD * _ALLOWED_PER_S, flood_s, lambda: callers.place(HOG))
        )
        await asyncio.sleep(_FILLED_AFTER_S)
        await _at_rate(_CANCELS_PER_S, seconds, cancel)
        await placing
        for name, window in order_windows(await running.exchange.requests()).items():
            tally.see(name, window.fullest, window.amount)
        tally.blame(running.complaints())
        progress.advance(seconds)
    alone_ms, loaded_ms = (_quantile(each, 0.99) * 1000 for each in (alone_s, times_s))
    tally.figures |= {
        "alone_p99_ms": round(alone_ms, 1),
        "loaded_p99_ms": round(loaded_ms, 1),
        "places_per_s": round(len(callers.asked) / flood_s, 1),
        **callers.answers,
    }
    if loaded_ms > alone_ms + _ADDED_MS_MAX:
        tally.blame([f"a cancel took {loaded_ms:.0f} ms in a flood, {alone_ms:.0f} ms alone"])
    return tally


async def _resting(stub: "GatewayServiceAsyncStub", count: int) -> list[str]:
    """Place orders that stay in the books; their ids."""
    orders = [an_order(INSTRUMENT) for _ in range(count)]
    for order in orders:
        order.limit.time_in_force = order_pb2.TIME_IN_FORCE_GOOD_TILL_CANCELLED
    await asyncio.gather(*(stub.PlaceOrder(order, timeout=60) for order in orders))
    return [order.client_order_id for order in orders]


async def _at_rate(per_s: float, seconds: float, call: Callable[[], Awaitable[None]]) -> None:
    """Make calls at fixed times whatever becomes of them, and wait for the last."""
    began_s = time.monotonic()
    calls = []
    for number in range(int(per_s * seconds)):
        await asyncio.sleep(began_s + number / per_s - time.monotonic())
        calls.append(asyncio.ensure_future(call()))
    await asyncio.gather(*calls)


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


TESTS = (
    FaultTest("a caller that floods", quick=8, full=120, run=flood),
    FaultTest("cancels in a flood of orders", quick=6, full=60, run=cancels),
)
