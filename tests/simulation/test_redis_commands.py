"""The simulated commands answer as those of a real server do."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from tests.simulation.lua_script import LuaScripts, ScriptError
from tests.simulation.redis_commands import NotSimulatedError, RedisData

_CALL = "return redis.call(unpack(ARGV))"
_KEYS = ("a", "b", "c")
_NAMES = ("x", "y", "z", "longer name")
_Draw = random.Random


def key(draw: _Draw) -> str:
    return draw.choice(_KEYS)


def name(draw: _Draw) -> str:
    return draw.choice(_NAMES)


def score(draw: _Draw) -> str:
    whole = str(draw.choice([0, 1, 2, 5, 1_700_000_000_000_000, 1_700_000_000_000_001]))
    return draw.choice([whole, "-3", "0.5", "-inf", "+inf"])


def edge(draw: _Draw) -> str:
    found = score(draw)
    return found if "inf" in found or draw.random() < 0.5 else f"({found}"


def rank(draw: _Draw) -> str:
    return str(draw.randint(-3, 3))


def bounded(draw: _Draw) -> list[str]:
    limit = ["LIMIT", str(draw.randint(0, 2)), str(draw.randint(-1, 2))]
    return [
        *(limit if draw.random() < 0.4 else []),
        *(["WITHSCORES"] if draw.random() < 0.5 else []),
    ]


_Make = Callable[[_Draw], list[str]]
_COMMANDS: dict[str, _Make] = {
    "DEL": lambda draw: [key(draw), key(draw)],
    "EXISTS": lambda draw: [key(draw), key(draw)],
    "PERSIST": lambda draw: [key(draw)],
    "PEXPIRE": lambda draw: [key(draw), "9000000"],
    "PTTL": lambda draw: [draw.choice([key(draw), "none"])],
    "GET": lambda draw: [key(draw)],
    "SET": lambda draw: [
        *(key(draw), name(draw)),
        *draw.choice([[], ["NX"], ["XX"], ["PX", "9000000"], ["NX", "PX", "9000000"]]),
    ],
    "INCR": lambda draw: [f"n{key(draw)}"],
    "INCRBY": lambda draw: [f"n{key(draw)}", rank(draw)],
    "HSET": lambda draw: [key(draw), name(draw), score(draw), name(draw), name(draw)],
    "HSETNX": lambda draw: [key(draw), name(draw), score(draw)],
    "HINCRBY": lambda draw: [f"h{key(draw)}", name(draw), rank(draw)],
    "HGET": lambda draw: [key(draw), name(draw)],
    "HMGET": lambda draw: [key(draw), name(draw), name(draw)],
    "HGETALL": lambda draw: [key(draw)],
    "HLEN": lambda draw: [key(draw)],
    "HEXISTS": lambda draw: [key(draw), name(draw)],
    "HDEL": lambda draw: [key(draw), name(draw), name(draw)],
    "ZADD": lambda draw: [
        *(key(draw), *draw.choice([[], ["NX"], ["XX"], ["GT"]])),
        *(score(draw), name(draw), score(draw), name(draw)),
    ],
    "ZREM": lambda draw: [key(draw), name(draw), name(draw)],
    "ZCARD": lambda draw: [key(draw)],
    "ZCOUNT": lambda draw: [key(draw), edge(draw), edge(draw)],
    "ZSCORE": lambda draw: [key(draw), name(draw)],
    "ZRANGE": lambda draw: draw.choice(
        [
            [key(draw), rank(draw), rank(draw), *draw.choice([[], ["WITHSCORES"], ["REV"]])],
            [key(draw), edge(draw), edge(draw), "BYSCORE", *bounded(draw)],
            [key(draw), edge(draw), edge(draw), "BYSCORE", "REV", *bounded(draw)],
        ]
    ),
    "ZRANGEBYSCORE": lambda draw: [key(draw), edge(draw), edge(draw), *bounded(draw)],
    "ZREMRANGEBYSCORE": lambda draw: [key(draw), edge(draw), edge(draw)],
    "ZREMRANGEBYRANK": lambda draw: [key(draw), rank(draw), rank(draw)],
}
# What Redis answers in no order.
_UNORDERED = {"HGETALL"}


def comparable(command: str, answer: Any) -> Any:
    if command in _UNORDERED:
        return sorted(zip(answer[::2], answer[1::2], strict=True))
    if command == "PTTL" and answer > 0:
        return "some time"
    return answer


async def of_server(redis: "Redis", words: list[str]) -> Any:
    try:
        return comparable(words[0], await redis.eval(_CALL, 0, *words))
    except ResponseError as error:
        return str(error)[: len("WRONGTYPE")]


def of_double(scripts: LuaScripts, data: RedisData, words: list[str]) -> Any:
    try:
        return comparable(words[0], scripts.run(_CALL, data, [], words))
    except ScriptError as error:
        return str(error)[: len("WRONGTYPE")]


@pytest.mark.parametrize("seed", range(4))
async def test_random_commands_are_answered_alike(redis: "Redis", seed: int) -> None:
    draw, scripts, data = random.Random(seed), LuaScripts(), RedisData(now_us=10**15)
    for _ in range(1_500):
        command = draw.choice(list(_COMMANDS))
        words = [command, *_COMMANDS[command](draw)]
        assert of_double(scripts, data, words) == await of_server(redis, words), words


def test_a_key_ends_with_its_time() -> None:
    scripts, data = LuaScripts(), RedisData(now_us=10**15)
    scripts.run("return redis.call('SET', KEYS[1], 'x', 'PX', 1500)", data, ["a"], [])
    assert scripts.run("return redis.call('PTTL', KEYS[1])", data, ["a"], []) == 1_500
    data.now_us += 1_499_000
    assert scripts.run("return redis.call('GET', KEYS[1])", data, ["a"], []) == "x"
    data.now_us += 1_000
    assert scripts.run("return redis.call('GET', KEYS[1])", data, ["a"], []) is None


@pytest.mark.parametrize("source", ["known = 1", "return unknown", "return io"])
async def test_globals_are_guarded_as_on_the_server(redis: "Redis", source: str) -> None:
    with pytest.raises(ScriptError, match="global"):
        LuaScripts().run(source, RedisData(), [], [])
    with pytest.raises(ResponseError, match=r"global|readonly"):
        await redis.eval(source, 0)


@pytest.mark.parametrize(
    "source",
    [
        "return {1, 'x', false, {2.7, {}}, true}",
        "return redis.status_reply('FINE')",
        "return 3.9",
        "return {1, nil, 3}",
        "return redis.call('SET', 'a', 1e15)",
        "return string.format('%.0f', 1.7e15 + 0.5)",
        "redis.call('SET', 'a', 1.5e15) return redis.call('GET', 'a')",
        "return {redis.call('HGET', 'none', 'x'), #redis.call('HGETALL', 'none')}",
    ],
)
async def test_answers_are_converted_alike(redis: "Redis", source: str) -> None:
    assert LuaScripts().run(source, RedisData(), [], []) == await redis.eval(source, 0)


@pytest.mark.parametrize(
    "source",
    [
        "return redis.call('LPUSH', 'a', '1')",
        "return redis.call('SET', 'a', '1', 'EX', '3')",
        "return redis.call('SET', 'a', 0.1)",
        "return redis.call('SET', 'a', 1e17)",
    ],
)
def test_what_is_not_simulated_fails_loudly(source: str) -> None:
    with pytest.raises(NotSimulatedError):
        LuaScripts().run(source, RedisData(), [], [])
