from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_simulator.number import ceil_to, floor_to, is_multiple, parse, rounded, text

STEPS = st.sampled_from([Decimal(step) for step in ("0.00000001", "0.1", "0.05", "1", "10")])
NUMBERS = st.decimals(min_value=0, max_value=10**9, places=8)


@pytest.mark.parametrize(
    ("number", "written"),
    [
        ("0.00100000", "0.001"),
        ("100", "100"),
        ("1E+3", "1000"),
        ("1E-8", "0.00000001"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("-1.50", "-1.5"),
        ("0.12345678901234567890", "0.1234567890123457"),
    ],
)
def test_text_is_plain(number: str, written: str) -> None:
    assert text(Decimal(number)) == written


@given(NUMBERS)
def test_text_reads_back(number: Decimal) -> None:
    assert parse(text(number)) == number


@pytest.mark.parametrize("raw", ["", " 1", "1 ", "1e5", "+1", ".5", "1.", "NaN", "1,5", "0x1", "٣"])
def test_only_plain_notation_is_read(raw: str) -> None:
    assert parse(raw) is None


@given(NUMBERS, STEPS)
def test_floor_and_ceil_lie_on_the_grid_around(number: Decimal, step: Decimal) -> None:
    below, above = floor_to(number, step), ceil_to(number, step)
    assert is_multiple(below, step)
    assert is_multiple(above, step)
    assert below <= number <= above
    assert above - below <= step


def test_rounded_is_never_nothing() -> None:
    assert rounded(0.0, Decimal("0.1")) == Decimal("0.1")
    assert rounded(12.34, Decimal("0.1")) == Decimal("12.3")
