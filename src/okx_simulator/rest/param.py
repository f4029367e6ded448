"""What did the caller write in a field of a request? Pure.

OKX takes numbers and booleans for text and the reverse, and clients rely on it: python-okx sends
"" for every field it has no value for, and others send sizes as JSON numbers.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from okx_simulator.error_code import RefusedError
from okx_simulator.number import parse

Params: TypeAlias = Mapping[str, Any]


def text_of(params: Params, name: str) -> str:
    """Return the field as text, "" where it is absent or null.

    Raises:
        RefusedError: 51000, it is a list or an object.
    """
    value = params.get(name)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float | Decimal):
        return str(value).strip()
    raise RefusedError("51000", name)


def required(params: Params, name: str) -> str:
    """Return the field as text.

    Raises:
        RefusedError: 50014, it is absent or empty.
    """
    value = text_of(params, name)
    if not value:
        raise RefusedError("50014", name)
    return value


def choice(params: Params, name: str, allowed: tuple[str, ...], default: str = "") -> str:
    """Return the field, or `default` where it is empty.

    Raises:
        RefusedError: 51000, it is none of `allowed`; 50014, it is empty and has no default.
    """
    value = text_of(params, name) or default
    if not value:
        raise RefusedError("50014", name)
    if value not in allowed:
        raise RefusedError("51000", name)
    return value


def flag(params: Params, name: str) -> bool:
    """Return the field as a boolean, False where it is empty.

    Raises:
        RefusedError: 51000, it is neither true nor false.
    """
    value = text_of(params, name).lower()
    if value not in ("", "true", "false"):
        raise RefusedError("51000", name)
    return value == "true"


def amount(params: Params, name: str) -> Decimal | None:
    """Return the field as a number greater than zero, None where it is empty.

    Raises:
        RefusedError: 51000, it is not such a number.
    """
    value = text_of(params, name)
    if not value:
        return None
    number = parse(value)
    if number is None or number <= 0:
        raise RefusedError("51000", name)
    return number


def integer(params: Params, name: str, default: int, lowest: int, highest: int) -> int:
    """Return the field as an integer within bounds, `default` where it is empty.

    Raises:
        RefusedError: 51000, it is not an integer or out of bounds.
    """
    value = text_of(params, name)
    if not value:
        return default
    digits = value.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or not lowest <= int(value) <= highest:
        raise RefusedError("51000", name)
    return int(value)


def words(params: Params, name: str, count_max: int) -> tuple[str, ...]:
    """Return the comma separated words of the field.

    Raises:
        RefusedError: 50025, there are more than `count_max`.
    """
    found = tuple(word.strip() for word in text_of(params, name).split(",") if word.strip())
    if len(found) > count_max:
        raise RefusedError("50025", name, count_max)
    return found
