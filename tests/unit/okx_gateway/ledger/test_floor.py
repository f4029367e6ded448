import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from okx_gateway.ledger.charge import Charge
from okx_gateway.ledger.floor import Floor

OWNER = "live:1"
CHARGE = Charge("w", 40, 2_000_000, floor=5)


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1_000.0
        monkeypatch.setattr("okx_gateway.ledger.floor.time.monotonic", lambda: self.now_s)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def a_floor(clock: Clock) -> Floor:
    floor = Floor(lambda: True)
    clock.now_s += 2
    return floor


def test_a_floor_has_no_room_until_whoever_had_it_before_cannot_have_spent_it(
    clock: Clock,
) -> None:
    floor = Floor(lambda: True)
    clock.now_s += 1.9
    assert not floor.take(OWNER, CHARGE)
    clock.now_s += 0.2
    assert floor.take(OWNER, CHARGE)


def test_a_replica_without_a_slot_has_no_floor(clock: Clock) -> None:
    held = False
    floor = Floor(lambda: held)
    clock.now_s += 10
    assert not floor.take(OWNER, CHARGE)
    held = True
    assert floor.take(OWNER, CHARGE)


def test_a_window_without_floor_takes_nothing_from_those_with_one(clock: Clock) -> None:
    floor = a_floor(clock)
    assert not floor.take(OWNER, Charge("v", 60, 2_000_000))
    assert floor.take(OWNER, CHARGE)


def test_a_request_that_costs_more_than_is_left_takes_nothing(clock: Clock) -> None:
    floor = a_floor(clock)
    three = replace(CHARGE, cost=3)
    assert [floor.take(OWNER, three) for _ in range(2)] == [True, False]
    assert [floor.take(OWNER, CHARGE) for _ in range(3)] == [True, True, False]


# Steps of replicas: which one, whether it is replaced by another process first, and how much later.
_STEPS = strategies.lists(
    strategies.tuples(
        strategies.integers(0, 2), strategies.integers(0, 19), strategies.floats(0, 0.4)
    ),
    max_size=300,
)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(steps=_STEPS, width_s=strategies.sampled_from([0.1, 2.0]))
def test_in_no_stretch_do_all_replicas_together_take_more_than_their_floors(
    clock: Clock, steps: list[tuple[int, int, float]], width_s: float
) -> None:
    charge = replace(CHARGE, width_us=int(width_s * 1e6))
    floors = [a_floor(clock) for _ in range(3)]
    clock.now_s += width_s
    spent_s = []
    for number, dice, pause_s in steps:
        if dice == 0:
            floors[number] = Floor(lambda: True)
        if floors[number].take(OWNER, charge):
            spent_s.append(clock.now_s)
        clock.now_s += pause_s
    for at in spent_s:
        assert sum(1 for each in spent_s if at <= each < at + width_s) <= 3 * charge.floor


def test_no_stretch_of_a_window_has_more_than_the_floor(clock: Clock) -> None:
    floor, chosen = a_floor(clock), random.Random(3)
    spent_s = []
    for _ in range(2_000):
        if floor.take(OWNER, CHARGE):
            spent_s.append(clock.now_s)
        clock.now_s += chosen.random() * 0.3
    assert max(sum(1 for each in spent_s if at <= each < at + 2) for at in spent_s) == 5
    assert len(spent_s) > 0.9 * 5 * (spent_s[-1] - spent_s[0]) / 2


def test_windows_and_owners_are_counted_apart(clock: Clock) -> None:
    floor = a_floor(clock)
    assert [floor.take(OWNER, CHARGE) for _ in range(6)] == [True] * 5 + [False]
    assert floor.take("live:2", CHARGE)
    assert floor.take(OWNER, replace(CHARGE, name="v"))


def test_the_number_of_windows_has_a_bound(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    floor = a_floor(clock)
    monkeypatch.setattr("okx_gateway.ledger.floor._LOGS_MAX", 1)
    assert floor.take(OWNER, CHARGE)
    assert not floor.take("live:2", CHARGE)
