"""What becomes of orders while Redis hangs, stalls, is full, is emptied, or comes back as it was?

Gateways place orders all the time while one thing after the other is done to their Redis. None may
be placed twice or told wrong, no window filled over its limit, and soon after all place again.
"""

import asyncio
import random
import shutil
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass

from redis.exceptions import RedisError

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from tests.faults.fleet import Fleet, Replica, fleet
from tests.faults.load_stage import an_order
from tests.faults.order_watch import OrderWatch
from tests.faults.tally import FaultTest, Progress, Tally
from tests.faults.traffic import Traffic
from tests.support.doors import RefusedError
from tests.support.running import ACCOUNT

_REPLICAS = 3
_RESTING = "BTC-USDT"
_CANCELLED = "cancelled while Redis was away"
_BEFORE_S, _AFTER_S = 0.7, 0.5
_RECOVERED_MAX_S = 15.0
# A replica may use its floor of a window a width after it first wanted to.
_FLOOR_WAIT_S = 2.5
_CANCEL_AFTER_S, _CANCEL_DEADLINE_S = 0.1, 1.2


@dataclass(frozen=True, slots=True)
class RedisFault:
    """Breaks Redis and has it whole again; `loses` where rows may be gone then.

    While it is `away`, which takes a second and a half at least, orders are cancelled all the same.
    """

    name: str
    strike: Callable[[Fleet, random.Random], Coroutine[None, None, None]]
    loses: bool = False
    away: bool = False


async def _hung(fleet: Fleet, dice: random.Random) -> None:
    fleet.valkey.pause()
    await asyncio.sleep(dice.uniform(1.5, 4))
    fleet.valkey.resume()


async def _stalling(fleet: Fleet, dice: random.Random) -> None:
    for _ in range(5):
        fleet.valkey.pause()
        await asyncio.sleep(dice.uniform(0, 0.6))
        fleet.valkey.resume()
        await asyncio.sleep(dice.uniform(0, 0.2))


async def _slow(fleet: Fleet, dice: random.Random) -> None:
    for replica in fleet.replicas:
        replica.redis.delay_s = lambda: dice.uniform(0, 0.4)
    await asyncio.sleep(2)
    for replica in fleet.replicas:
        replica.redis.delay_s = lambda: 0.0


async def _cut(fleet: Fleet, dice: random.Random) -> None:
    for _ in range(5):
        for replica in fleet.replicas:
            replica.redis.cut()
        await asyncio.sleep(dice.uniform(0, 0.3))


async def _half_open(fleet: Fleet, dice: random.Random) -> None:
    for replica in fleet.replicas:
        replica.redis.alive.clear()
    await asyncio.sleep(dice.uniform(1.5, 3))
    for replica in fleet.replicas:
        replica.redis.cut()
        replica.redis.alive.set()


async def _partitioned(fleet: Fleet, dice: random.Random) -> None:
    """One gateway sees Redis and not OKX, another OKX and not Redis."""
    blind, deaf = dice.sample(fleet.replicas, 2)
    blind.okx.alive.clear()
    deaf.redis.alive.clear()
    await asyncio.sleep(dice.uniform(1, 4))
    blind.okx.cut()
    deaf.redis.cut()
    blind.okx.alive.set()
    deaf.redis.alive.set()


async def _out_of_memory(fleet: Fleet, dice: random.Random) -> None:
    await fleet.valkey.command("CONFIG", "SET", "maxmemory", "1")
    await asyncio.sleep(dice.uniform(0.5, 2))
    await fleet.valkey.command("CONFIG", "SET", "maxmemory", "0")


async def _disk_full(fleet: Fleet, dice: random.Random) -> None:
    """It cannot save any more, and so takes no writes."""
    fleet.valkey.file.unlink(missing_ok=True)
    (fleet.valkey.file / "in the way").mkdir(parents=True)
    await fleet.valkey.command("CONFIG", "SET", "save", "3600 1000000")
    try:
        await _save(fleet, "err")
        await asyncio.sleep(dice.uniform(0.5, 2))
    finally:
        shutil.rmtree(fleet.valkey.file)
        await _save(fleet, "ok")
        await fleet.valkey.command("CONFIG", "SET", "save", "")


async def _save(fleet: Fleet, status: str) -> None:
    await fleet.valkey.command("BGSAVE")
    async with asyncio.timeout(10):
        while True:
            info = await fleet.valkey.command("INFO", "persistence")
            if not info["rdb_bgsave_in_progress"]:
                assert info["rdb_last_bgsave_status"] == status, info
                return
            await asyncio.sleep(0.02)


async def _read_only(fleet: Fleet, dice: random.Random) -> None:
    """It becomes a replica of nobody that answers, as a primary that was voted out."""
    await fleet.valkey.command("REPLICAOF", "127.0.0.1", "1")
    await asyncio.sleep(dice.uniform(0.5, 2))
    await fleet.valkey.command("REPLICAOF", "NO", "ONE")


async def _scripts_flushed(fleet: Fleet, dice: random.Random) -> None:
    await fleet.valkey.command("SCRIPT", "FLUSH")


async def _flushed(fleet: Fleet, dice: random.Random) -> None:
    await fleet.valkey.command("FLUSHALL")


async def _restarted_whole(fleet: Fleet, dice: random.Random) -> None:
    with suppress(RedisError):  # it does not answer this
        await fleet.valkey.command("SHUTDOWN", "SAVE")
    await fleet.valkey.kill()
    await fleet.valkey.start()


async def _restarted_old(fleet: Fleet, dice: random.Random) -> None:
    """It comes back with what it had some time ago."""
    await fleet.valkey.command("SAVE")
    await asyncio.sleep(dice.uniform(0.3, 1.5))
    await fleet.valkey.kill()
    await fleet.valkey.start()


async def _restarted_empty(fleet: Fleet, dice: random.Random) -> None:
    await fleet.valkey.kill()
    fleet.valkey.file.unlink(missing_ok=True)
    await asyncio.sleep(dice.uniform(0, 1))
    await fleet.valkey.start()


FAULTS = (
    RedisFault("hung", _hung, away=True),
    RedisFault("stalling", _stalling),
    RedisFault("slow", _slow),
    RedisFault("connections cut", _cut),
    RedisFault("half open", _half_open, away=True),
    RedisFault("partitioned", _partitioned),
    RedisFault("out of memory", _out_of_memory),
    RedisFault("disk full", _disk_full),
    RedisFault("read only", _read_only),
    RedisFault("scripts flushed", _scripts_flushed),
    RedisFault("restarted with all it had", _restarted_whole),
    RedisFault("flushed", _flushed, loses=True),
    RedisFault("restarted from an old file", _restarted_old, loses=True),
    RedisFault("restarted empty", _restarted_empty, loses=True),
)


class Resting:
    """Orders that rest in OKX's books, to be cancelled while Redis is away."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._orders: list[str] = []

    async def place(self, count: int) -> None:
        """Place `count` for every gateway, and have each cancel one, so that it has its floors."""
        for replica in self._fleet.replicas:
            for _ in range(count + 1):
                request = an_order(_RESTING)
                request.limit.time_in_force = order_pb2.TIME_IN_FORCE_GOOD_TILL_CANCELLED
                answer = await replica.door.call("PlaceOrder", request)
                self._orders.append(answer.exchange_order_id)
        assert all([await self.cancel(replica) for replica in self._fleet.replicas])
        await asyncio.sleep(_FLOOR_WAIT_S)

    async def cancel(self, replica: Replica) -> bool:
        """Cancel one through `replica`; whether OKX took that in time."""
        request = api.CancelOrderRequest(
            account=ACCOUNT, exchange_order_id=self._orders.pop(), instrument=_RESTING
        )
        try:
            await replica.door.call("CancelOrder", request, deadline_s=_CANCEL_DEADLINE_S)
        except RefusedError:
            return False
        return True


async def redis_faults(runs: int, seed: int, progress: Progress) -> Tally:
    """Strike Redis `runs` times, with one fault after the other."""
    tally, dice = Tally(runs=runs), random.Random(seed)
    faults = [FAULTS[number % len(FAULTS)] for number in range(runs)]
    async with fleet(_REPLICAS, seed=seed) as harmed:
        resting = Resting(harmed)
        await resting.place(sum(fault.away for fault in faults))
        async with OrderWatch(harmed, tally).watching() as watch:
            for fault in faults:
                await strike(harmed, watch, fault, dice, tally, resting=resting)
                progress.advance(1, fault.name)
        await harmed.judge(tally)
    return tally


async def strike(
    harmed: Fleet,
    watch: OrderWatch,
    fault: RedisFault,
    dice: random.Random,
    tally: Tally,
    *,
    resting: Resting | None = None,
) -> None:
    """Strike once, while orders are placed, and wait until every gateway places again."""
    traffic = Traffic(harmed, watch, loses=fault.loses, harm=fault.name)
    async with traffic.flowing():
        await asyncio.sleep(_BEFORE_S)
        striking = asyncio.create_task(fault.strike(harmed, dice))
        if fault.away and resting is not None:
            await asyncio.sleep(_CANCEL_AFTER_S)
            taken = await asyncio.gather(*map(resting.cancel, harmed.replicas))
            tally.hits[_CANCELLED] += sum(taken)
            if not all(taken):
                tally.blame([f"{fault.name}: {taken.count(False)} gateways took no cancel"])
        await striking
        if fault.loses:
            watch.lose_rows()
        watch.all_whole()
        tally.hits[fault.name] += 1
        recoveries_s = await asyncio.gather(*map(traffic.recovered_s, harmed.replicas))
        await asyncio.sleep(_AFTER_S)
    slowest_s = max(recoveries_s)
    name = f"{fault.name}: recovered_s"
    tally.figures[name] = max(tally.figures.get(name, 0.0), slowest_s)
    if slowest_s > _RECOVERED_MAX_S:
        tally.blame([f"{fault.name}: places again after {slowest_s:.1f} s only"])
    watch.whole(traffic.placed)


TESTS = (
    FaultTest(
        "redis breaks",
        quick=len(FAULTS),
        full=50 * len(FAULTS),
        run=redis_faults,
        part=5 * len(FAULTS),
        faults=(*(fault.name for fault in FAULTS), _CANCELLED),
    ),
)
