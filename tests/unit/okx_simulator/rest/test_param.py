from decimal import Decimal
from typing import Any

import pytest

from okx_simulator.error_code import RefusedError
from okx_simulator.rest.param import amount, choice, flag, integer, required, text_of, words


def code_of(read: Any, *args: Any) -> str:
    with pytest.raises(RefusedError) as refused:
        read(*args)
    return refused.value.code


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), ("", ""), (" a ", "a"), (1, "1"), (0.5, "0.5"), (True, "true"), (False, "false")],
)
def test_scalars_are_text(value: Any, text: str) -> None:
    assert text_of({"a": value}, "a") == text
    assert text_of({}, "a") == ""


def test_lists_and_objects_are_not() -> None:
    assert code_of(text_of, {"a": []}, "a") == code_of(text_of, {"a": {}}, "a") == "51000"


def test_required_fields_are_there() -> None:
    assert required({"a": "x"}, "a") == "x"
    assert code_of(required, {"a": ""}, "a") == "50014"


def test_a_choice_is_one_of_those_allowed() -> None:
    assert choice({"a": "x"}, "a", ("x", "y")) == "x"
    assert choice({"a": ""}, "a", ("x", "y"), "y") == "y"
    assert code_of(choice, {"a": "z"}, "a", ("x",)) == "51000"
    assert code_of(choice, {}, "a", ("x",)) == "50014"


def test_flags_come_as_booleans_or_words() -> None:
    assert [flag({"a": value}, "a") for value in (True, "true", "TRUE", False, "false", "")] == [
        *(True, True, True, False, False, False),
    ]
    assert code_of(flag, {"a": "1"}, "a") == "51000"


def test_amounts_are_positive() -> None:
    assert amount({"a": "0.50"}, "a") == Decimal("0.5")
    assert amount({"a": 2}, "a") == 2
    assert amount({}, "a") is None
    for wrong in ("0", "-1", "1e3", "x"):
        assert code_of(amount, {"a": wrong}, "a") == "51000"


def test_integers_have_bounds() -> None:
    assert integer({"a": "5"}, "a", 1, 0, 9) == 5
    assert integer({"a": ""}, "a", 1, 0, 9) == 1
    for wrong in ("10", "-1", "x", "1.5", "٣"):
        assert code_of(integer, {"a": wrong}, "a", 1, 0, 9) == "51000"


def test_words_are_counted() -> None:
    assert words({"a": "BTC, ETH,"}, "a", 2) == ("BTC", "ETH")
    assert words({}, "a", 2) == ()
    assert code_of(words, {"a": "1,2,3"}, "a", 2) == "50025"
