import pytest

from okx_gateway.okx.pulse import STALE_AFTER_S, Pulse


def beaten(pause_s: float, times: int) -> tuple[Pulse, float]:
    """A pulse of so many pushes, and the time of the last one."""
    pulse = Pulse()
    for number in range(times):
        pulse.beat(100 + number * pause_s)
    return pulse, 100 + (times - 1) * pause_s


@pytest.mark.parametrize("pause_s", [0.01, 0.1, 0.9])
def test_a_lively_channel_is_missed_within_five_seconds(pause_s: float) -> None:
    pulse, last_s = beaten(pause_s, 20)
    assert pulse.missed_s(last_s + STALE_AFTER_S - 0.01) == 0
    assert pulse.missed_s(last_s + STALE_AFTER_S + 0.01) == pytest.approx(STALE_AFTER_S + 0.01)
    assert STALE_AFTER_S < 5


@pytest.mark.parametrize(("pause_s", "times"), [(1.5, 100), (60, 100), (0.1, 9), (0.1, 0)])
def test_a_quiet_or_unknown_channel_is_never_missed(pause_s: float, times: int) -> None:
    pulse, last_s = beaten(pause_s, times)
    assert pulse.missed_s(last_s + 3600) == 0


def test_a_push_ends_the_silence() -> None:
    pulse, last_s = beaten(0.1, 20)
    assert pulse.missed_s(last_s + 10)
    pulse.beat(last_s + 10)
    assert pulse.missed_s(last_s + 11) == 0


def test_after_a_pause_a_channel_has_to_become_lively_again() -> None:
    pulse, last_s = beaten(0.1, 20)
    now_s = last_s + 8
    pulse.beat(now_s)
    assert pulse.missed_s(now_s + 60) == 0
    for _ in range(40):
        now_s += 0.1
        pulse.beat(now_s)
    assert pulse.missed_s(now_s + 5) == pytest.approx(5)


def test_after_a_reset_nothing_is_expected() -> None:
    pulse, last_s = beaten(0.1, 20)
    pulse.reset()
    assert pulse.missed_s(last_s + 60) == 0
