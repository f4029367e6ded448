"""Do replicas ever ask more of OKX than it allows, and how much of that do they use?

Lanes of orders, each on an instrument of its own, over one, four and eight gateways at once, while
the way to OKX is longer at one time than at another. The judge is when requests arrived at the
simulator, to the microsecond.
"""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING

import grpc

from tests.faults.arrivals import Entry, order_windows, throttled, used_share
from tests.faults.load_stage import PLACING, Stage, an_order, stage
from tests.faults.tally import FaultTest, Progress, Tally

if TYPE_CHECKING:
    from okx_gateway.api.v1.gateway_service_pb2_grpc import GatewayServiceAsyncStub

# Twice what fits into a window, so that one is always wanted more than it has.
_WAITING = 120
# They come one by one, at about the pace at which they are served.
_GATHERING_S = 4.0
_BURST_MAX, _LULL_S_MAX = 150, 3.0
_DEADLINE_S = 20.0
_FULL_S = 600
# A few seconds, perhaps beside other work, tell less of how much is used.
_NOISE = 0.1


@dataclass(frozen=True, slots=True)
class Lane:
    """Orders on one instrument over the first `replicas` gateways, all the time or in bursts."""

    instrument: str
    replicas: int
    bursts: bool = False


LANES = (
    Lane("BTC-USDT", 1),
    Lane("ETH-USDT", 4, bursts=True),
    Lane("SOL-USDT", 8),
)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What replicas are set to, and how OKX and the way there are.

    The way to OKX takes up to `way_ms` longer at one time than at another. `skews_s` is how far off
    the wall clocks of gateways are, `exchange_ahead_ms` OKX's. Of what OKX allows, `used_min` has
    to be used by lanes that are never short of orders.
    """

    way_ms: int
    used_min: float
    fixed_window: bool = False
    skews_s: Sequence[float] = ()
    exchange_ahead_ms: int = 0


async def conformance(
    circumstances: Circumstances, seconds: int, seed: int, progress: Progress
) -> Tally:
    """Run all lanes for `seconds`, and judge by the simulator's log."""
    async with stage(
        max(lane.replicas for lane in LANES),
        {},
        seed=seed,
        options=("--window", "fixed") if circumstances.fixed_window else (),
        skews_s=circumstances.skews_s,
        exchange_ahead_ms=circumstances.exchange_ahead_ms,
        portfolio_margin=True,
    ) as running:
        exchange = running.exchange
        way = {"low_ms": 0, "high_ms": circumstances.way_ms}
        await exchange.put_faults({"kind": "latency_on_way", "wait": way, "match": PLACING})
        progress.advance(0, f"{len(LANES)} lanes of orders")
        tally = Tally(runs=seconds)
        end_s = time.monotonic() + seconds
        await asyncio.gather(
            *(
                _drive(running, lane, end_s, tally, random.Random(f"{seed}/{lane}"))
                for lane in LANES
            )
        )
        _judge(await exchange.requests(), circumstances, tally)
        for each in await exchange.limits():
            tally.see(f"{each['limit']} {each['key']}", each["worst"], each["amount"])
        tally.hits.update(await exchange.fault_hits())
        tally.blame(running.complaints())
        progress.advance(seconds)
        return tally


def _judge(entries: Sequence[Entry], circumstances: Circumstances, tally: Tally) -> None:
    windows = order_windows(entries)
    for name, window in windows.items():
        tally.see(name, window.fullest, window.amount)
    for lane in LANES:
        window = windows[f"order {lane.instrument}"]
        if not lane.bursts:
            used = used_share(window.stamps_us[_WAITING:], window.amount)
            tally.figures[f"used_share.{lane.replicas}_replicas"] = round(used, 4)
            wanted = circumstances.used_min - (0 if tally.runs >= _FULL_S else _NOISE)
            if used < wanted:
                tally.blame([f"{lane}: {used:.1%} used, not {wanted:.0%}"])
    refused = throttled(entries)
    tally.figures["throttled"] = refused
    if refused:
        tally.blame([f"{refused} requests were refused for a rate limit"])


async def _drive(
    running: Stage, lane: Lane, end_s: float, tally: Tally, chosen: random.Random
) -> None:
    stubs = cycle([each.stub for each in running.gateways[: lane.replicas]])
    if lane.bursts:
        await _burst(stubs, lane.instrument, end_s, tally, chosen)
    else:
        callers = (_keep_asking(next(stubs), lane, end_s, tally, chosen) for _ in range(_WAITING))
        await asyncio.gather(*callers)


async def _keep_asking(
    stub: "GatewayServiceAsyncStub",
    lane: Lane,
    end_s: float,
    tally: Tally,
    chosen: random.Random,
) -> None:
    await asyncio.sleep(chosen.uniform(0, _GATHERING_S))
    while time.monotonic() < end_s:
        await _place(stub, lane.instrument, tally)


async def _burst(
    stubs: Iterator["GatewayServiceAsyncStub"],
    instrument: str,
    end_s: float,
    tally: Tally,
    chosen: random.Random,
) -> None:
    while time.monotonic() < end_s:
        count = chosen.randint(1, _BURST_MAX)
        await asyncio.gather(*(_place(next(stubs), instrument, tally) for _ in range(count)))
        await asyncio.sleep(chosen.uniform(0, _LULL_S_MAX))


async def _place(stub: "GatewayServiceAsyncStub", instrument: str, tally: Tally) -> None:
    try:
        await stub.PlaceOrder(an_order(instrument), timeout=_DEADLINE_S)
    except grpc.aio.AioRpcError as error:
        answer = error.code().name
    else:
        answer = "PLACED"
    tally.figures[answer] = tally.figures.get(answer, 0) + 1


# By default windows are widened by 200 ms, which would leave 90.9 % of what OKX allows if it were
# not for the answers. The number is of seconds where there is no time for more.
_CIRCUMSTANCES = (
    ("limiter at 100 ms of jitter", 0, Circumstances(100, 0.95)),
    ("limiter at 200 ms of jitter", 0, Circumstances(200, 0.88)),
    ("limiter at fixed windows", 12, Circumstances(100, 0.95, fixed_window=True)),
    (
        "limiter with clocks off by 40 s",
        12,
        # None ahead: gRPC, which reads the true clock, would take every deadline for past.
        Circumstances(
            200, 0.88, skews_s=(-40, 0, -5, -13, -0.05, -3, -20, -1), exchange_ahead_ms=-40_000
        ),
    ),
)
TESTS = tuple(
    FaultTest(
        name,
        quick=quick_s,
        full=_FULL_S,
        run=partial(conformance, circumstances),
        faults=("latency_on_way",),
    )
    for name, quick_s, circumstances in _CIRCUMSTANCES
)
