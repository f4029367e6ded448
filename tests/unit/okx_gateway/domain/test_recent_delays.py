import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from okx_gateway.domain.recent_delays import RecentDelays

STEP_US = 5_000
HOUR_S = 3_600
DELAYS_US = st.integers(-2_000_000, 2_000_000)


def filled(*delays_us: int, now_s: float = 0.0) -> RecentDelays:
    delays = RecentDelays(step_us=STEP_US)
    for each in delays_us:
        delays.add(each, now_s)
    return delays


def test_nothing_is_told_of_nothing() -> None:
    delays = filled()
    assert delays.count(0) == 0
    assert (delays.late_us(0), delays.spread_us(0), delays.least_us(0)) == (None, None, None)


@given(st.lists(DELAYS_US, min_size=1, max_size=50), st.integers(-(10**18), 10**18))
def test_a_few_delays_are_told_to_a_step_whatever_their_clocks_differ_by(
    delays_us: list[int], apart_us: int
) -> None:
    delays = filled(*(each + apart_us for each in delays_us))
    late_us, spread_us = delays.late_us(0), delays.spread_us(0)
    most_us, least_us = max(delays_us) + apart_us, min(delays_us) + apart_us
    assert delays.count(0) == len(delays_us)
    assert delays.least_us(0) == least_us
    assert late_us is not None
    assert spread_us is not None
    assert most_us < late_us <= most_us + STEP_US
    assert most_us - least_us < spread_us <= most_us - least_us + 2 * STEP_US


def test_one_in_ten_thousand_may_be_later() -> None:
    many, rare = 99_990, 10
    for beyond in (0, 1):
        delays = filled(*[1_000] * (many - beyond), *[900_000] * (rare + beyond))
        assert delays.late_us(0) == (900_000 + STEP_US if beyond else STEP_US)
        assert delays.spread_us(0) == (900_000 + STEP_US if beyond else STEP_US)


def test_what_is_an_hour_old_is_forgotten() -> None:
    delays = filled(900_000)
    delays.add(100_000, HOUR_S - 61)
    assert delays.late_us(HOUR_S - 1) == 900_000 + STEP_US
    assert delays.late_us(HOUR_S) == 100_000 + STEP_US
    assert delays.count(HOUR_S) == 1
    assert delays.count(2 * HOUR_S) == 0


def test_clocks_that_drift_apart_look_almost_alike() -> None:
    draw, delays = random.Random(1), RecentDelays(step_us=STEP_US)
    for second in range(HOUR_S):
        for _ in range(5):
            delays.add(100 * second + draw.randint(0, 80_000), second)
    spread_us = delays.spread_us(HOUR_S - 1)
    assert spread_us is not None
    # 360 ms of drift; 18 ms of it lie between minutes that are held against each other.
    assert 80_000 <= spread_us <= 80_000 + 18_000 + 2 * STEP_US


def test_a_clock_that_was_set_does_not_look_like_a_late_request() -> None:
    draw = random.Random(2)
    for step_us in (2_000_000, -2_000_000):
        delays = RecentDelays(step_us=STEP_US)
        for second in range(600):
            if second == 330:
                # It was set a moment ago, and its first delay had been taken.
                delays.add(step_us, second)
                delays.restart()
            delays.add((step_us if second >= 330 else 0) + draw.randint(0, 80_000), second)
        spread_us = delays.spread_us(600)
        assert spread_us is not None
        assert spread_us <= 90_000
        assert delays.count(600) == 600 - 30
        least_us = delays.least_us(600)
        assert least_us is not None
        assert abs(least_us - step_us) < 80_000


def test_many_restarts_forget_no_more_than_their_minutes() -> None:
    delays = filled(1_000)
    for _ in range(5):
        delays.restart()
    assert delays.count(0) == 0
    delays = filled(1_000)
    delays.add(1_000, 60)
    for _ in range(5):
        delays.restart()
    assert delays.count(60) == 1


def test_memory_is_bounded() -> None:
    delays = RecentDelays(step_us=STEP_US)
    for number in range(200_000):
        delays.add(number * 1_000_000, number / 1_000)
        if number % 1_000 == 0:
            delays.restart()
            delays.add(0, number / 1_000)
    kept = [len(minute.counts) for minute in delays._minutes]
    assert len(kept) <= 60
    assert max(kept) <= 2 * 2_000 + 1


def test_a_delay_beyond_reach_counts_as_one_at_its_end() -> None:
    for delay_us, least_us in ((3_600_000_000, 0), (-3_600_000_000, -10_000_000)):
        delays = filled(0, delay_us)
        assert delays.least_us(0) == least_us
        assert delays.spread_us(0) == 10_000_000 + STEP_US


def test_delays_are_told_in_order_of_time() -> None:
    delays = RecentDelays(step_us=STEP_US)
    seen = []
    for minute in range(5):
        delays.add(minute * 200_000, minute * 60)
        seen.append(delays.least_us(minute * 60))
    # The least of the minutes near the last one.
    assert seen == [0, 0, 0, 200_000, 400_000]
    assert all(a is not None and b is not None and a <= b for a, b in pairwise(seen))
