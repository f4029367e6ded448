from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_gateway.domain.money import amount_from_text, is_multiple, sum_of, text_from_amount

ASCII_DIGITS = frozenset("0123456789")
amounts = st.decimals(
    min_value=0, max_value=10**18 - 1, places=18, allow_nan=False, allow_infinity=False
)


def is_plain(text: str) -> bool:
    """The stated grammar, read off without a regex."""
    whole, point, fraction = text.partition(".")
    if not 1 <= len(whole) <= 18 or not set(whole) <= ASCII_DIGITS:
        return False
    if len(whole) > 1 and whole[0] == "0":
        return False
    return not point or (1 <= len(fraction) <= 18 and set(fraction) <= ASCII_DIGITS)


@given(
    st.one_of(
        st.text(alphabet="0123456789.", max_size=42),
        st.text(alphabet="0129.+-eE_, \n\t\u0663\uff11\u00bdNaInfity", max_size=12),
        st.text(max_size=8),
        st.decimals().map(str),
        st.floats().map(repr),
    )
)
def test_text_is_taken_exactly_where_the_grammar_takes_it(text: str) -> None:
    if is_plain(text):
        assert amount_from_text(text) == Decimal(text)
    else:
        with pytest.raises(ValueError, match="not a plain decimal"):
            amount_from_text(text)


@pytest.mark.parametrize("text", ["0", "12", "0.5", "12.50", "9" * 18 + "." + "9" * 18])
def test_plain_text_is_taken(text: str) -> None:
    assert amount_from_text(text) == Decimal(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "1e-9", "1E9", "NaN", "sNaN", "Infinity", "inf", "-0", "-1", "+1", "1_000"),
        *("1,000", ".5", "5.", "1.2.3", "01", "00", "0x1", " 1", "1 ", "1\n", "1.5\n", "1\x00"),
        "\u0663",  # Arabic-Indic three
        "\uff11",  # full-width one
        "1.\u0663",
        "\u00b2",
        "9" * 19,
        "0." + "1" * 19,
        "9" * 10_000,
        "1." + "0" * 10_000,
    ],
)
def test_everything_else_is_refused_and_quoted_briefly(text: str) -> None:
    with pytest.raises(ValueError, match="not a plain decimal") as refused:
        amount_from_text(text)
    assert len(str(refused.value)) < 200


@given(amounts)
def test_an_amount_survives_being_written_and_read(amount: Decimal) -> None:
    text = text_from_amount(amount)
    assert is_plain(text)
    assert amount_from_text(text) == amount


@given(amounts)
def test_the_shortest_text_is_written(amount: Decimal) -> None:
    text = text_from_amount(amount)
    assert text == "0" or not text.startswith("00")
    assert "." not in text or text[-1] not in "0."


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Decimal("1E-9"), "0.000000001"),
        (Decimal("1E+5"), "100000"),
        (Decimal("12.500"), "12.5"),
        (Decimal("0E-8"), "0"),
        (Decimal("-0"), "0"),
        (Decimal("999999999999999999.999999999999999999"), "9" * 18 + "." + "9" * 18),
    ],
)
def test_no_exponent_is_ever_written(amount: Decimal, text: str) -> None:
    assert text_from_amount(amount) == text


@given(st.integers(0, 10**20), st.integers(1, 10**12), st.integers(0, 12))
def test_multiples_are_exact(count: int, step_units: int, places: int) -> None:
    # Of text, which is exact: arithmetic would round what is longer than 28 digits.
    step = Decimal(f"{step_units}E-{places}")
    units = count * step_units
    assert is_multiple(Decimal(f"{units}E-{places}"), step)
    assert is_multiple(Decimal(f"{units + 1}E-{places}"), step) is (step_units == 1)


def test_a_step_of_zero_allows_every_amount() -> None:
    assert is_multiple(Decimal("0.123"), Decimal(0))


@given(st.lists(amounts, max_size=5))
def test_sums_are_exact(terms: list[Decimal]) -> None:
    assert Fraction(sum_of(terms)) == sum(map(Fraction, terms))
