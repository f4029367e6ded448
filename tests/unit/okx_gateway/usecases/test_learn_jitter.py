"""On a real server, with made-up times."""

import random
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
from redis.asyncio import Redis

from okx_gateway.ledger.redis_jitter import RedisJitter
from okx_gateway.usecases import learn_jitter as module
from okx_gateway.usecases.learn_jitter import LearnJitter
from tests.fakes.ledgers import scripts_on
from tests.fakes.metering import Metered

OWNER = "live:1"
SET_MS = 200
OKX_US, LEDGER_US = 1_763_812_345_000_000, 1_763_812_300_000_000


class World:
    """A clock of ours, and one that is set now and then."""

    def __init__(self, redis: "Redis") -> None:
        self.now_s = 1_000.0
        self.clocks_set = 0
        self.redis = redis
        self.owners = [OWNER]
        self._draw = random.Random(1)

    def replica(self, *, learn: bool = True, set_ms: int = SET_MS) -> LearnJitter:
        return LearnJitter(
            RedisJitter(scripts_on(self.redis)),
            set_ms=set_ms,
            learn=learn,
            owners=lambda: self.owners,
            clocks_set=lambda: self.clocks_set,
        )

    def send(
        self, replica: LearnJitter, count: int, *, jitter_us: int, okx_us: int = OKX_US
    ) -> None:
        for number in range(count):
            self.now_s += 0.02
            passed_us = int(self.now_s * 1e6)
            delay_us = (0, jitter_us)[number] if number < 2 else self._draw.randint(0, jitter_us)
            replica.arrived(
                OWNER, slot_us=LEDGER_US + passed_us, receive_us=okx_us + passed_us + delay_us
            )


@pytest.fixture
def world(redis: "Redis", monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(redis)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: world.now_s))
    return world


@pytest.fixture
async def no_redis() -> AsyncIterator["Redis"]:
    client = Redis.from_url("unix:///nowhere/valkey.sock", decode_responses=True)
    yield client
    await client.aclose()


async def test_before_anything_is_learnt_what_is_set_holds(world: World) -> None:
    replica = world.replica()
    assert replica.jitter_ms() == SET_MS
    world.send(replica, 999, jitter_us=20_000)
    await replica.share()
    assert replica.jitter_ms() == SET_MS


async def test_what_one_has_learnt_holds_for_all(world: World, metered: Metered) -> None:
    first, second, idle = world.replica(), world.replica(), world.replica()
    world.send(first, 2_000, jitter_us=120_000)
    world.send(second, 2_000, jitter_us=257_000)
    for each in (first, second, first, idle):
        await each.share()
    assert [each.jitter_ms() for each in (first, second, idle)] == [310] * 3
    assert metered.told("budget.jitter") == {"setting": 0.2, "in_force": 0.31}


async def test_windows_are_never_narrower_than_set(world: World) -> None:
    replica = world.replica()
    world.send(replica, 2_000, jitter_us=50_000)
    await replica.share()
    assert replica.jitter_ms() == SET_MS


@pytest.mark.parametrize("seen", [1, 2_000])
async def test_all_go_by_the_most_that_is_set_for_one_of_them(world: World, seen: int) -> None:
    careful, other = world.replica(set_ms=400), world.replica()
    world.send(careful, seen, jitter_us=0)
    await careful.share()
    await other.share()
    assert other.jitter_ms() == careful.jitter_ms() == 400


async def test_of_several_owners_the_largest_holds(world: World) -> None:
    replica, other = world.replica(), world.replica()
    world.send(replica, 2_000, jitter_us=209_000)
    await replica.share()
    assert replica.jitter_ms() == 260
    world.owners = [OWNER, "live:2"]
    for number in range(1_000):
        other.arrived("live:2", slot_us=0, receive_us=number * 270)
    await other.share()
    await replica.share()
    assert replica.jitter_ms() == 320


async def test_without_redis_what_was_learnt_holds_on(
    world: World, no_redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = world.replica()
    world.send(replica, 2_000, jitter_us=300_000)
    await replica.share()
    assert replica.shared
    monkeypatch.setattr(replica, "_redis", RedisJitter(scripts_on(no_redis)))
    for _ in range(3):
        await replica.share()
        assert replica.jitter_ms() == 360
        world.now_s += 31


async def test_windows_are_widened_at_once_and_narrowed_once_all_have_heard(
    world: World, metered: Metered
) -> None:
    replica = world.replica()
    assert replica.least_ms() == SET_MS
    held = []
    for told_ms in (220, *[400] * 8, *[120] * 8):
        await world.redis.flushall()
        await RedisJitter(scripts_on(world.redis)).share(OWNER, told_ms)
        await replica.share()
        held.append((replica.jitter_ms(), replica.least_ms()))
        world.now_s += 10
    assert held == [
        (220, 200),  # for how long that has held is not known
        *[(400, 200)] * 5,
        (400, 220),
        *[(400, 400)] * 2,
        *[(400, 200)] * 6,
        *[(200, 200)] * 2,
    ]
    world.now_s += 31
    assert (replica.jitter_ms(), replica.least_ms()) == (200, 200)
    assert metered.told("budget.jitter") == {"setting": 0.2, "in_force": 0.2}


async def test_a_clock_that_was_set_looks_like_no_jitter(world: World) -> None:
    replica = world.replica()
    world.send(replica, 3_000, jitter_us=190_000)
    world.clocks_set += 1
    # Of these some were under way while it was set.
    world.send(replica, 400, jitter_us=190_000, okx_us=OKX_US + 400_000)
    world.send(replica, 3_000, jitter_us=190_000, okx_us=OKX_US + 700_000)
    await replica.share()
    assert replica.jitter_ms() == 250


async def test_what_is_not_wanted_is_not_learnt(
    world: World, metered: Metered, redis: "Redis"
) -> None:
    replica = world.replica(learn=False)
    assert replica.shared
    world.send(replica, 2_000, jitter_us=400_000)
    await replica.share()
    assert replica.jitter_ms() == SET_MS
    assert metered.told("budget.jitter") == {"setting": 0.2, "in_force": 0.2}
    assert await redis.keys("*") == []


async def test_before_an_account_is_known_nothing_is_heard(world: World) -> None:
    replica = world.replica()
    world.owners = []
    await replica.share()
    assert not replica.shared
