"""Is an order placed once and brought to its end, wherever its gateway dies or stands still?

On its way from its caller to OKX and back an order passes the wires of its gateway. Where a wire
shows that it has got to a certain point, the gateway is killed or paused; what was under way then
arrives, arrives late, or is lost. Others have to end the order, asked by nobody.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial

from tests.faults.fleet import Fleet, Replica, fleet
from tests.faults.load_stage import PRODUCTS, an_order
from tests.faults.order_watch import Followed, OrderWatch
from tests.faults.points import OVER_REST, OVER_SOCKET, POINTS, Point, Way, about
from tests.faults.tally import FaultTest, Progress, Tally
from tests.faults.wire import Trap, Where, Wire

_ORDERS = 3
_POINT_WAIT_S = 6.0
_CONNECT_WAIT_S = 1.0
_SOCKET_WAIT_S, _SOCKET_POLL_S = 30.0, 0.3
_TRIES = 3
_LATE_MAX_S = 2.0
_SLOT_WAIT_MAX_S = 1.5
_FROZEN_AFTER_S = 0.05
_KILL_LANES, _PAUSE_LANES = 3, 5
_PAUSE_MIN_S, _QUICK_PAUSE_MAX_S, _PAUSE_MAX_S = 0.5, 2.0, 60.0
_FATES = ("arrived", "late", "lost")

# Harms a gateway, and has the fate of what is held at the point decided on.
_Harm = Callable[[Replica, Callable[[], Awaitable[None]]], Awaitable[None]]


class Strikes:
    """Brings orders to points, and harms their gateways there. The first replica is spared."""

    def __init__(self, fleet: Fleet, watch: OrderWatch, tally: Tally, way: Way) -> None:
        self._fleet = fleet
        self._way = way
        self._watch = watch
        self._tally = tally

    async def strike(
        self, victim: Replica, point: Point, instrument: str, dice: random.Random, harm: _Harm
    ) -> None:
        """Have `harm` done to `victim`, or to who takes its orders over, at `point`.

        Tried again where another one died of its own strike before.
        """
        for _ in range(_TRIES):
            await victim.up.wait()
            await self._ready(victim, instrument)
            count = 1 if point.needs == "slot" else _ORDERS
            requests = [an_order(instrument) for _ in range(count)]
            names = [request.client_order_id.encode() for request in requests]
            followed: list[Followed] = []
            async with self._prepared(point, victim, instrument, names):
                with self._trapped(point, victim, names) as traps:
                    followed += [self._watch.place(victim, request) for request in requests]
                    struck = await self._reached(traps, point, dice)
                    if struck is not None:
                        await harm(struck, partial(self._decide, traps[struck], dice))
            for order in followed:
                order.harm = point.name
            self._watch.whole(followed)
            if struck is not None:
                return

    async def _ready(self, victim: Replica, instrument: str) -> None:
        """Have an order placed where that needs a socket: its first one makes the connection."""
        until_s = time.monotonic() + _SOCKET_WAIT_S
        while self._way is OVER_SOCKET and time.monotonic() < until_s:
            first = self._watch.place(victim, an_order(instrument))
            assert first.call is not None
            await asyncio.wait({first.call})
            self._watch.whole([first])
            if first.told[0][0] == "placed":
                return
            await asyncio.sleep(_SOCKET_POLL_S)

    async def _reached(
        self, traps: Mapping[Replica, Trap], point: Point, dice: random.Random
    ) -> Replica | None:
        """The gateway that got to the point; None where none did in time."""
        waits = {asyncio.create_task(trap.closed.wait()): each for each, trap in traps.items()}
        done, late = await asyncio.wait(
            waits, timeout=_POINT_WAIT_S, return_when=asyncio.FIRST_COMPLETED
        )
        for each in late:
            each.cancel()
        if not done:
            return None
        replica = waits[done.pop()]
        self._fleet.replicas[0].resume()
        if point.needs == "slot":
            await asyncio.sleep(dice.uniform(0, _SLOT_WAIT_MAX_S))
        if point.needs == "connection":
            with suppress(TimeoutError):
                async with asyncio.timeout(_CONNECT_WAIT_S):
                    await replica.okx.on_connect.wait()
                    return replica
            return None
        return replica

    async def _decide(self, trap: Trap, dice: random.Random) -> None:
        """Let what is held arrive, arrive late, or be lost."""
        fate = dice.choice(_FATES) if trap.where is not Where.PASSED else "arrived"
        self._tally.hits[fate] += trap.where is not Where.PASSED
        if fate == "late":
            await asyncio.sleep(dice.uniform(0, _LATE_MAX_S))
        trap.open(deliver=fate != "lost")

    @contextmanager
    def _trapped(
        self, point: Point, victim: Replica, names: Sequence[bytes]
    ) -> Iterator[Mapping[Replica, Trap]]:
        chased = [victim]
        if point.needs == "orphan":
            chased = [each for each in self._fleet.replicas[1:] if each is not victim]
        tell = about(point.message, names, self._fleet.scripts.of, reply=point.reply)
        traps = {each: Trap(tell, point.where) for each in chased}
        wires: dict[Replica, Wire] = {each: getattr(each, point.wire) for each in chased}
        for each, trap in traps.items():
            wires[each].traps.append(trap)
        try:
            yield traps
        finally:
            for each, trap in traps.items():
                trap.open(deliver=True)
                wires[each].traps.remove(trap)

    @asynccontextmanager
    async def _prepared(
        self, point: Point, victim: Replica, instrument: str, names: Sequence[bytes]
    ) -> AsyncIterator[None]:
        """Do what orders need to get to the point, and undo it."""
        tell = partial(about, self._way.order, names, self._fleet.scripts.of)
        wire: Wire = getattr(victim, self._way.wire)
        match point.needs:
            case "slot" | "batch":
                await self._freeze(victim, instrument)
                yield
            case "connection":
                victim.okx.cut_idle()
                victim.okx.on_connect.clear()
                yield
            case "doubt":
                lost = Trap(tell(reply=True))
                lost.open(deliver=False)
                wire.traps.append(lost)
                yield
                wire.traps.remove(lost)
            case "orphan":
                sent = Trap(tell(reply=False), Where.PASSED)
                wire.traps.append(sent)
                # The first replica has to leave it to those that may be harmed.
                away = [victim, self._fleet.replicas[0]]
                pausing = asyncio.create_task(_pause_after(sent, away))
                yield
                wire.traps.remove(sent)
                pausing.cancel()
                for each in away:
                    each.resume()
            case _:
                yield

    async def _freeze(self, victim: Replica, instrument: str) -> None:
        """Have OKX say of an order on `instrument` that there are too many, so that others wait."""
        await self._fleet.exchange.control_call(
            "PUT",
            f"/faults/freeze-{instrument}",
            {
                "kind": "code_before",
                "code": "50011",
                "count": 1,
                "match": {**self._way.match, "inst_id": instrument},
            },
        )
        refused = self._watch.place(victim, an_order(instrument))
        assert refused.call is not None
        await asyncio.wait({refused.call})
        self._watch.whole([refused])
        await asyncio.sleep(_FROZEN_AFTER_S)


async def _pause_after(trap: Trap, replicas: Sequence[Replica]) -> None:
    await trap.closed.wait()
    for each in replicas:
        each.pause()


async def _kill(
    point: Point, tally: Tally, replica: Replica, decide: Callable[[], Awaitable[None]]
) -> None:
    replica.kill()
    tally.hits[f"killed: {point.name}"] += 1
    await decide()
    await replica.start_again()


async def _pause(
    pause_s: float,
    point: Point,
    tally: Tally,
    replica: Replica,
    decide: Callable[[], Awaitable[None]],
) -> None:
    replica.pause()
    tally.hits[f"paused: {point.name}"] += 1
    await asyncio.gather(decide(), asyncio.sleep(pause_s))
    replica.resume()


async def killed(runs: int, seed: int, progress: Progress, *, way: Way) -> Tally:
    """Kill gateways `runs` times, at one point after the other."""

    def harm(point: Point, tally: Tally, dice: random.Random) -> _Harm:
        return partial(_kill, point, tally)

    return await _strikes(runs, seed, progress, _KILL_LANES, way=way, harm=harm)


async def paused(runs: int, seed: int, progress: Progress, *, way: Way) -> Tally:
    """Pause gateways `runs` times; where there are few runs only for short."""
    longest_s = _PAUSE_MAX_S if runs > len(POINTS[way]) else _QUICK_PAUSE_MAX_S

    def harm(point: Point, tally: Tally, dice: random.Random) -> _Harm:
        pause_s = _PAUSE_MIN_S * (longest_s / _PAUSE_MIN_S) ** dice.random()
        return partial(_pause, pause_s, point, tally)

    return await _strikes(runs, seed, progress, _PAUSE_LANES, way=way, harm=harm)


async def _strikes(
    runs: int,
    seed: int,
    progress: Progress,
    lanes: int,
    *,
    way: Way,
    harm: Callable[[Point, Tally, random.Random], _Harm],
) -> Tally:
    """Strike at every victim at a time, each on an instrument of its own."""
    tally = Tally(runs=runs)
    points = iter([POINTS[way][number % len(POINTS[way])] for number in range(runs)])
    async with fleet(lanes + 1, seed=seed, route=way.route) as harmed:
        async with OrderWatch(harmed, tally).watching() as watch:
            strikes = Strikes(harmed, watch, tally, way)

            async def lane(victim: Replica, instrument: str) -> None:
                dice = random.Random(f"{seed}/{victim.name}")
                for point in points:
                    await strikes.strike(victim, point, instrument, dice, harm(point, tally, dice))
                    progress.advance(1, point.name)

            await asyncio.gather(*map(lane, harmed.replicas[1:], PRODUCTS))
        await harmed.judge(tally)
    return tally


TESTS = tuple(
    FaultTest(
        f"gateways {harm} at every point{words}",
        quick=len(POINTS[way]),
        full=times * len(POINTS[way]),
        run=partial(run, way=way),
        part=10 * len(POINTS[way]),
        faults=(*(f"{harm}: {point.name}" for point in POINTS[way]), *_FATES),
    )
    for way, words in ((OVER_REST, ""), (OVER_SOCKET, " of the socket"))
    for harm, run, times in (("killed", killed, 200), ("paused", paused, 20))
)
