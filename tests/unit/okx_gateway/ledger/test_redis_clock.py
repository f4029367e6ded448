import random

from okx_gateway.ledger.redis_clock import RedisClock

OFFSET_US = 1_700_000_000_000_000


def test_a_clock_that_runs_as_ours_does_agrees_whatever_the_way_takes() -> None:
    clock, chosen, at_s = RedisClock(), random.Random(5), 100.0
    for _ in range(2_000):
        sent_s = at_s + chosen.random()
        executed_s = sent_s + chosen.random() * 0.4
        at_s = executed_s + chosen.random() * 0.1
        now_us = int(OFFSET_US + executed_s * 1e6 * (1 + 50e-6))
        assert clock.agrees(now_us=now_us, sent_s=sent_s, received_s=at_s)


def seen(clock: RedisClock, at_s: float, ahead_us: int = 0) -> bool:
    now_us = int(OFFSET_US + at_s * 1e6) + ahead_us
    return clock.agrees(now_us=now_us, sent_s=at_s - 0.001, received_s=at_s + 0.001)


def test_a_leap_either_way_is_seen() -> None:
    for leap_us in (100_000, -100_000):
        clock = RedisClock()
        assert seen(clock, 1)
        assert not seen(clock, 2, leap_us)


def test_a_way_that_is_slow_once_is_no_leap() -> None:
    clock = RedisClock()
    assert seen(clock, 1)
    assert clock.agrees(now_us=int(OFFSET_US + 1.5e6), sent_s=1.0, received_s=3.0)
    assert seen(clock, 4)


def test_the_latest_is_never_before_what_redis_showed() -> None:
    clock = RedisClock()
    seen(clock, 1)
    assert OFFSET_US + 2_000_000 <= clock.latest_us(2.0) <= OFFSET_US + 2_002_000


def test_crystals_that_drift_apart_over_hours_are_no_leap() -> None:
    clock = RedisClock()
    assert seen(clock, 1)
    assert seen(clock, 3_601, ahead_us=500_000)
    assert not seen(clock, 3_602, ahead_us=530_000)


def test_what_is_known_is_not_forgotten_over_a_slow_way() -> None:
    for leap_us in (30_000, -30_000):
        clock = RedisClock()
        assert seen(clock, 1)
        assert clock.agrees(now_us=int(OFFSET_US + 7e6), sent_s=2.0, received_s=12.0)
        assert not seen(clock, 13, leap_us)
        assert seen(clock, 13)


def test_the_time_of_an_answer_is_known_better_than_its_way_tells() -> None:
    clock = RedisClock()
    assert seen(clock, 1)
    now_us = int(OFFSET_US + 2.2e6)
    assert clock.agrees(now_us=now_us, sent_s=2.0, received_s=3.0)
    earliest_s, latest_s = clock.bounds_s(now_us)
    assert 2.198 < earliest_s <= 2.2 <= latest_s < 2.202
