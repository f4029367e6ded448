"""What does a JSON body say, where it says it in one way only?  Pure.

Stricter than most parsers, as an order must not depend on which of two keys a parser takes.
"""

import json
from collections import Counter
from typing import Any, Never

from okx_gateway.domain.errors import InvalidRequestError, Violation

BODY_BYTES_MAX = 65_536
_NUMBER_LENGTH_MAX = 40  # characters; no field of the API takes more
_SHOWN_LENGTH_MAX = 64
BODY = "body"


def parse_json(body: bytes) -> Any:
    """Read one JSON document in UTF-8.

    Raises:
        InvalidRequestError: Not UTF-8, not JSON, a key twice in one object, NaN or Infinity, a
            number of more than 40 characters, or nested deeper than the interpreter's stack.
    """
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        _refuse(f"must be UTF-8; byte {error.start} is not")
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        _refuse(
            f"must be JSON: {what} at line {error.lineno}, column {error.colno}",
            shown(error.doc[error.pos :]),
        )
    except RecursionError:
        _refuse("is nested too deeply")


def shown(value: object) -> str:
    """Name a JSON value in an error: short, encodable, never the inside of a container."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = value if isinstance(value, str) else json.dumps(value)
    # A lone surrogate, which JSON can escape but UTF-8 cannot hold, would spoil the error itself.
    start = text[:_SHOWN_LENGTH_MAX].encode("utf-8", "backslashreplace").decode("utf-8")
    return start if len(text) <= _SHOWN_LENGTH_MAX else f"{start}..."


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = max(counts, key=counts.__getitem__)
        raise InvalidRequestError([Violation(shown(twice), "is given twice in one object")])
    return members


def _integer(text: str) -> int:
    _check_length(text)
    return int(text)


def _float(text: str) -> float:
    _check_length(text)
    number = float(text)
    if number in (float("inf"), float("-inf")):
        _refuse("has a number that is out of range", text)
    return number


def _check_length(text: str) -> None:
    if len(text) > _NUMBER_LENGTH_MAX:
        _refuse(f"has a number of more than {_NUMBER_LENGTH_MAX} characters", shown(text))


def _constant(text: str) -> Never:
    _refuse("must be JSON, which has no such number", text)


def _refuse(description: str, value: str = "") -> Never:
    raise InvalidRequestError([Violation(BODY, description, value)])


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)
