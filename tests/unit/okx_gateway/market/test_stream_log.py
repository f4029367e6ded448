import pytest

from okx_gateway.market.stream_log import LatestLog, RingLog


def told(log: LatestLog[str] | RingLog[str], position: int) -> list[str]:
    batch = log.after(position)
    assert batch is not None
    return list(batch.events)


def test_of_the_latest_only_those_that_nothing_replaced_are_told_in_order() -> None:
    log: LatestLog[str] = LatestLog(10)
    for number in range(1, 4):
        log.put(f"a{number}", ["a"])
        log.put(f"b{number}", ["b"])
    log.put("a4", ["a"])
    assert told(log, 0) == ["b3", "a4"]
    assert told(log, 6) == ["a4"]
    assert told(log, 7) == []
    assert log.end == 7


def test_an_event_of_several_keys_is_told_once_while_one_of_them_stands() -> None:
    log: LatestLog[str] = LatestLog(10)
    log.put("both", ["a", "b"])
    assert told(log, 0) == ["both"]
    log.put("a", ["a"])
    assert told(log, 0) == ["both", "a"]
    log.put("b", ["b"])
    assert told(log, 0) == ["a", "b"]


def test_keys_have_a_bound_and_what_is_beyond_it_is_missed() -> None:
    log: LatestLog[int] = LatestLog(3)
    for number in range(1, 6):
        log.put(number, [number])
    assert log.start == 2
    assert log.after(1) is None
    batch = log.after(2)
    assert batch is not None
    assert batch.events == (3, 4, 5)


def test_a_ring_tells_everything_until_it_is_gone() -> None:
    log: RingLog[int] = RingLog(100)
    for number in range(1, 1_001):
        log.put(number, [], weight=1)
        at = max(0, number - 100)
        assert log.start <= at
        batch = log.after(at)
        assert batch is not None
        assert batch.events == tuple(range(at + 1, number + 1))
    assert log.end == 1_000
    assert log.after(log.start - 1) is None


def test_a_ring_counts_values_and_not_events() -> None:
    log: RingLog[str] = RingLog(2)
    log.put("trades", [], weight=3)
    log.put("a notice", [])
    log.put("trades", [], weight=2)
    log.put("trades", [], weight=4)
    log.put("trades", [], weight=1)
    assert log.start == 3
    assert log.weight_until(log.start) == 5
    assert log.weight_until(log.end) == 10


def test_a_ring_keeps_a_bounded_number_of_events() -> None:
    log: RingLog[int] = RingLog(50)
    for number in range(10_000):
        log.put(number, [], weight=1)
    batch = log.after(log.start)
    assert batch is not None
    assert len(batch.events) == 50
    assert log.weight_until(log.end) == 10_000


@pytest.mark.parametrize("log", [LatestLog(10), RingLog(10)], ids=["latest", "ring"])
def test_who_has_to_be_told_the_same_is_told_the_same_object(
    log: LatestLog[str] | RingLog[str],
) -> None:
    log.put("a", ["a"])
    assert log.after(0) is log.after(0)
    first = log.after(0)
    log.put("b", ["b"])
    assert log.after(0) is not first
