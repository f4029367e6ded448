"""What becomes of orders while Redis fails over to a server that lacks the last writes?

Behind Sentinels the primary is killed after its replicas were cut off; of a cluster the node that
has the orders is killed, or their slot is moved. As in `redis_faults` orders are placed all the
time.
"""

import asyncio
import random
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from tests.faults.fleet import Elsewhere, Fleet, fleet
from tests.faults.order_watch import OrderWatch
from tests.faults.redis_faults import RedisFault, strike
from tests.faults.tally import FaultTest, Progress, Tally
from tests.support.redis_sets import ClusterSet, SentinelSet, Server, cluster_set, sentinel_set
from tests.support.running import UID

if TYPE_CHECKING:
    from redis.asyncio import Redis

_REPLICAS = 3
_LOSING_S_MAX = 0.8
_WHOLE_WAIT_S = 30.0
# Any key of the account: all of them share a slot.
_KEY = f"okxgw:{{live:{UID}}}:open"


async def sentinels(runs: int, seed: int, progress: Progress, *, acknowledged: int) -> Tally:
    """Fail over `runs` times; a row counts as written once `acknowledged` replicas have it."""
    with tempfile.TemporaryDirectory(prefix="okx-gateway-sentinel-") as folder:
        async with sentinel_set(Path(folder)) as servers:

            async def fail_over(fleet: Fleet, dice: random.Random) -> None:
                await servers.fail_over(
                    losing=partial(asyncio.sleep, dice.uniform(0, _LOSING_S_MAX))
                )

            async def journal() -> "Redis":
                client: Redis = (await servers.primary()).redis
                return client

            faults = [RedisFault("failed over, writes lost", fail_over, loses=True)] * runs
            return await _break(
                faults,
                seed,
                progress,
                ledger=Elsewhere(servers.url, journal),
                is_whole=partial(_replicated, servers),
                settings={"OKX_GATEWAY_REDIS_REPLICAS_MIN": str(acknowledged)},
            )


async def _replicated(servers: SentinelSet) -> bool:
    """Whether the primary has all its replicas, and the Sentinels know them."""
    primary = await servers.primary()
    told = await primary.redis.info("replication")
    return bool(
        told["role"] == "master"
        and sum("state=online" in _text(each) for each in told.values()) == len(servers.servers) - 1
    )


async def cluster(runs: int, seed: int, progress: Progress) -> Tally:
    """Move the slot of all orders, or kill the node that has it, `runs` times in turn."""
    with tempfile.TemporaryDirectory(prefix="okx-gateway-cluster-") as folder:
        async with cluster_set(Path(folder)) as servers:

            async def move(fleet: Fleet, dice: random.Random) -> None:
                await servers.move(_KEY)

            async def kill(fleet: Fleet, dice: random.Random) -> None:
                node = await servers.holder(_KEY)
                node.kill()
                async with asyncio.timeout(_WHOLE_WAIT_S):
                    while not await _another_holds(servers, node):  # noqa: ASYNC110  # elsewhere
                        await asyncio.sleep(0.05)
                node.start()

            async def journal() -> "Redis":
                client: Redis = (await _holder(servers)).redis
                return client

            kinds = [
                RedisFault("slot moved", move),
                RedisFault("node killed", kill, loses=True),
            ]
            return await _break(
                [kinds[number % len(kinds)] for number in range(runs)],
                seed,
                progress,
                ledger=Elsewhere(servers.url, journal),
                is_whole=partial(_all_up, servers),
            )


async def _another_holds(servers: ClusterSet, dead: Server) -> bool:
    try:
        return await _holder(servers) is not dead
    except (RedisError, OSError):
        return False


async def _holder(servers: ClusterSet) -> Server:
    """The node that has the orders, by what a majority of the living says."""
    votes: list[int] = []
    for each in servers.servers:
        if each.process is not None:
            slot = await each.redis.execute_command("CLUSTER", "KEYSLOT", _KEY)
            shards: Any = await each.redis.execute_command("CLUSTER", "SLOTS")
            votes += [port for first, last, port in _ranges(shards) if first <= slot <= last]
    if not votes:
        raise RedisError("nobody has the slot")
    port = max(set(votes), key=votes.count)
    return next(each for each in servers.servers if each.port == port)


def _ranges(told: Any) -> list[tuple[int, int, int]]:
    """First slot, last slot and the primary's port, however the client reads it."""
    if isinstance(told, dict):
        return [(first, last, int(each["primary"][1])) for (first, last), each in told.items()]
    return [(first, last, int(primary[1])) for first, last, primary, *_ in told]


async def _all_up(servers: ClusterSet) -> bool:
    """Whether every node is there, and every replica follows its primary."""
    for each in servers.servers:
        role: Any = await each.redis.role()
        if role[0] in ("slave", "replica") and role[3] != "connected":
            return False
        if "cluster_state:ok" not in _info(await each.redis.execute_command("CLUSTER", "INFO")):
            return False
    return True


def _info(told: Any) -> str:
    if isinstance(told, dict):
        return " ".join(f"{name}:{value}" for name, value in told.items())
    return _text(told)


def _text(told: Any) -> str:
    if isinstance(told, dict):
        return ",".join(f"{name}={value}" for name, value in told.items())
    return str(told)


async def _break(
    faults: Sequence[RedisFault],
    seed: int,
    progress: Progress,
    *,
    ledger: Elsewhere,
    is_whole: Callable[[], Awaitable[bool]],
    settings: dict[str, str] | None = None,
) -> Tally:
    tally, dice = Tally(runs=len(faults)), random.Random(seed)
    async with fleet(_REPLICAS, seed=seed, ledger=ledger, settings=settings) as harmed:
        async with OrderWatch(harmed, tally).watching() as watch:
            for fault in faults:
                await strike(harmed, watch, fault, dice, tally)
                await _until(is_whole)
                progress.advance(1, fault.name)
        await harmed.judge(tally)
    return tally


async def _until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(_WHOLE_WAIT_S):
        while not await _certainly(true):  # noqa: ASYNC110  # other processes are waited for
            await asyncio.sleep(0.1)


async def _certainly(true: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await true()
    except (RedisError, OSError):
        return False


TESTS = (
    FaultTest(
        "redis fails over behind sentinels",
        quick=1,
        full=100,
        run=partial(sentinels, acknowledged=0),
        part=20,
        faults=("failed over, writes lost",),
    ),
    FaultTest(
        "redis fails over, rows acknowledged",
        quick=0,
        full=100,
        run=partial(sentinels, acknowledged=1),
        part=20,
        faults=("failed over, writes lost",),
    ),
    FaultTest(
        "redis cluster loses a node",
        quick=2,
        full=100,
        run=cluster,
        part=20,
        faults=("slot moved", "node killed"),
    ),
)
