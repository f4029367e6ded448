import pytest
from redis.asyncio import Redis

from okx_gateway.domain.errors import LedgerUnavailableError
from okx_gateway.ledger import redis_jitter
from okx_gateway.ledger.jitter import Way
from okx_gateway.ledger.redis_jitter import RedisJitter
from tests.fakes.ledgers import scripts_on

OWNER = "live:1"
KEY = f"okxgw:{{{OWNER}}}:jitter"


def replicas(redis: "Redis", count: int) -> list[RedisJitter]:
    return [RedisJitter(scripts_on(redis)) for _ in range(count)]


async def test_all_between_the_quickest_and_the_slowest_way_holds_for_all(redis: "Redis") -> None:
    near, far = replicas(redis, 2)
    assert await near.share(OWNER, Way(-5_000_000, -4_880_000)) == 170
    assert await far.share(OWNER, Way(-4_900_000, -4_700_000)) == 350
    assert await near.share(OWNER, Way(-5_000_000, -4_880_000)) == 350
    assert await near.share("live:2", Way(0, 150_000)) == 200


async def test_who_has_not_learnt_enough_goes_by_what_is_set(redis: "Redis") -> None:
    old, new, idle = replicas(redis, 3)
    assert await idle.share(OWNER, None) is None
    assert await old.share(OWNER, Way(0, 110_000)) == 160
    assert await new.share(OWNER, 200) == 200
    assert await old.share(OWNER, Way(0, 110_000)) == 200
    assert await idle.share(OWNER, None) == 200
    assert await new.share(OWNER, Way(0, 120_000)) == 170
    assert await redis.hlen(KEY) == 2
    assert 0 < await redis.pttl(KEY) <= 60_000


async def test_who_has_gone_is_forgotten(redis: "Redis", monkeypatch: pytest.MonkeyPatch) -> None:
    gone, here = replicas(redis, 2)
    monkeypatch.setattr(redis_jitter, "_STANDS_US", -1)
    await gone.share(OWNER, Way(0, 400_000))
    monkeypatch.undo()
    await redis.hset(KEY, "gone", "1 0 400000")
    assert await here.share(OWNER, Way(0, 110_000)) == 160
    assert await redis.hlen(KEY) == 1


@pytest.mark.parametrize("text", ["", "1", "x ms", "1 2 3", "1 x"])
async def test_what_no_replica_told_is_not_used(redis: "Redis", text: str) -> None:
    [here] = replicas(redis, 1)
    await redis.hset(KEY, "somebody", f"9007199254740991 {text}")
    with pytest.raises(LedgerUnavailableError):
        await here.share(OWNER, Way(0, 110_000))


async def test_windows_are_not_widened_without_bound(redis: "Redis") -> None:
    [here] = replicas(redis, 1)
    assert await here.share(OWNER, 1_000_000) == 2_000
