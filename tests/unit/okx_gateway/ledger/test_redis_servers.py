"""Scripts on one server, behind Sentinels and on a cluster, while servers fail and keys move."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from okx_gateway.domain.errors import LedgerUnavailableError
from okx_gateway.ledger.charge import Charge
from okx_gateway.ledger.grant import LedgerSettings
from okx_gateway.ledger.ledger_script import LedgerScripts
from okx_gateway.ledger.redis_budget import RedisBudget
from okx_gateway.ledger.redis_script import RedisScripts
from okx_gateway.ledger.redis_servers import open_servers
from tests.support.redis_sets import ClusterSet, SentinelSet, cluster_set, sentinel_set

OWNER = "demo:1"
WINDOW = Charge("get_balance", 1_000, 300_000)


class Ledger:
    def __init__(self, url: str, *, replicas_min: int = 0) -> None:
        self.scripts = LedgerScripts(
            RedisScripts(open_servers(url), timeout_s=0.5, replicas_min=replicas_min), new=True
        )
        self.budget = RedisBudget(self.scripts, LedgerSettings())

    async def spend(self) -> float:
        slot = await self.budget.spend(OWNER, (WINDOW,), caller="desk", wait_s=1)
        return slot.wait_s

    async def until_it_spends(self, within_s: float) -> float:
        until_s = time.monotonic() + within_s
        while True:
            try:
                return await self.spend()
            except LedgerUnavailableError:
                assert time.monotonic() < until_s, "the ledger did not come back"
                await asyncio.sleep(0.05)


@pytest.fixture
async def sentinels(tmp_path: Path) -> AsyncIterator[SentinelSet]:
    async with sentinel_set(tmp_path) as servers:
        yield servers


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[ClusterSet]:
    async with cluster_set(tmp_path) as servers:
        yield servers


async def test_a_server_that_may_forget_rows_is_not_relied_on(
    redis: "Redis", valkey_url: str
) -> None:
    await redis.config_set("maxmemory-policy", "volatile-lru")
    try:
        ledger = Ledger(valkey_url)
        with pytest.raises(LedgerUnavailableError, match="noeviction"):
            await ledger.spend()
    finally:
        await redis.config_set("maxmemory-policy", "noeviction")
    assert await ledger.spend() == 0
    await ledger.scripts.close()


async def test_a_full_memory_grants_nothing_and_breaks_nothing(
    redis: "Redis", valkey_url: str
) -> None:
    ledger = Ledger(valkey_url)
    await ledger.spend()
    before = await redis.hgetall(f"okxgw:{{{OWNER}}}:epoch")
    await redis.config_set("maxmemory", 1)
    try:
        with pytest.raises(LedgerUnavailableError):
            await ledger.spend()
    finally:
        await redis.config_set("maxmemory", 0)
    assert await redis.hgetall(f"okxgw:{{{OWNER}}}:epoch") == before
    assert await redis.zcard(f"okxgw:{{{OWNER}}}:window:get_balance") == 1
    await ledger.scripts.close()


@pytest.mark.parametrize(
    ("refuse", "take"),
    [
        (
            ("CONFIG", "SET", "min-replicas-to-write", "1"),
            ("CONFIG", "SET", "min-replicas-to-write", "0"),
        ),
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
    ],
    ids=["too few replicas", "demoted"],
)
async def test_a_server_that_refuses_writes_grants_nothing_and_keeps_all_it_had(
    redis: Any, valkey_url: str, refuse: tuple[str, ...], take: tuple[str, ...]
) -> None:
    ledger = Ledger(valkey_url)
    await ledger.spend()
    before = await redis.hgetall(f"okxgw:{{{OWNER}}}:epoch")
    await redis.execute_command(*refuse)
    try:
        with pytest.raises(LedgerUnavailableError):
            await ledger.spend()
        assert await redis.hgetall(f"okxgw:{{{OWNER}}}:epoch") == before
        assert await redis.zcard(f"okxgw:{{{OWNER}}}:window:get_balance") == 1
    finally:
        await redis.execute_command(*take)
    assert await ledger.spend() == 0
    await ledger.scripts.close()


async def test_a_successor_that_the_sentinels_name_begins_an_epoch(sentinels: SentinelSet) -> None:
    ledger = Ledger(sentinels.url)
    assert await ledger.spend() == 0
    await sentinels.fail_over()
    assert await ledger.until_it_spends(10) > 0.1, "a window of the new epoch counts as full"
    await ledger.scripts.close()


async def test_a_sentinel_that_hangs_keeps_nobody_from_asking_the_others(
    sentinels: SentinelSet,
) -> None:
    sentinels.sentinels[0].hang()
    ledger = Ledger(sentinels.url)
    assert await ledger.until_it_spends(3) == 0
    sentinels.sentinels[0].go_on()
    await ledger.scripts.close()


async def test_a_primary_that_hangs_is_left_for_its_successor_and_never_gone_back_to(
    sentinels: SentinelSet,
) -> None:
    ledger = Ledger(sentinels.url)
    await ledger.spend()
    old = await sentinels.primary()
    old.hang()
    assert await ledger.until_it_spends(10) > 0.1, "a window of the new epoch counts as full"
    successor = (await sentinels.primary()).redis
    counted = await successor.zcard(f"okxgw:{{{OWNER}}}:window:get_balance")
    old.go_on()
    for _ in range(5):
        await ledger.spend()
    now = await successor.zcard(f"okxgw:{{{OWNER}}}:window:get_balance")
    assert now == counted + 5
    await ledger.scripts.close()


async def test_what_too_few_replicas_have_is_not_granted(sentinels: SentinelSet) -> None:
    two, three = Ledger(sentinels.url, replicas_min=2), Ledger(sentinels.url, replicas_min=3)
    told = []
    for ledger in (two, three):
        try:
            answer = await ledger.scripts.call_by_clock(
                "spend",
                OWNER,
                ["epoch", "tally", "window:w"],
                ["desk", 0, 0, "", 1, 5, 1_000, 1, 0, -1],
                durable=True,
            )
            told.append(answer[0])
        except LedgerUnavailableError as error:
            told.append(error.metadata["cause"])
    assert told == ["granted", "2 of 3 replicas have it"]
    await two.scripts.close()
    await three.scripts.close()


# redis-py leaves the socket of a server that has gone from its map to be collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_scripts_follow_a_slot_and_a_failed_server_of_a_cluster(cluster: ClusterSet) -> None:
    ledger = Ledger(cluster.url)
    assert await ledger.until_it_spends(5) == 0
    key = f"okxgw:{{{OWNER}}}:epoch"
    await cluster.move(key)
    assert await ledger.until_it_spends(5) > 0.1, "another server keeps the ledger"
    await asyncio.sleep(0.7)
    assert await ledger.spend() == 0
    (await cluster.holder(key)).kill()
    assert await ledger.until_it_spends(15) > 0.1
    await ledger.scripts.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_servers_of_a_cluster_that_hang_keep_nobody_from_finding_the_others(
    cluster: ClusterSet,
) -> None:
    ledger = Ledger(cluster.url)
    assert await ledger.until_it_spends(5) == 0
    holder = await cluster.holder(f"okxgw:{{{OWNER}}}:epoch")
    holder.hang()
    assert await ledger.until_it_spends(10) > 0.1, "another server keeps the ledger"
    holder.go_on()
    await ledger.scripts.close()
