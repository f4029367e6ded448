"""Is a body read in the one way it can be read, or refused in words?"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_gateway.domain.errors import InvalidRequestError
from okx_gateway.edge.rest.strict_json import BODY_BYTES_MAX, parse_json, shown

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(10**30), max_value=10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_json_is_read_as_it_was_meant(value: object) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        (b"", "body", "must be JSON: Expecting value at line 1, column 1"),
        (b"{", "body", "must be JSON"),
        (b'{"a":1}x', "body", "must be JSON: Extra data at line 1, column 8"),
        (b"[1,]", "body", "must be JSON"),
        (b'{"a":"\x01"}', "body", "Invalid control character at line 1, column 7"),
        (b"\xef\xbb\xbf{}", "body", "must be JSON"),
        ("{}".encode("utf-16"), "body", "must be UTF-8; byte 0 is not"),
        (b'{"a":"\xff"}', "body", "must be UTF-8; byte 6 is not"),
        (b'{"a":"\xed\xa0\x80"}', "body", "must be UTF-8"),
        (b'{"a":1,"b":2,"a":3}', "a", "is given twice in one object"),
        (b'{"x":{"\\u0061":1,"a":1}}', "a", "is given twice in one object"),
        (b'{"\\ud800":1,"\\ud800":2}', "\\ud800", "is given twice in one object"),
        (b'{"a":NaN}', "body", "has no such number"),
        (b"-Infinity", "body", "has no such number"),
        (b"1e999", "body", "out of range"),
        (b"1" * 41, "body", "more than 40 characters"),
        (b"0." + b"1" * 40, "body", "more than 40 characters"),
        (b"[" * BODY_BYTES_MAX, "body", "nested too deeply"),
        (b'{"a":' * 10_000, "body", "nested too deeply"),
    ],
)
def test_what_can_be_read_in_two_ways_or_none_is_refused(
    body: bytes, field: str, words: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_json(body)
    (violation,) = caught.value.violations
    assert violation.field == field
    assert words in violation.description
    violation.value.encode()


def test_a_body_full_of_keys_is_refused_in_time() -> None:
    body = b"{" + b",".join(b'"%d":1' % number for number in range(6000)) + b',"5999":1}'
    with pytest.raises(InvalidRequestError, match="5999 is given twice"):
        parse_json(body)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": 1}, "an object"),
        ([1], "a list"),
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        ("x" * 64, "x" * 64),
        ("x" * 65, "x" * 64 + "..."),
        ("\ud800", "\\ud800"),
    ],
)
def test_values_are_shown_short_and_encodable(value: object, words: str) -> None:
    assert shown(value) == words


@given(st.binary(max_size=300))
def test_garbage_is_json_or_the_callers_error(body: bytes) -> None:
    try:
        parse_json(body)
    except InvalidRequestError as error:
        str(error).encode()
