from hypothesis import given
from hypothesis import strategies as st

from okx_simulator.ids import Ids

NOW_MS = 1_795_348_800_000


@given(st.lists(st.integers(-10, 10), min_size=2))
def test_ids_grow_whatever_the_clock_does(shifts_ms: list[int]) -> None:
    ids = Ids()
    made = [ids.next(NOW_MS + shift_ms) for shift_ms in shifts_ms]
    assert made == sorted(set(made))
    assert all(len(str(one)) == 18 for one in made)
