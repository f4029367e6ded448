"""Is anything lost when a gateway is told to stop while it places orders?

It ends within its grace with everything that it had begun told, or left for others to end. What it
is asked for later it does not begin.
"""

import asyncio
import random
import time
from itertools import cycle

from tests.faults.fleet import Fleet, Replica, fleet
from tests.faults.order_watch import OrderWatch
from tests.faults.tally import FaultTest, Progress, Tally
from tests.faults.traffic import Traffic

_REPLICAS = 3
_GRACE_S = 4.0
# Closing what is left, and ending an interpreter.
_ENDING_S = 2.0
_BEFORE_S, _AFTER_S = 0.8, 0.3
_HEARD_S = 0.1
_ANSWER_S_MAX = 1.5
_STOPPED = "told to stop"


async def stops(runs: int, seed: int, progress: Progress) -> Tally:
    """Stop one gateway after the other, `runs` times; the first goes on all the time."""
    tally, dice = Tally(runs=runs), random.Random(seed)
    grace = {"OKX_GATEWAY_DRAIN_GRACE_S": str(_GRACE_S)}
    async with fleet(_REPLICAS, seed=seed, settings=grace) as harmed:
        for replica in harmed.replicas:
            replica.okx.delay_s = lambda: dice.uniform(0, _ANSWER_S_MAX / 2)
        async with OrderWatch(harmed, tally).watching() as watch:
            for _, victim in zip(range(runs), cycle(harmed.replicas[1:]), strict=False):
                await _stop(harmed, watch, victim, tally)
                progress.advance()
        await harmed.judge(tally)
    return tally


async def _stop(harmed: Fleet, watch: OrderWatch, victim: Replica, tally: Tally) -> None:
    traffic = Traffic(harmed, watch, harm=_STOPPED)
    async with traffic.flowing():
        await asyncio.sleep(_BEFORE_S)
        victim.ask_to_stop()
        told_s = time.monotonic()
        tally.hits[_STOPPED] += 1
        try:
            async with asyncio.timeout(_GRACE_S + _ENDING_S):
                code = await victim.ended()
        except TimeoutError:
            code = -1
        took_s = time.monotonic() - told_s
        await asyncio.sleep(_AFTER_S)
    tally.figures["took_s"] = max(tally.figures.get("took_s", 0.0), took_s)
    if code:
        tally.blame([f"{victim.name} ended with {code} after {took_s:.1f} s"])
    calls = [each.call for each in traffic.placed if each.call is not None]
    await asyncio.wait(calls)
    for order in traffic.placed:
        late = order.replica is victim and order.called_s > told_s + _HEARD_S
        if late and order.told[0][0] == "placed":
            tally.blame([f"{order.name}: placed by a gateway that was told to stop before"])
    watch.whole(traffic.placed)
    await victim.start_again()


TESTS = (
    FaultTest("gateways told to stop", quick=2, full=100, run=stops, part=20, faults=(_STOPPED,)),
)
