"""With which words are channels subscribed, and which channel is a push of?  Pure.

Source: OKX docs v5, "WebSocket", "Subscribe" and the pages of the order operations.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import orjson

from okx_gateway.okx.channel import Channel, Push
from okx_gateway.okx.reply import Row

PING = "ping"
PONG = b"pong"
# One subscribe may carry 64 KB of arguments; this many stay far below it.
_ARGUMENTS_PER_FRAME = 200
# Words that a push repeats; it leaves others out, such as extraParams.
_REPEATED = ("instType", "instFamily", "ccy", "uly")
_ANY = "ANY"
_T = TypeVar("_T")


class UnreadableFrameError(ValueError):
    """A message is not what OKX sends: what was in it is lost."""


def read_message(raw: bytes) -> dict[str, Any]:
    """Read one message other than "pong".

    Raises:
        UnreadableFrameError: It is not a JSON object.
    """
    try:
        message = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise UnreadableFrameError("not JSON") from error
    if not isinstance(message, dict):
        raise UnreadableFrameError("not an object")
    return message


def read_push(message: Mapping[str, Any], receive_ms: int) -> tuple[list[Row], Push]:
    """Read the rows of a push that came at `receive_ms` of our wall clock.

    A row that OKX writes as a list, as of candles, has its places for names: "0" and so on.

    Raises:
        UnreadableFrameError: There is something else than rows.
    """
    rows = message.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict | list) for row in rows):
        raise UnreadableFrameError("data is not a list of rows")
    rows = [row if isinstance(row, dict) else _by_place(row) for row in rows]
    page = message.get("curPage")
    return rows, Push(
        receive_ms=receive_ms,
        action=_word(message.get("action")),
        event_type=_word(message.get("eventType")),
        page=page if isinstance(page, int) else 1,
        last_page=message.get("lastPage") is not False,
    )


def _by_place(row: Sequence[Any]) -> Row:
    return {str(place): value for place, value in enumerate(row)}


def channel_of_argument(argument: Mapping[str, Any]) -> Channel:
    """The channel that an acknowledgement repeats."""
    return Channel(
        _word(argument.get("channel")),
        tuple(sorted((k, str(v)) for k, v in argument.items() if k != "channel")),
    )


def request_frames(
    operation: str, channels: Sequence[Channel], request_ids: Iterator[str]
) -> Iterator[tuple[str, str, Sequence[Channel]]]:
    """Frames that subscribe or unsubscribe: the id of each, its text, its channels."""
    for start in range(0, len(channels), _ARGUMENTS_PER_FRAME):
        part = channels[start : start + _ARGUMENTS_PER_FRAME]
        request_id = next(request_ids)
        arguments = [{"channel": each.name, **dict(each.arguments)} for each in part]
        text = _text({"id": request_id, "op": operation, "args": arguments})
        yield request_id, text, part


def operation_frame(
    request_id: str, operation: str, arguments: Sequence[Row], expiry_ms: int | None
) -> str:
    """An operation that OKX drops after `expiry_ms` of its clock, where it heeds that."""
    frame: dict[str, Any] = {"id": request_id, "op": operation, "args": list(arguments)}
    if expiry_ms is not None:
        frame["expTime"] = str(expiry_ms)
    return _text(frame)


def names(quoted: str, channel: Channel) -> bool:
    """Whether the text of an error quotes `channel`, and not one whose words it only begins."""
    words = (channel.name, *(word for _, word in channel.arguments))
    return all(_stands_in(quoted, word) for word in words)


class Routes(Generic[_T]):
    """What belongs to each channel, found by the argument of a push."""

    def __init__(self) -> None:
        self._by_subject: dict[tuple[str, str], list[tuple[dict[str, str], _T]]] = {}

    def put(self, channel: Channel, value: _T) -> None:
        """Add what belongs to `channel`."""
        words = dict(channel.arguments)
        self._by_subject.setdefault((channel.name, words.get("instId", "")), []).append(
            (words, value)
        )

    def remove(self, channel: Channel) -> None:
        """Take out what belongs to `channel`."""
        words = dict(channel.arguments)
        key = (channel.name, words.get("instId", ""))
        left = [each for each in self._by_subject.get(key, []) if each[0] != words]
        if left:
            self._by_subject[key] = left
        else:
            self._by_subject.pop(key, None)

    def find(self, argument: Mapping[str, Any]) -> _T | None:
        """What belongs to the channel that the argument of a push is of."""
        name, subject = argument.get("channel"), argument.get("instId", "")
        if not isinstance(name, str) or not isinstance(subject, str):
            return None
        there = self._by_subject.get((name, subject)) or self._by_subject.get((name, ""), [])
        if len(there) == 1:
            words, value = there[0]
            return value if _fits(words, argument) else None
        close = [each for each in there if _fits(each[0], argument)]
        # Of a channel of all types and one of a single type the narrower is meant.
        close.sort(key=lambda each: _ANY in each[0].values() and _ANY not in argument.values())
        return close[0][1] if close else None


def _fits(words: Mapping[str, str], argument: Mapping[str, Any]) -> bool:
    return all(
        words[name] in (argument[name], _ANY)
        for name in _REPEATED
        if name in words and name in argument
    )


def _stands_in(quoted: str, word: str) -> bool:
    at = quoted.find(word)
    end = at + len(word)
    return at >= 0 and not (end < len(quoted) and (quoted[end].isalnum() or quoted[end] == "-"))


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _text(frame: Mapping[str, Any]) -> str:
    return orjson.dumps(frame).decode()
