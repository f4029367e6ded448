"""What does a client say with a text frame?

Pure: text in, one message out.

Source: OKX docs, 'WebSocket' (login, subscribe, unsubscribe, ping) and the pages of the order
operations.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from okx_simulator.limit.table import PATH_BY_OPERATION
from okx_simulator.websocket.error import text_of

_ID_LENGTH_MAX = 32
# What a client sent is quoted in the error, but not at any length.
_QUOTED_LENGTH_MAX = 1000


@dataclass(frozen=True, slots=True)
class Ping:
    """The text "ping", which is no JSON."""


@dataclass(frozen=True, slots=True)
class Login:
    """A login with the one argument it may have, as it was written."""

    arg: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Subscribe:
    """A subscription to, or (`ends`) the end of one to, some channels."""

    request_id: str
    args: tuple[Mapping[str, Any], ...]
    ends: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """An order operation; `exp_time` is milliseconds since the epoch as text, or empty."""

    request_id: str
    op: str
    args: tuple[Mapping[str, Any], ...]
    exp_time: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """What OKX cannot read; `op` is that of an order operation, else empty."""

    request_id: str
    code: str
    message: str
    op: str = ""


Message: TypeAlias = Ping | Login | Subscribe | Operation | Malformed


def read_message(text: str) -> Message:
    """Return what a text frame says."""
    if text == "ping":
        return Ping()
    try:
        frame = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _invalid(text)
    if not isinstance(frame, dict) or not isinstance(frame.get("op"), str):
        return _invalid(text)
    request_id = _request_id(frame.get("id"))
    if request_id is None:
        return _invalid(text)
    args = _objects(frame.get("args"))
    if frame["op"] in PATH_BY_OPERATION:
        return _operation(frame, request_id, args)
    return _connection_request(frame["op"], request_id, args, text)


def _operation(
    frame: Mapping[str, Any], request_id: str, args: tuple[Mapping[str, Any], ...]
) -> Operation | Malformed:
    op = str(frame["op"])
    is_batch = op.startswith("batch-")
    # OKX demands an id of order operations; without it an answer could not be told apart.
    if not request_id or not args or (len(args) > 1 and not is_batch):
        return Malformed(request_id, "60013", text_of("60013"), op)
    return Operation(request_id, op, args, str(frame.get("expTime") or ""))


def _connection_request(
    op: str, request_id: str, args: tuple[Mapping[str, Any], ...], text: str
) -> Login | Subscribe | Malformed:
    if op not in ("login", "subscribe", "unsubscribe"):
        return Malformed(request_id, "60019", text_of("60019", op[:_ID_LENGTH_MAX]))
    if op == "login" and len(args) == 1:
        return Login(args[0])
    if op == "login" or not args:
        return _invalid(text, request_id)
    return Subscribe(request_id, args, ends=op == "unsubscribe")


def _objects(args: object) -> tuple[Mapping[str, Any], ...]:
    """Return the args if they are a list of objects, else nothing."""
    if isinstance(args, list) and all(isinstance(arg, dict) for arg in args):
        return tuple(args)
    return ()


def _request_id(written: object) -> str | None:
    """Return the id as text, empty where there is none, None where it is malformed."""
    if written is None or written == "":
        return ""
    if isinstance(written, bool) or not isinstance(written, str | int):
        return None
    spelled = str(written)
    is_good = len(spelled) <= _ID_LENGTH_MAX and spelled.isascii() and spelled.isalnum()
    return spelled if is_good else None


def _invalid(text: str, request_id: str = "") -> Malformed:
    # A login is not quoted: it holds a passphrase.
    quoted = "" if "passphrase" in text else text[:_QUOTED_LENGTH_MAX]
    return Malformed(request_id, "60012", text_of("60012", quoted))
