import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_simulator.error_code import RefusedError
from okx_simulator.rest.paging import page

NEWEST_FIRST = list(range(300, 0, -1))


def read(**params: str) -> list[int]:
    return page(NEWEST_FIRST, params, int)


def test_a_page_is_the_newest_hundred() -> None:
    assert read() == NEWEST_FIRST[:100]
    assert read(limit="2") == [300, 299]
    assert read(limit="5000") == NEWEST_FIRST[:100]


def test_cursors_are_left_out() -> None:
    assert read(after="299", limit="2") == [298, 297]
    assert read(before="298") == [300, 299]
    assert read(before="100", limit="2") == [300, 299]
    assert read(after="105", before="100") == [104, 103, 102, 101]


def test_begin_and_end_are_times() -> None:
    found = page(NEWEST_FIRST, {"begin": "1000", "end": "1002"}, int, time_ms=lambda one: one + 900)
    assert found == [102, 101, 100]
    assert page(NEWEST_FIRST, {"begin": "1000"}, int) == NEWEST_FIRST[:100]


@given(st.lists(st.integers(1, 10_000), unique=True), st.integers(1, 100))
def test_pages_in_turn_hold_everything_once(numbers: list[int], limit: int) -> None:
    newest_first = sorted(numbers, reverse=True)
    found: list[int] = []
    params = {"limit": str(limit)}
    while chosen := page(newest_first, params, int):
        found += chosen
        params["after"] = str(chosen[-1])
    assert found == newest_first


@pytest.mark.parametrize("params", [{"limit": "0"}, {"limit": "x"}, {"after": "x"}, {"end": "-1"}])
def test_what_is_no_number_is_refused(params: dict[str, str]) -> None:
    with pytest.raises(RefusedError, match="51000"):
        read(**params)
