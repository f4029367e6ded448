import random

import pytest

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
    floor.take(OWNER, CHARGE)
    clock.now_s += 2
    return floor


def test_a_floor_has_no_room_until_whoever_had_it_before_cannot_have_spent_it(
    clock: Clock,
) -> None:
    floor = Floor(lambda: True)
    assert not floor.take(OWNER, CHARGE)
    clock.now_s += 1.9
    assert not floor.take(OWNER, CHARGE)
    clock.now_s += 0.2
    assert floor.take(OWNER, CHARGE)


def test_a_floor_that_was_lost_for_a_moment_begins_anew(clock: Clock) -> None:
    held = True
    floor = Floor(lambda: held)
    floor.take(OWNER, CHARGE)
    clock.now_s += 2
    assert floor.take(OWNER, CHARGE)
    held = False
    assert not floor.take(OWNER, CHARGE)
    held = True
    assert not floor.take(OWNER, CHARGE)
    clock.now_s += 2
    assert floor.take(OWNER, CHARGE)


def test_no_stretch_of_a_window_has_more_than_the_floor(clock: Clock) -> None:
    floor, chosen = a_floor(clock), random.Random(3)
    spent_s = []
    for _ in range(2_000):
        if floor.take(OWNER, CHARGE):
            spent_s.append(clock.now_s)
        clock.now_s += chosen.random() * 0.3
    assert max(sum(1 for each in spent_s if at <= each < at + 2) for at in spent_s) == 5
    assert len(spent_s) > 0.9 * 5 * (spent_s[-1] - spent_s[0]) / 2


def test_windows_and_owners_are_counted_apart_and_a_window_without_floor_has_none(
    clock: Clock,
) -> None:
    floor = a_floor(clock)
    assert [floor.take(OWNER, CHARGE) for _ in range(6)] == [True] * 5 + [False]
    assert floor.take("live:2", CHARGE)
    assert not floor.take(OWNER, Charge("v", 60, 2_000_000))


def test_the_number_of_windows_has_a_bound(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    floor = a_floor(clock)
    monkeypatch.setattr("okx_gateway.ledger.floor._LOGS_MAX", 1)
    assert floor.take(OWNER, CHARGE)
    assert not floor.take("live:2", CHARGE)
