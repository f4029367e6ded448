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
