from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_gateway.domain.errors import OverloadedError
from okx_gateway.usecases.call_room import CallRoom


def filled(room: CallRoom, *, placing: bool) -> int:
    """How many more there is room for; they are taken."""
    for count in range(10_000):
        try:
            room.take(placing=placing)
        except OverloadedError:
            return count
    raise AssertionError("there is no end")


@pytest.mark.parametrize(
    ("limit", "orders"), [(1, 1), (2, 1), (9, 8), (10, 9), (20, 18), (205, 185)]
)
def test_orders_get_all_but_a_tenth(limit: int, orders: int) -> None:
    room = CallRoom(limit)
    assert filled(room, placing=True) == orders
    assert filled(room, placing=False) == limit - orders


def test_what_is_not_placing_gets_everything() -> None:
    room = CallRoom(20)
    assert filled(room, placing=False) == 20
    assert filled(room, placing=True) == 0


def test_room_that_others_have_taken_is_not_kept_once_more() -> None:
    room = CallRoom(20)
    for _ in range(5):
        room.take(placing=False)
    assert filled(room, placing=True) == 15


def test_what_orders_leave_to_do_takes_no_room_that_is_kept() -> None:
    room = CallRoom(20)
    for _ in range(100):
        room.take_beyond()
    assert filled(room, placing=True) == 0
    assert filled(room, placing=False) == 2
    room.give_back(placing=False)
    assert filled(room, placing=False) == 1


def test_a_refusal_names_the_limit() -> None:
    room = CallRoom(10)
    filled(room, placing=True)
    with pytest.raises(OverloadedError) as orders:
        room.take(placing=True)
    filled(room, placing=False)
    with pytest.raises(OverloadedError) as calls:
        room.take(placing=False)
    assert (orders.value.metadata, calls.value.metadata) == ({"limit": "9"}, {"limit": "10"})


@given(st.integers(1, 40), st.lists(st.tuples(st.booleans(), st.booleans()), max_size=80))
def test_whatever_came_and_went_the_limit_holds_and_room_for_cancels_is_kept(
    limit: int, steps: list[tuple[bool, bool]]
) -> None:
    room, running = CallRoom(limit), {True: 0, False: 0}
    for placing, comes in steps:
        if comes:
            with suppress(OverloadedError):
                room.take(placing=placing)
                running[placing] += 1
        elif running[placing]:
            room.give_back(placing=placing)
            running[placing] -= 1
    kept = filled(CallRoom(limit), placing=False) - filled(CallRoom(limit), placing=True)
    left = limit - sum(running.values())
    assert left >= max(0, kept - running[False])
    assert filled(room, placing=False) == left
