"""The simulated Redis forgets, stalls and is replaced as told."""

import random
from dataclasses import replace
from typing import Any

import pytest

from okx_gateway.domain.errors import LedgerUnavailableError
from tests.simulation.plan import Mischief, Plan, Trouble
from tests.simulation.redis_server import SimulatedRedis
from tests.simulation.scenes import draw_plan
from tests.simulation.virtual_loop import Process, VirtualLoop
from tests.simulation.world import World

SECOND_US = 1_000_000
COUNT = "return {ARGV[1], ARGV[2], redis.call('INCR', KEYS[1])}"


class Client:
    """Two processes that count in one Redis."""

    def __init__(self, *kinds: str, **mischief: float) -> None:
        troubles = tuple(Trouble(kind) for kind in kinds)
        plan: Plan = replace(
            draw_plan(1), troubles=troubles, mischief=Mischief(**mischief), redis_ahead_us=0
        )
        self.loop = VirtualLoop(random.Random(1), shuffled=False)
        self.world = World(plan, self.loop, random.Random(1))
        self.processes = [Process("one", 1), Process("two", 2)]
        self.world.processes += self.processes
        self.redis = SimulatedRedis(self.world)
        self.answers: list[Any] = []

    def count(self, at_us: int = 0, *, process: int = 0, durable: bool = False) -> None:
        async def work() -> None:
            try:
                answer = await self.redis.call(
                    self.processes[process],
                    "count",
                    COUNT,
                    ["k"],
                    [],
                    nonce="n",
                    durable=durable,
                    timeout_s=0.5,
                )
            except LedgerUnavailableError as error:
                self.answers.append(error.metadata["cause"])
            else:
                self.answers.append(answer)

        self.loop.at_us(at_us, lambda: self.loop.spawn(self.processes[process], work()))

    def strike(self, kind: str, at_us: int, amount_us: int = 0) -> None:
        self.loop.at_us(at_us, self.redis.strike, Trouble(kind, amount_us=amount_us))

    def run(self) -> list[Any]:
        self.loop.run(lambda: False)
        return self.answers


def test_a_script_is_answered_with_its_server() -> None:
    client = Client()
    client.count()
    assert client.run() == [["server1", 1]]


def test_what_was_sent_runs_though_its_sender_has_given_up() -> None:
    client = Client()
    client.strike("hang", 0, 3 * SECOND_US)
    client.count(1_000)
    client.count(4 * SECOND_US)
    assert client.run() == ["TimeoutError", ["server1", 2]]


def test_what_was_sent_runs_though_its_sender_is_dead() -> None:
    client = Client()
    client.count()
    client.loop.at_us(10, client.loop.kill, client.processes[0])
    client.count(SECOND_US, process=1)
    assert client.run() == [["server1", 2]]


@pytest.mark.parametrize(
    ("kind", "left"), [("flush", ["server1", 1]), ("restart_empty", ["server2", 1])]
)
def test_everything_can_be_forgotten(kind: str, left: list[Any]) -> None:
    client = Client(kind)
    client.count()
    client.strike(kind, SECOND_US)
    client.count(2 * SECOND_US)
    assert client.run() == [["server1", 1], left]
    assert client.redis.lost_rows


def test_a_failover_loses_the_newest_writes() -> None:
    client = Client("fail_over")
    client.count()
    client.count(5 * SECOND_US)
    client.strike("fail_over", 6 * SECOND_US, 2 * SECOND_US)
    client.count(8 * SECOND_US)
    assert client.run() == [["server1", 1], ["server1", 2], ["server2", 2]]


def test_a_server_that_is_cut_off_serves_those_who_have_not_heard_but_nothing_durable() -> None:
    client = Client("split")
    client.redis.strike(Trouble("split", amount_us=10 * SECOND_US))
    client.redis._unaware = {client.processes[1]}
    client.count()
    client.count(process=1)
    client.count(SECOND_US, process=1, durable=True)
    client.count(20 * SECOND_US, process=1)
    answers = client.run()
    assert sorted(map(str, answers)) == [
        "['server1', 1]",
        "['server2', 1]",
        "['server2', 2]",
        "no replica acknowledged",
    ]


@pytest.mark.parametrize("kind", ["read_only", "out_of_memory"])
def test_a_server_that_takes_no_writes_runs_nothing(kind: str) -> None:
    client = Client()
    client.strike(kind, 0, SECOND_US)
    client.count(1_000)
    client.count(2 * SECOND_US)
    assert client.run() == [kind, ["server1", 1]]


def test_its_clock_can_step() -> None:
    client = Client()
    before_us = client.redis.clock_us(client.redis.primary)
    client.redis.strike(Trouble("clock_back", amount_us=SECOND_US))
    assert client.redis.clock_us(client.redis.primary) == before_us - SECOND_US


def test_a_reply_can_be_lost() -> None:
    client = Client(script_reply_lost=1.0)
    client.count()
    assert client.run() == ["TimeoutError"]
    assert client.redis.primary.data.values == {"k": "1"}
