"""What does the body of an OKX reply say?  Pure.

OKX wraps everything as `{"code": "0", "msg": "", "data": [...]}`; `code` has been seen as a number
and `data` has been seen missing. Source: OKX docs v5, "Overview" and "Error Code".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]


class UnreadableReplyError(ValueError):
    """The body is not what OKX answers; it proves nothing."""


@dataclass(frozen=True, slots=True)
class RawReply:
    """An HTTP answer as it came, with the monotonic times in seconds around the request."""

    status: int
    body: bytes
    sent_s: float
    received_s: float


@dataclass(frozen=True, slots=True)
class Reply:
    """A parsed envelope; times are microseconds of OKX's clock, None where it gave none."""

    code: str
    message: str
    rows: tuple[Row, ...]
    receive_us: int | None
    send_us: int | None


def parse_reply(body: bytes) -> Reply:
    """Read an envelope strictly: a reply that is odd in any way must not be believed.

    Raises:
        UnreadableReplyError: Not JSON, a repeated key, or values of unexpected types.
    """
    try:
        envelope = json.loads(
            body, object_pairs_hook=_without_repeats, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:
        raise UnreadableReplyError(str(error)) from None
    if not isinstance(envelope, dict):
        raise UnreadableReplyError("not an object")
    code = envelope.get("code")
    rows = envelope.get("data", [])
    if isinstance(code, bool) or not isinstance(code, str | int):
        raise UnreadableReplyError("no code")
    if isinstance(rows, dict) and not rows:
        rows = []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UnreadableReplyError("data is not a list of objects")
    message = envelope.get("msg", "")
    return Reply(
        code=str(code),
        message=message if isinstance(message, str) else "",
        rows=tuple(rows),
        receive_us=_optional_int(envelope.get("inTime")),
        send_us=_optional_int(envelope.get("outTime")),
    )


def text(row: Row, key: str) -> str:
    """The text under `key`, empty where it is missing.

    Raises:
        UnreadableReplyError: There is something else than text.
    """
    value = row.get(key, "")
    if not isinstance(value, str):
        raise UnreadableReplyError(f"{key} is not text")
    return value


def milliseconds(row: Row, key: str) -> int:
    """The time in ms under `key`, 0 where OKX gives none.

    Raises:
        UnreadableReplyError: There is something else than a time in ms.
    """
    value = text(row, key)
    if not value:
        return 0
    if not (value.isascii() and value.isdigit() and len(value) <= 16):
        raise UnreadableReplyError(f"{key} is not a time")
    return int(value)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UnreadableReplyError("a key is repeated")
    return found


def _refuse_constant(name: str) -> Any:
    raise UnreadableReplyError(f"{name} is not JSON")


def _optional_int(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        return int(value)
    return None
