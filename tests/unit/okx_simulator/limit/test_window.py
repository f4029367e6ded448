import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_simulator.limit.window import LOG_FACTOR_MAX, FixedWindow, SlidingWindow, Window

STEPS_US = st.lists(st.integers(0, 40), max_size=200)


def _arrivals(steps_us: list[int]) -> list[int]:
    now_us, arrivals = 1_000_000, []
    for step_us in steps_us:
        now_us += step_us
        arrivals.append(now_us)
    return arrivals


def _ask(window: Window, now_us: int, *, count_refused: bool) -> bool:
    fits = window.has_room(now_us)
    window.count(now_us, keep=fits or count_refused)
    return fits


@given(
    steps_us=STEPS_US,
    amount=st.integers(1, 6),
    window_us=st.integers(1, 60),
    count_refused=st.booleans(),
)
def test_sliding_agrees_with_counting_every_arrival_by_hand(
    *, steps_us: list[int], amount: int, window_us: int, count_refused: bool
) -> None:
    window = SlidingWindow(amount, window_us)
    kept: list[int] = []
    worst = refused = 0
    for now_us in _arrivals(steps_us):
        used = sum(now_us - then_us < window_us for then_us in kept)
        fits = used < amount
        assert _ask(window, now_us, count_refused=count_refused) is fits
        worst, refused = max(worst, used + 1), refused + (not fits)
        if fits or count_refused:
            kept.append(now_us)
    capped = amount * LOG_FACTOR_MAX + 1
    assert (min(window.worst, capped), window.refused) == (min(worst, capped), refused)


@given(STEPS_US, st.integers(1, 6), st.integers(1, 60))
def test_no_window_ever_grants_more_than_its_amount(
    steps_us: list[int], amount: int, window_us: int
) -> None:
    window = SlidingWindow(amount, window_us)
    granted = [t for t in _arrivals(steps_us) if _ask(window, t, count_refused=False)]
    for start_us in granted:
        assert sum(start_us <= t < start_us + window_us for t in granted) <= amount


@given(
    steps_us=STEPS_US,
    amount=st.integers(1, 6),
    window_us=st.integers(1, 60),
    count_refused=st.booleans(),
)
def test_fixed_counts_from_multiple_to_multiple(
    *, steps_us: list[int], amount: int, window_us: int, count_refused: bool
) -> None:
    window = FixedWindow(amount, window_us)
    kept: list[int] = []
    for now_us in _arrivals(steps_us):
        used = sum(t // window_us == now_us // window_us for t in kept)
        assert window.used(now_us) == used
        assert _ask(window, now_us, count_refused=count_refused) is (used < amount)
        if used < amount or count_refused:
            kept.append(now_us)


def test_a_request_leaves_the_sliding_window_to_the_microsecond() -> None:
    window = SlidingWindow(1, 2_000_000)
    window.count(5, keep=True)
    assert not window.has_room(2_000_004)
    assert window.has_room(2_000_005)


def test_fixed_allows_twice_the_amount_around_a_boundary() -> None:
    window = FixedWindow(3, 100)
    answers = [_ask(window, now_us, count_refused=True) for now_us in (97, 98, 99, 100, 101, 102)]
    assert all(answers)
    assert not _ask(window, 103, count_refused=True)


def test_worst_shows_by_how_much_a_caller_went_over() -> None:
    window = SlidingWindow(2, 1000)
    for _ in range(5):
        _ask(window, 10, count_refused=True)
    assert (window.worst, window.refused) == (5, 3)


def test_the_log_is_bounded_though_refused_requests_count() -> None:
    window = SlidingWindow(2, 1000)
    for _ in range(1000):
        _ask(window, 10, count_refused=True)
    assert window.used(10) == 2 * LOG_FACTOR_MAX
    assert window.refused == 998


@pytest.mark.parametrize("kind", [SlidingWindow, FixedWindow])
def test_a_clock_that_steps_back_grants_nothing_extra(kind: type[Window]) -> None:
    window = SlidingWindow(1, 1000) if kind is SlidingWindow else FixedWindow(1, 1000)
    window.count(5000, keep=True)
    assert not window.has_room(4999)
