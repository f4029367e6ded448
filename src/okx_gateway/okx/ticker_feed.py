"""What is said on a public WebSocket that carries tickers?  Pure: text in, events and text out.

The shell that holds the socket calls `connected`, `received` and `silent`, sends what `to_send`
gives, and hands the events on. Source: OKX docs v5, "Overview / WebSocket" and "Tickers channel".
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from okx_gateway.domain.ticker import Ticker
from okx_gateway.okx.reply import UnreadableReplyError
from okx_gateway.okx.ticker_codec import ticker_from_row

# The only frame that OKX does not count.
PING = "ping"
_CHANNEL = "tickers"
# One subscribe may carry 64 KB of arguments; this many stay far below it.
_ARGUMENTS_PER_FRAME = 200
_NOTICE_OF_CLOSING = "64008"


@dataclass(frozen=True, slots=True)
class SubscriptionRefused:
    """OKX will send no tickers of this instrument; `code` is its own."""

    instrument: str
    code: str


@dataclass(frozen=True, slots=True)
class ClosingSoon:
    """OKX will close this connection within a minute: connect anew."""


FeedEvent = Ticker | SubscriptionRefused | ClosingSoon


class TickerFeed:
    """The wanted instruments, and the conversation that gets their tickers."""

    def __init__(self) -> None:
        self._wanted: set[str] = set()
        self._asked: set[str] = set()
        self._refused: set[str] = set()
        self._connected = False
        self._outgoing: list[str] = []

    @property
    def wanted(self) -> frozenset[str]:
        """Instruments whose tickers are wanted."""
        return frozenset(self._wanted)

    def want(self, instruments: Iterable[str]) -> None:
        """Subscribe these too; takes effect with the next `to_send`."""
        self._wanted.update(instruments)

    def drop(self, instruments: Iterable[str]) -> None:
        """Unsubscribe these; takes effect with the next `to_send`."""
        self._wanted.difference_update(instruments)
        self._refused.difference_update(instruments)

    def connected(self) -> None:
        """Begin a new conversation: everything wanted is asked for again."""
        self._connected = True
        self._asked.clear()
        self._refused.clear()
        self._outgoing.clear()

    def disconnected(self) -> None:
        """End the conversation; nothing is sent until the next one."""
        self._connected = False

    def silent(self) -> None:
        """Nothing came for a while: ask whether OKX is there."""
        self._outgoing.append(PING)

    def to_send(self) -> list[str]:
        """Frames to write now."""
        if not self._connected:
            return []
        frames, self._outgoing = self._outgoing, []
        new = sorted(self._wanted - self._asked - self._refused)
        old = sorted(self._asked - self._wanted)
        frames.extend(_frames("subscribe", new))
        frames.extend(_frames("unsubscribe", old))
        self._asked = (self._asked | set(new)) - set(old)
        return frames

    def received(self, text: str, *, receive_ms: int) -> list[FeedEvent]:
        """Take one text frame. What cannot be read is passed over: the next ticker mends it."""
        if text == "pong":
            return []
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            return []
        if not isinstance(message, dict):
            return []
        if "event" in message:
            return self._on_event(message)
        return self._on_push(message, receive_ms)

    def _on_push(self, message: dict[str, object], receive_ms: int) -> list[FeedEvent]:
        argument, rows = message.get("arg"), message.get("data")
        if not isinstance(argument, dict) or argument.get("channel") != _CHANNEL:
            return []
        tickers: list[FeedEvent] = []
        for row in rows if isinstance(rows, list) else []:
            try:
                ticker = ticker_from_row(row, receive_ms=receive_ms)
            except (UnreadableReplyError, AttributeError):
                continue
            if ticker.instrument in self._wanted:
                tickers.append(ticker)
        return tickers

    def _on_event(self, message: dict[str, object]) -> list[FeedEvent]:
        code = str(message.get("code", ""))
        if message["event"] == "notice" and code == _NOTICE_OF_CLOSING:
            return [ClosingSoon()]
        if message["event"] != "error":
            return []
        # The text of an error quotes the argument that it is about.
        quoted = str(message.get("msg", ""))
        refused = [name for name in sorted(self._asked) if _names(quoted, name)]
        self._asked.difference_update(refused)
        self._refused.update(refused)
        return [SubscriptionRefused(name, code) for name in refused]


def _frames(operation: str, instruments: list[str]) -> Iterable[str]:
    for start in range(0, len(instruments), _ARGUMENTS_PER_FRAME):
        part = instruments[start : start + _ARGUMENTS_PER_FRAME]
        arguments = [{"channel": _CHANNEL, "instId": name} for name in part]
        yield json.dumps({"op": operation, "args": arguments}, separators=(",", ":"))


def _names(quoted: str, instrument: str) -> bool:
    """Whether an error text is about `instrument`, and not about one whose id it begins."""
    at = quoted.find(instrument)
    end = at + len(instrument)
    return at >= 0 and not (end < len(quoted) and (quoted[end].isalnum() or quoted[end] == "-"))
