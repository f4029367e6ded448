"""Script calls against a real server, and against one that answers somebody else."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from okx_gateway.domain.errors import LedgerUnavailableError
from okx_gateway.ledger import redis_script
from okx_gateway.ledger.redis_script import RedisScripts
from okx_gateway.ledger.redis_servers import OneServer, open_servers


@pytest.fixture
async def scripts(redis: "Redis") -> AsyncIterator[RedisScripts]:
    scripts = RedisScripts(OneServer(redis), timeout_s=2)
    scripts.load("read_order", ["clock"])
    scripts.load("spend", ["clock", "window"])
    yield scripts
    await scripts.close()


async def read(scripts: RedisScripts, key: str) -> list[Any]:
    return await scripts.call("read_order", ["epoch", key, "open"], [1, "a1", 0, 0])


async def spend(scripts: RedisScripts) -> list[Any]:
    window = (1, 100, 60_000_000, 1, 0, -1)
    return await scripts.call(
        "spend", ["epoch", "tally", "a:window:w"], [1, "desk", 0, 0, "", *window]
    )


@pytest.fixture
def lengths(scripts: RedisScripts, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many calls each pipeline has that leaves from now on."""
    seen: list[int] = []
    original = scripts._pipeline

    async def counted(home: str, calls: list[Any]) -> list[Any]:
        seen.append(len(calls))
        return await original(home, calls)

    monkeypatch.setattr(scripts, "_pipeline", counted)
    return seen


async def test_a_script_is_answered_without_its_nonce(
    redis: "Redis", scripts: RedisScripts
) -> None:
    await redis.hset("row", mapping={"a": "1"})
    assert await read(scripts, "row") == [["a", "1"]]
    assert await read(scripts, "no row") == [[]]


async def test_each_of_many_calls_gets_its_own_answer(
    redis: "Redis", scripts: RedisScripts
) -> None:
    for number in range(300):
        await redis.hset(f"row{number}", "n", str(number))
    answers = await asyncio.gather(*(read(scripts, f"row{number}") for number in range(300)))
    assert answers == [[["n", str(number)]] for number in range(300)]


async def test_calls_made_together_leave_together(
    scripts: RedisScripts, lengths: list[int]
) -> None:
    await read(scripts, "row")
    await asyncio.gather(*(read(scripts, "row") for _ in range(200)))
    assert sum(lengths) <= 203
    assert max(lengths) == 200


async def test_a_pipeline_has_a_bound(
    scripts: RedisScripts, lengths: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    await read(scripts, "row")
    monkeypatch.setattr(redis_script, "_PIPELINE_LENGTH_MAX", 10)
    lengths.clear()
    await asyncio.gather(*(read(scripts, "row") for _ in range(95)))
    assert sum(lengths) == 95
    assert max(lengths) == 10


async def test_while_pipelines_are_under_way_calls_gather(
    scripts: RedisScripts, lengths: list[int]
) -> None:
    await read(scripts, "row")
    lengths.clear()
    calls = []
    for _ in range(100):
        calls.append(asyncio.ensure_future(read(scripts, "row")))
        await asyncio.sleep(0)
    await asyncio.gather(*calls)
    assert sum(lengths) == 100
    assert len(lengths) < 50


async def test_what_waits_has_a_bound(
    scripts: RedisScripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_script, "_WAITING_MAX", 3)
    told = await asyncio.gather(*(read(scripts, "row") for _ in range(5)), return_exceptions=True)
    assert [type(each) for each in told].count(LedgerUnavailableError) == 2


async def test_a_caller_who_goes_does_not_take_the_answers_of_others(
    redis: "Redis", scripts: RedisScripts
) -> None:
    await redis.hset("row", "a", "1")
    for _ in range(50):
        gone = [asyncio.ensure_future(read(scripts, "x")) for _ in range(3)]
        kept = asyncio.ensure_future(read(scripts, "row"))
        await asyncio.sleep(0)
        for each in gone:
            each.cancel()
        assert await kept == [["a", "1"]]
        await asyncio.gather(*gone, return_exceptions=True)


async def test_a_server_that_forgot_the_scripts_gets_them_again_and_runs_each_once(
    redis: "Redis", scripts: RedisScripts
) -> None:
    await spend(scripts)
    await redis.script_flush()
    await asyncio.gather(*(spend(scripts) for _ in range(9)))
    assert await redis.zcard("a:window:w") == 10


async def test_an_answer_to_another_call_is_not_believed_and_its_connection_dropped(
    redis: "Redis", scripts: RedisScripts
) -> None:
    await read(scripts, "row")
    connection = await redis.client_id()
    assert await redis.client_id() == connection
    right = scripts._scripts["read_order"]
    wrong = await redis.script_load("return {'another nonce', {}}")
    scripts._scripts["read_order"] = replace(right, sha=wrong)
    with pytest.raises(LedgerUnavailableError, match="another call"):
        await read(scripts, "row")
    assert await redis.client_id() != connection
    scripts._scripts["read_order"] = right
    assert await read(scripts, "row") == [[]]


async def test_a_script_that_fails_is_told_to_its_caller_alone(
    redis: "Redis", scripts: RedisScripts
) -> None:
    await redis.set("not a row", "text")
    keys = ("not a row", "row")
    calls = (read(scripts, key) for key in keys)
    told = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(told[0], LedgerUnavailableError)
    assert told[1] == [[]]


async def test_a_server_that_is_gone_is_told_to_everybody_who_waits() -> None:
    scripts = RedisScripts(open_servers("unix:///nonexistent/valkey.sock"), timeout_s=2)
    scripts.load("read_order", ["clock"])
    told = await asyncio.gather(*(read(scripts, "row") for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in told] == [LedgerUnavailableError] * 3
    await scripts.close()


async def test_a_server_that_does_not_answer_in_time_is_given_up_and_later_calls_are_right(
    redis: "Redis", scripts: RedisScripts
) -> None:
    await redis.hset("row", "a", "1")
    await read(scripts, "row")
    scripts._timeout_s = 0.1
    await redis.client_pause(300, all=True)
    with pytest.raises(LedgerUnavailableError, match="TimeoutError"):
        await read(scripts, "row")
    scripts._timeout_s = 2
    for _ in range(5):
        assert await read(scripts, "other row") == [[]]
        assert await read(scripts, "row") == [["a", "1"]]


async def test_closing_waits_for_what_is_under_way(scripts: RedisScripts) -> None:
    calls = [asyncio.ensure_future(read(scripts, "row")) for _ in range(5)]
    await asyncio.sleep(0)
    await scripts.close()
    await asyncio.sleep(0)
    assert all(call.done() for call in calls)
