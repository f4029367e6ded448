from okx_gateway.edge.stamp import duration_of, time_of, time_of_us


def test_a_time_keeps_its_microseconds() -> None:
    stamp = time_of_us(1_700_000_000_123_456)
    assert stamp is not None
    assert (stamp.seconds, stamp.nanos) == (1_700_000_000, 123_456_000)
    assert time_of(1_700_000_000_123) == time_of_us(1_700_000_000_123_000)


def test_a_time_that_is_not_known_is_absent() -> None:
    assert time_of(None) is time_of(0) is time_of_us(None) is time_of_us(0) is None


def test_an_age_is_never_less_than_nothing() -> None:
    assert duration_of(0.25).ToMicroseconds() == 250_000
    assert duration_of(-0.25).ToMicroseconds() == 0
