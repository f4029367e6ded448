import pytest

from okx_simulator.error_code import RefusedError
from okx_simulator.order.cancel_timer import TAGS_MAX, CancelTimers


def test_a_timer_is_due_once() -> None:
    timers = CancelTimers()
    assert timers.arm("1", "", 10, 1_000) == 11_000
    assert timers.take_due(10_999) == []
    assert timers.take_due(11_000) == [("1", "")]
    assert timers.take_due(99_000) == []


def test_arming_again_starts_anew_and_zero_stops() -> None:
    timers = CancelTimers()
    timers.arm("1", "", 10, 1_000)
    timers.arm("1", "", 10, 5_000)
    assert timers.take_due(14_999) == []
    assert timers.arm("1", "", 0, 6_000) == 0
    assert timers.take_due(99_000) == []


@pytest.mark.parametrize("seconds", [1, 9, 121])
def test_seconds_have_bounds(seconds: int) -> None:
    with pytest.raises(RefusedError) as refused:
        CancelTimers().arm("1", "", seconds, 0)
    assert refused.value.code == "51000"


def test_tags_are_bounded_per_account() -> None:
    timers = CancelTimers()
    for number in range(TAGS_MAX):
        timers.arm("1", f"t{number}", 10, 0)
    with pytest.raises(RefusedError) as refused:
        timers.arm("1", "more", 10, 0)
    assert refused.value.code == "51071"
    assert timers.arm("1", "t0", 20, 0) == 20_000
    assert timers.arm("1", "", 10, 0) == 10_000
    assert timers.arm("2", "more", 10, 0) == 10_000
