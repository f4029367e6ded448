import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_gateway.ledger.jitter import JITTER_MS_MAX, JitterEstimate, Way, jitter_ms

CLOCKS_APART_US = -40_000_000


def learnt(jitter_us: int, *, samples: int = 5_000, base_us: int = 3_000) -> JitterEstimate:
    draw, estimate = random.Random(jitter_us), JitterEstimate()
    delays_us = [0, jitter_us, *(draw.randint(0, jitter_us) for _ in range(samples - 2))]
    for number, delay_us in enumerate(delays_us):
        estimate.observe(CLOCKS_APART_US + base_us + delay_us, number / 50)
    return estimate


def the_way(estimate: JitterEstimate, now_s: float = 100) -> Way:
    way = estimate.way(now_s)
    assert way is not None
    return way


@pytest.mark.parametrize(
    ("jitter_us", "told_ms"),
    [(0, 60), (80_000, 140), (150_000, 210), (187_000, 240), (5_000_000, 2_000)],
)
def test_jitter_is_learnt_and_rounded_up(jitter_us: int, told_ms: int) -> None:
    assert jitter_ms([the_way(learnt(jitter_us))]) == told_ms


def test_nothing_is_learnt_of_few_requests() -> None:
    few = learnt(50_000, samples=999)
    assert few.way(20) is None
    assert few.seen(20)
    assert not few.seen(20 + 3_660)
    assert not JitterEstimate().seen(0)
    few.observe(CLOCKS_APART_US, 20)
    assert few.way(20) is not None


def test_of_a_long_way_and_a_short_one_all_between_counts() -> None:
    near, far = learnt(20_000), learnt(20_000, base_us=160_000)
    assert jitter_ms([the_way(near)]) == jitter_ms([the_way(far)]) == 80
    assert 220 < jitter_ms([the_way(near), the_way(far)]) <= 240


def test_a_way_may_be_told_to_vary_by_more_than_was_seen() -> None:
    way = the_way(learnt(80_000))
    assert jitter_ms([way.at_least(300)]) == 300
    assert way.at_least(100) == way


def test_a_clock_that_was_set_is_no_jitter() -> None:
    estimate = learnt(80_000)
    estimate.restart()
    for number in range(5_000):
        estimate.observe(CLOCKS_APART_US + 1_500_000 + number % 80 * 1_000, 100 + number / 50)
    assert jitter_ms([the_way(estimate, 200)]) == 140


@given(st.lists(st.tuples(st.integers(), st.integers(0, 10**7)), min_size=1))
def test_windows_are_widened_by_all_of_it_within_bounds(ways: list[tuple[int, int]]) -> None:
    told_ms = jitter_ms([Way(least_us, least_us + spread_us) for least_us, spread_us in ways])
    assert 50 <= told_ms <= JITTER_MS_MAX
    for _, spread_us in ways:
        assert told_ms * 1000 >= min(spread_us + 50_000, JITTER_MS_MAX * 1000)
