import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_gateway.okx import socket_overlap
from okx_gateway.okx.channel import Channel, Push, channel_of
from okx_gateway.okx.reply import Row
from okx_gateway.okx.socket_overlap import Overlap

ORDERS, BOOK = channel_of("orders", instType="ANY"), channel_of("books", instId="BTC-USDT")
PUSH = Push(receive_ms=7)
SNAPSHOT = Push(receive_ms=7, action="snapshot")
PAGE = Push(receive_ms=7, event_type="snapshot")


def row(number: int) -> Row:
    return {"n": str(number)}


def released(overlap: Overlap) -> list[int]:
    return [int(each["n"]) for _, rows, _ in overlap.release() for each in rows]


def test_what_the_old_one_told_is_not_told_again() -> None:
    overlap = Overlap({ORDERS: [row(1)]})
    overlap.hold(ORDERS, [row(1)], PUSH)
    overlap.told(ORDERS, [row(2)])
    overlap.hold(ORDERS, [row(2), row(3)], PUSH)
    overlap.hold(ORDERS, [row(4)], PUSH)
    assert released(overlap) == [3, 4]
    assert released(overlap) == []
    assert overlap.untold(ORDERS, [row(2), row(5)]) == [row(5)]


def test_the_same_row_of_another_channel_is_another() -> None:
    overlap = Overlap({ORDERS: [], BOOK: []})
    overlap.told(BOOK, [row(1)])
    overlap.hold(ORDERS, [row(1)], PUSH)
    assert released(overlap) == [1]


@pytest.mark.parametrize("snapshot", [SNAPSHOT, PAGE])
def test_a_snapshot_is_older_than_what_was_told(snapshot: Push) -> None:
    overlap = Overlap({BOOK: [row(1)]})
    overlap.hold(BOOK, [row(100)], snapshot)
    overlap.told(BOOK, [row(2)])
    overlap.hold(BOOK, [row(2)], PUSH)
    overlap.hold(BOOK, [row(3)], PUSH)
    assert released(overlap) == [3]


def test_a_channel_that_the_old_one_lost_is_told_as_it_came() -> None:
    overlap = Overlap({BOOK: [row(1)]})
    overlap.told(BOOK, [row(2)])
    overlap.hold(BOOK, [row(100)], SNAPSHOT)
    overlap.hold(BOOK, [row(2)], PUSH)
    overlap.forget(BOOK)
    assert overlap.channels == set()
    assert released(overlap) == [100, 2]
    assert overlap.untold(BOOK, [row(2)]) == [row(2)]


def test_of_a_channel_that_is_dropped_nothing_is_told() -> None:
    overlap = Overlap({BOOK: [], ORDERS: []})
    overlap.hold(BOOK, [row(1)], PUSH)
    overlap.hold(ORDERS, [row(2)], PUSH)
    overlap.drop(BOOK)
    assert released(overlap) == [2]


def test_what_the_new_one_was_told_of_its_subscriptions() -> None:
    overlap = Overlap({BOOK: [], ORDERS: []})
    overlap.subscribed(BOOK)
    overlap.refused(ORDERS, "60018")
    assert overlap.standing == {BOOK}
    assert overlap.refusals == {ORDERS: "60018"}


def test_it_is_full_once_more_came_than_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_overlap, "_HELD_MAX", 2)
    monkeypatch.setattr(socket_overlap, "_TOLD_MAX", 2)
    for holds in (True, False):
        overlap = Overlap({BOOK: []})

        def fill(overlap: Overlap = overlap, *, holds: bool = holds) -> None:
            if holds:
                overlap.hold(BOOK, [row(1)], PUSH)
            else:
                overlap.told(BOOK, [row(1)])

        for _ in range(2):
            fill()
            assert not overlap.is_full
        fill()
        assert overlap.is_full


@given(
    begins=st.integers(0, 30),
    ends=st.integers(0, 30),
    told_late=st.integers(0, 30),
    held_late=st.integers(0, 30),
)
def test_each_row_is_told_once_and_in_order(
    begins: int, ends: int, told_late: int, held_late: int
) -> None:
    """Of 30 rows the old one brings those before `ends`, the new one those from `begins` on."""
    begins = min(begins, ends)
    overlap = Overlap({ORDERS: [row(0)]})
    told = [0, *range(1, ends)]
    came: list[tuple[int, bool, int]] = sorted(
        [(number + told_late, True, number) for number in range(1, ends)]
        + [(number + held_late, False, number) for number in range(begins, 30)]
    )
    switched = False
    new: list[int] = []
    for _, is_old, number in came:
        if is_old:
            overlap.told(ORDERS, [row(number)])
            if number == ends - 1:
                new += released(overlap)
                switched = True
        elif switched or ends <= 1:
            new += [int(each["n"]) for each in overlap.untold(ORDERS, [row(number)])]
        else:
            overlap.hold(ORDERS, [row(number)], PUSH)
    assert told + new == list(range(30)) or (ends == 0 and new == list(range(1, 30)))


def test_channels_are_named_by_what_both_carry() -> None:
    assert Overlap({Channel("status"): []}).channels == {Channel("status")}
