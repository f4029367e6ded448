import asyncio
import time
from typing import Any

import pytest
from redis.asyncio import Redis

from okx_gateway.domain.errors import LedgerUnavailableError
from okx_gateway.ledger.charge import Charge, Part
from okx_gateway.ledger.grant import UNCHECKED_WAIT_S
from okx_gateway.ledger.ledger_script import LedgerScripts, log_arguments, log_keys, new_fence
from okx_gateway.ledger.redis_script import RedisScripts
from okx_gateway.ledger.redis_servers import OneServer
from tests.fakes.ledgers import scripts_on

ROUTES = (
    (Charge("a", 5, 10), Charge("b", 6, 20, cost=2, share=Part("algo", 3))),
    (Charge("c", 7, 30, cap=Part("algo", 0)),),
)


def test_keys_and_arguments_of_routes_belong_together() -> None:
    assert list(log_keys(ROUTES)) == [
        "window:a",
        "window:b",
        "window:b#algo",
        "window:c",
        "window:c~algo",
    ]
    assert list(log_arguments(ROUTES)) == [
        *(2, 5, 10, 1, 0, -1, 6, 20, 2, 3, -1),
        *(1, 7, 30, 1, 0, 0),
    ]


def test_keys_of_an_owner_share_a_hash_tag() -> None:
    assert LedgerScripts.key("live:1", "order:a1") == "okxgw:{live:1}:order:a1"


def test_no_two_grants_have_one_name() -> None:
    assert len({new_fence() for _ in range(1_000)}) == 1_000


async def spend(scripts: LedgerScripts, owner: str = "o") -> list[Any]:
    return await scripts.call_by_clock(
        "spend", owner, ["epoch", "tally", "window:w"], ["desk", 0, 0, "", 1, 5, 100_000, 1, 0, -1]
    )


async def test_the_clock_of_an_owner_is_known_once_it_has_answered(redis: "Redis") -> None:
    scripts = scripts_on(redis)
    assert scripts.latest_us("o", 1.0) is None
    await spend(scripts)
    at_us = scripts.latest_us("o", asyncio.get_running_loop().time())
    [seconds, micros] = await redis.time()
    assert at_us is not None
    assert abs(at_us - (seconds * 1_000_000 + micros)) < 200_000


async def test_a_new_ledger_is_new_once(redis: "Redis") -> None:
    scripts = scripts_on(redis)
    assert (await spend(scripts))[0] == "granted"
    await redis.flushall()
    assert (await spend(scripts))[0] == "denied", "it is not new to who knows it"


async def test_a_leap_of_the_clock_voids_the_answer_and_fills_the_windows(redis: "Redis") -> None:
    scripts = scripts_on(redis)
    await spend(scripts)
    await redis.hset("okxgw:{o}:epoch", "ahead_us", 1_000_000)
    with pytest.raises(LedgerUnavailableError, match="stepped"):
        await spend(scripts)
    assert (await spend(scripts))[0] == "denied"
    await redis.hset("okxgw:{o}:epoch", "ahead_us", 2_000_000)
    with pytest.raises(LedgerUnavailableError, match="stepped"):
        await spend(scripts)
    assert (await spend(scripts))[0] == "denied"
    await asyncio.sleep(0.1 + UNCHECKED_WAIT_S + 0.01)
    assert (await spend(scripts))[0] == "granted"


async def test_a_clock_that_steps_back_is_held_until_it_has_come_as_far(redis: "Redis") -> None:
    await spend(scripts_on(redis))
    [seconds, _] = await redis.time()
    ahead_us = (seconds + 10) * 1_000_000
    await redis.hset("okxgw:{o}:epoch", "last_us", ahead_us)
    shown = [int((await spend(scripts_on(redis)))[-1]) for _ in range(3)]
    assert ahead_us <= shown[0] <= shown[1] <= shown[2] < ahead_us + 1_000_000


class SlowReplies(RedisScripts):
    """Redis has run the script; its answer comes late."""

    async def call(self, *of: Any, **how: Any) -> list[Any]:
        answer = await super().call(*of, **how)
        await asyncio.sleep(0.1)
        return answer


async def test_a_slot_is_no_longer_good_where_its_answer_came_late(redis: "Redis") -> None:
    scripts = LedgerScripts(SlowReplies(OneServer(redis), timeout_s=0.5), new=True)
    answer = await spend(scripts)
    at_s, until_s = scripts.slot_s("o", int(answer[-1]), int(answer[1]))
    assert until_s < at_s <= time.monotonic(), "it may have begun late, and ended early"
    assert scripts.slot_s("o", int(answer[-1]), 1_000_000)[1] - until_s == pytest.approx(1.0)


async def test_what_was_granted_before_a_leap_was_told_of_is_void_when_it_is_heard_after(
    redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = scripts_on(redis)
    await spend(scripts)
    await redis.hset("okxgw:{o}:epoch", "ahead_us", 1_000_000)
    call, granted = scripts.call, asyncio.Event()

    async def heard_late(name: str, *of: Any, **how: Any) -> list[Any]:
        answer = await call(name, *of, **how)
        if not granted.is_set():
            granted.set()
            await asyncio.sleep(0.1)
        return answer

    monkeypatch.setattr(scripts, "call", heard_late)
    late = asyncio.ensure_future(spend(scripts))
    await granted.wait()
    for each in (spend(scripts), late):
        with pytest.raises(LedgerUnavailableError, match="stepped"):
            await each


async def test_a_leap_that_redis_could_not_be_told_of_is_seen_again(
    redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = scripts_on(redis)
    await spend(scripts)
    await redis.hset("okxgw:{o}:epoch", "ahead_us", 1_000_000)
    call = scripts.call

    async def refused(name: str, *of: Any, **how: Any) -> list[Any]:
        if name == "distrust":
            raise LedgerUnavailableError("OutOfMemoryError")
        return await call(name, *of, **how)

    monkeypatch.setattr(scripts, "call", refused)
    for _ in range(2):
        with pytest.raises(LedgerUnavailableError, match="OutOfMemory"):
            await spend(scripts)
    monkeypatch.undo()
    with pytest.raises(LedgerUnavailableError, match="stepped"):
        await spend(scripts)
