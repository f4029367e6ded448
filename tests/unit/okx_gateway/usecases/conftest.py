"""Use cases on a real ledger and a scripted exchange."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from tests.fakes.desk import Desk
from tests.fakes.exchange import ScriptedExchange


@pytest.fixture
def exchange() -> ScriptedExchange:
    return ScriptedExchange()


@pytest.fixture
async def desk(redis: "Redis", exchange: ScriptedExchange) -> AsyncIterator[Desk]:
    desk = await Desk(redis, exchange).open()
    yield desk
    await desk.close()


@pytest.fixture
async def other_desk(redis: "Redis", exchange: ScriptedExchange) -> AsyncIterator[Desk]:
    """A second replica: it shares Redis and the exchange, and nothing else."""
    desk = await Desk(redis, exchange).open()
    yield desk
    await desk.close()
