from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_gateway.okx import exchange_clock
from okx_gateway.okx.exchange_clock import ExchangeClock

WALL_S = 1_763_800_000.0
OKX_MS = 1_763_812_345_678.25

delays_s = st.floats(0, 3)


class World:
    """True time, OKX's clock that drifts against ours, and the way between them."""

    def __init__(self, drift_ppm: float = 0.0, offset_ms: float = OKX_MS) -> None:
        self.now_s = 5_000.0
        self.wall_s = WALL_S
        self.offset_ms = offset_ms
        self._rate = 1 + drift_ppm / 1_000_000

    def okx_ms(self) -> float:
        return self.offset_ms + self.now_s * 1000 * self._rate

    def ask(self, clock: ExchangeClock, there_s: float, inside_s: float, back_s: float) -> None:
        """A request whose answer tells when it came and when it went, in whole ms."""
        sent_s = self.now_s
        self.now_s += there_s
        came_ms = int(self.okx_ms())
        self.now_s += inside_s
        went_ms = int(self.okx_ms())
        self.now_s += back_s
        clock.learn(sent_s=sent_s, received_s=self.now_s, earliest_ms=came_ms, latest_ms=went_ms)

    def assert_bounded(self, clock: ExchangeClock) -> None:
        assert clock.earliest_ms() <= self.okx_ms() <= clock.latest_ms()
        assert clock.earliest_ms() <= clock.now_ms() <= clock.latest_ms()


@contextmanager
def living_in(world: World) -> Iterator[ExchangeClock]:
    with pytest.MonkeyPatch.context() as patch:
        time = SimpleNamespace(monotonic=lambda: world.now_s, time=lambda: world.wall_s)
        patch.setattr(exchange_clock, "time", time)
        yield ExchangeClock()


@given(
    drift_ppm=st.floats(-100, 100),
    offset_ms=st.floats(1e12, 2e12),
    events=st.lists(st.tuples(delays_s, delays_s, delays_s, st.floats(0, 600)), min_size=1),
)
def test_the_time_of_okx_always_lies_within_the_bounds(
    drift_ppm: float, offset_ms: float, events: list[tuple[float, float, float, float]]
) -> None:
    world = World(drift_ppm, offset_ms)
    with living_in(world) as clock:
        for there_s, inside_s, back_s, idle_s in events:
            world.ask(clock, there_s, inside_s, back_s)
            world.assert_bounded(clock)
            world.now_s += idle_s
            world.assert_bounded(clock)


@pytest.mark.parametrize("drift_ppm", [-100, 100])
@pytest.mark.parametrize("fraction_ms", [number / 20 for number in range(20)])
def test_the_clocks_drift_apart_while_an_answer_is_on_its_way(
    drift_ppm: int, fraction_ms: float
) -> None:
    for tenth_ms in range(20):
        world = World(drift_ppm, OKX_MS + fraction_ms)
        with living_in(world) as clock:
            world.ask(clock, 0, 0, 4.9 + tenth_ms / 10_000)
            world.assert_bounded(clock)


def test_before_the_first_sample_nothing_is_known() -> None:
    with living_in(World()) as clock:
        assert clock.error_ms() > 3_600_000
        assert abs(clock.now_ms() - WALL_S * 1000) <= 1


def test_a_quick_answer_gives_a_narrow_bound_that_widens_with_age() -> None:
    world = World()
    with living_in(world) as clock:
        world.ask(clock, 0.002, 0, 0.002)
        assert clock.error_ms() <= 5
        world.now_s += 600
        assert 60 <= clock.error_ms() <= 66


def test_a_slow_answer_does_not_replace_a_better_one() -> None:
    world = World()
    with living_in(world) as clock:
        world.ask(clock, 0.002, 0, 0.002)
        world.ask(clock, 1.0, 0, 1.0)
        assert clock.error_ms() <= 6


def test_a_slow_answer_is_better_than_none_and_than_a_very_old_one() -> None:
    world = World()
    with living_in(world) as clock:
        world.ask(clock, 0.2, 0, 0.2)
        assert 200 <= clock.error_ms() <= 203
        world.now_s += 2_000_000 / 100
        world.ask(clock, 0.3, 0, 0.3)
        assert 300 <= clock.error_ms() <= 303


@pytest.mark.parametrize("step_ms", [-90_000.0, -500.0, 500.0, 90_000.0])
def test_a_step_of_the_clock_of_okx_is_followed(step_ms: float) -> None:
    world = World()
    with living_in(world) as clock:
        world.ask(clock, 0.002, 0, 0.002)
        world.offset_ms += step_ms
        world.ask(clock, 0.01, 0, 0.02)
        world.assert_bounded(clock)


def test_an_answer_during_which_the_clock_stepped_back_is_not_believed() -> None:
    world = World()
    with living_in(world) as clock:
        world.ask(clock, 0.002, 0, 0.002)
        before_ms = clock.now_ms()
        clock.learn(
            sent_s=world.now_s, received_s=world.now_s, earliest_ms=10.0, latest_ms=20_000.0
        )
        assert clock.now_ms() == before_ms


def test_the_wall_clock_does_not_matter_once_okx_has_told() -> None:
    world = World()
    with living_in(world) as clock:
        world.ask(clock, 0.002, 0, 0.002)
        world.wall_s = 0.0
        world.assert_bounded(clock)


def test_a_clock_of_okx_that_was_set_is_counted_and_one_that_is_a_little_off_is_not() -> None:
    world = World()
    with living_in(world) as clock:
        for step_ms, times_set in ((0, 0), (10, 0), (5_000, 1), (0, 1), (-5_000, 2)):
            world.offset_ms += step_ms
            world.ask(clock, 0.001, 0.0, 0.001)
            world.assert_bounded(clock)
            assert clock.times_set == times_set
