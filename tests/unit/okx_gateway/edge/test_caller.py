import pytest

from okx_gateway.domain.errors import InvalidRequestError
from okx_gateway.edge.caller import UNNAMED, believed_name, caller_name


def test_a_caller_has_the_name_that_it_gives_itself() -> None:
    assert caller_name([("traceparent", "00"), ("x-caller", "desk-7")]) == "desk-7"
    assert caller_name([(b"accept", b"*/*"), (b"x-caller", b"a" * 32)]) == "a" * 32


def test_all_who_give_no_name_are_one_caller() -> None:
    assert caller_name([]) == caller_name([(b"x-callers", b"a")]) == UNNAMED


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Desk",
        "7desk",
        "-a",
        "a b",
        "a_b",
        "a,b",
        "a\n",
        "a" * 33,
        "d\u00e9sk",
        "(gateway)",
        "*",
    ],
)
def test_a_name_of_another_form_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        caller_name([(b"x-caller", name.encode())])
    [violation] = refused.value.violations
    assert violation.field == "x-caller"


def test_two_names_are_refused_even_where_they_are_equal() -> None:
    with pytest.raises(InvalidRequestError, match=r"must be one name of .*'a, a'"):
        caller_name([("x-caller", "a"), ("x-caller", "a")])


def test_a_long_name_is_told_cut() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        caller_name([("x-caller", "A" * 4_000)])
    assert refused.value.violations[0].value == "A" * 64


async def test_without_a_file_of_identities_the_name_is_believed() -> None:
    assert await believed_name([("x-caller", "desk-7")], b"a certificate") == "desk-7"
    assert await believed_name([("authorization", "Bearer x")], None) == UNNAMED
