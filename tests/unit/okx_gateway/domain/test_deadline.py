import time

import pytest

from okx_gateway.domain.deadline import Deadline


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A monotonic clock that shows its only element."""
    now = [1_000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_what_is_left_shrinks_and_goes_below_zero(clock: list[float]) -> None:
    deadline = Deadline.after(1.5)
    assert (deadline.remaining_s(), deadline.remaining_ms()) == (1.5, 1_500)
    clock[0] += 1.25
    assert (deadline.remaining_s(), deadline.remaining_ms()) == (0.25, 250)
    clock[0] += 1
    assert (deadline.remaining_s(), deadline.remaining_ms()) == (-0.75, -750)


def test_a_part_of_a_millisecond_is_not_counted_as_left(clock: list[float]) -> None:
    assert Deadline(clock[0] + 0.0009).remaining_ms() == 0


def test_the_wall_clock_does_not_matter(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    deadline = Deadline.after(2)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert deadline.remaining_s() == 2
