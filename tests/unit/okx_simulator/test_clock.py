from okx_simulator.clock import Clock


def test_the_offset_moves_the_clock_but_not_the_true_time() -> None:
    clock = Clock(lambda: 1_700_000_000_123_456_789)
    assert (clock.now_us(), clock.now_ms()) == (1_700_000_000_123_456, 1_700_000_000_123)
    clock.offset_us = -1_000_000
    assert clock.now_us() == 1_699_999_999_123_456
    assert clock.true_us() == 1_700_000_000_123_456


def test_by_default_it_runs() -> None:
    clock = Clock()
    first = clock.now_us()
    assert first <= clock.now_us()
