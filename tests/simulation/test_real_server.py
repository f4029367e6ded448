"""What the simulated Redis has answered in whole schedules, a real server answers too."""

from itertools import islice
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.simulation.lua_script import LuaScripts
from tests.simulation.plan import Plan
from tests.simulation.redis_commands import RedisData, SortedSet, score_text
from tests.simulation.redis_server import Ran
from tests.simulation.scenes import draw_plan
from tests.simulation.schedule import Schedule

SCHEDULES = 12
# The server's own clock is not the schedule's: scripts are told that time, and what would have
# ended by it is taken away by hand.
_TIME = """
local server = redis
local redis = {
  call = function(name, ...)
    if name == 'TIME' then return {'%d', '%d'} end
    if name == 'PEXPIRE' then return 1 end
    if name == 'PTTL' then return 77 end
    return server.call(name, ...)
  end
}
"""


def plans_that_lose_nothing() -> list[Plan]:
    plans = (plan for plan in map(draw_plan, range(1_000)) if not plan.loses_rows)
    return list(islice(plans, SCHEDULES))


def calls_of(plan: Plan) -> list[Ran]:
    schedule = Schedule(plan, tells=False)
    schedule.records_scripts = True
    schedule.play()
    return schedule.redis.record


def told_time(ran: Ran) -> str:
    seconds, microseconds = divmod(ran.now_us, 1_000_000)
    return _TIME % (seconds, microseconds) + ran.source


def comparable(answer: Any) -> Any:
    """Hashes have no order; how long is left of a key is by the server's clock."""
    if isinstance(answer, list):
        if len(answer) > 2 and answer[1] == "busy":
            return answer[:2]
        parts = [comparable(part) for part in answer]
        flat = len(parts) > 3 and len(parts) % 2 == 0 and "state" in parts[::2]
        return sorted(zip(parts[::2], parts[1::2], strict=True)) if flat else parts
    return answer


async def left_on(redis: "Redis", key: str) -> Any:
    match await redis.type(key):
        case "hash":
            return await redis.hgetall(key)
        case "zset":
            found: Any = await redis.zrange(key, 0, -1, withscores=True)
            return [[score_text(score), member] for member, score in found]
        case "string":
            return await redis.get(key)
    return None


def left_in(data: RedisData, key: str) -> Any:
    value = data.values[key]
    if isinstance(value, SortedSet):
        return [[score_text(score), member] for score, member in value.order]
    return value


@pytest.mark.parametrize("plan", plans_that_lose_nothing(), ids=lambda plan: str(plan.seed))
async def test_a_schedule_s_scripts_are_answered_alike(redis: "Redis", plan: Plan) -> None:
    scripts, data = LuaScripts(), RedisData()
    calls = calls_of(plan)
    assert calls
    for ran in calls:
        data.now_us = ran.now_us
        for key in list(data.expiries_us):
            if data.at(key) is None:
                await redis.delete(key)
        simulated = scripts.run(ran.source, data, ran.keys, ran.arguments)
        real = await redis.eval(told_time(ran), len(ran.keys), *ran.keys, *ran.arguments)
        assert comparable(real) == comparable(simulated), ran
    left = [key for key in list(data.values) if data.at(key) is not None]
    assert sorted(await redis.keys()) == sorted(left)
    for key in left:
        if not key.endswith(":audit"):
            assert await left_on(redis, key) == left_in(data, key), key
