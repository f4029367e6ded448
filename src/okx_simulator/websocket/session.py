"""What does one WebSocket answer to what its client says?

Pure: messages in, frames and orders to close out; who owns the socket sends and closes.

Source: OKX docs, 'WebSocket'.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from okx_simulator.check import Identity, Keys, LoginRefusedError, check_login
from okx_simulator.check import Login as LoginWords
from okx_simulator.error_code import RefusedError
from okx_simulator.limit.table import CONNECTION_REQUESTS_MAX, CONNECTION_REQUESTS_WINDOW_US
from okx_simulator.limit.window import SlidingWindow
from okx_simulator.websocket.channel import (
    Channel,
    ChannelError,
    Listed,
    Subject,
    Url,
    check_argument,
)
from okx_simulator.websocket.connection_count import CONNECTIONS_MAX, ConnectionCounts
from okx_simulator.websocket.error import CloseCode, error_event, text_of
from okx_simulator.websocket.message import Login, Malformed, Operation, Subscribe

Frame = dict[str, Any]

# Bounds what one socket can make the simulator remember; OKX publishes no figure.
SUBSCRIPTIONS_MAX = 1000
_ARG_WORDS = ("instType", "instFamily", "instId", "ccy", "extraParams")


@dataclass(frozen=True, slots=True)
class Subscription:
    """One channel with the words it was narrowed by; `uid` is the account of a private one.

    Equal subscriptions are the same one, however their other words differ.
    """

    channel: Channel
    uid: str
    words: tuple[tuple[str, str], ...]

    @property
    def arg(self) -> dict[str, str]:
        """The `arg` of its pushes."""
        named = {"channel": self.channel.name} | {n: w for n, w in self.words if n in _PUSHED_WORDS}
        return named | ({"uid": self.uid} if self.uid else {})

    @property
    def subject(self) -> str:
        """The instrument, index or type of instruments that a public channel is about."""
        name = "instType" if self.channel.subject is Subject.INSTRUMENT_TYPE else "instId"
        return self.word(name) if self.channel.subject else ""

    def word(self, name: str) -> str:
        """Return a word of the argument; empty where it has none."""
        return dict(self.words).get(name, "")


_PUSHED_WORDS = frozenset({"instType", "instFamily", "instId", "ccy"})


@dataclass(slots=True)
class Step:
    """What a message leads to: frames to send in order, subscriptions that begin or end.

    Each of `begun` comes with how many of `frames` go before its first push.
    """

    frames: list[Frame] = field(default_factory=list)
    begun: list[tuple[int, Subscription]] = field(default_factory=list)
    ended: list[Subscription] = field(default_factory=list)
    close: CloseCode | None = None


class Session:
    """One socket: its URL, who logged in on it, and what it is subscribed to.

    `is_demo` says that the client asked for demo trading while connecting.
    """

    def __init__(self, url: Url, connection: str, ip: str, *, is_demo: bool) -> None:
        self.url = url
        self.connection = connection
        self.ip = ip
        self.is_demo = is_demo
        self.identity: Identity | None = None
        self.subscriptions: dict[Subscription, None] = {}
        self._requests = SlidingWindow(CONNECTION_REQUESTS_MAX, CONNECTION_REQUESTS_WINDOW_US)

    @property
    def uid(self) -> str:
        """The account that is logged in; empty before that."""
        return self.identity.uid if self.identity else ""

    def is_by(self, key: str) -> bool:
        """Whether this API key is logged in."""
        return self.identity is not None and self.identity.key.key == key

    def refuse(self, code: str, request_id: str = "", *fill: object) -> Step:
        """Return the error event of a code."""
        return Step([error_event(code, text_of(code, *fill), request_id, self.connection)])

    def malformed(self, message: Malformed, now_us: int) -> Step:
        """Answer what cannot be read; an order operation in its own shape."""
        if message.op:
            return Step(
                [
                    {
                        "id": message.request_id,
                        "op": message.op,
                        "code": message.code,
                        "msg": message.message,
                        "data": [],
                        "inTime": str(now_us),
                        "outTime": str(now_us),
                    }
                ]
            )
        event = error_event(message.code, message.message, message.request_id, self.connection)
        return Step([event])

    def login(self, message: Login, keys: Keys, *, arrived_us: int, now_us: int) -> Step:
        """Log in. `arrived_us` is the true time, which limits count by; `now_us` OKX's clock."""
        if self._is_too_frequent(arrived_us):
            return self.refuse("60014")
        if self.identity is not None:
            return self.refuse("60031")
        try:
            identity = check_login(_login_words(message.arg, self.ip), keys, now_us)
        except (LoginRefusedError, RefusedError) as refusal:
            event = error_event(refusal.code, refusal.message, "", self.connection)
            return Step([event], close=CloseCode.LOGIN_FAILED)
        if self.is_demo and not identity.key.demo:
            return replace(self.refuse("50101"), close=CloseCode.LOGIN_FAILED)
        self.identity = identity
        return Step([{"event": "login", "code": "0", "msg": "", "connId": self.connection}])

    def subscribe(
        self, message: Subscribe, listed: Listed, counts: ConnectionCounts, arrived_us: int
    ) -> Step:
        """Begin or end subscriptions; one acknowledgement or error per argument, in order."""
        if self._is_too_frequent(arrived_us):
            return self.refuse("60014", message.request_id)
        step = Step()
        for arg in message.args:
            try:
                channel = check_argument(arg, self.url, self.uid, listed)
            except ChannelError as refusal:
                step.frames.append(
                    error_event(refusal.code, refusal.message, message.request_id, self.connection)
                )
                continue
            subscription = Subscription(
                channel, self.uid if channel.is_private else "", _words(arg)
            )
            step.frames.append(self._acknowledgement(message, arg))
            if message.ends:
                self._end(subscription, counts, step)
            else:
                self._begin(subscription, counts, step)
        return step

    def refuse_operation(self, message: Operation) -> Step | None:
        """Return the error of an order operation that this socket may not send, else None."""
        if self.url is not Url.PRIVATE:
            return self.refuse("60028", message.request_id)
        if self.identity is None:
            return self.refuse("60011", message.request_id)
        return None

    def leave(self, counts: ConnectionCounts) -> None:
        """Give back the places this socket takes in the counts of connections."""
        for subscription in self.subscriptions:
            counts.leave(subscription.channel.name, subscription.uid, self.connection)

    def _begin(self, subscription: Subscription, counts: ConnectionCounts, step: Step) -> None:
        if len(self.subscriptions) >= SUBSCRIPTIONS_MAX and subscription not in self.subscriptions:
            step.close = CloseCode.TOO_MANY_CHANNELS
            return
        channel = subscription.channel
        if channel.is_counted:
            count = counts.join(channel.name, subscription.uid, self.connection)
            step.frames.append(self._count_event(channel, count))
            if count is None:
                return
        self.subscriptions[subscription] = None
        step.begun.append((len(step.frames), subscription))

    def _end(self, subscription: Subscription, counts: ConnectionCounts, step: Step) -> None:
        if self.subscriptions.pop(subscription, 0) is None:
            step.ended.append(subscription)
        channel = subscription.channel
        if not any(other.channel is channel for other in self.subscriptions):
            counts.leave(channel.name, subscription.uid, self.connection)

    def _acknowledgement(self, message: Subscribe, arg: Mapping[str, Any]) -> Frame:
        named = {"id": message.request_id} if message.request_id else {}
        event = "unsubscribe" if message.ends else "subscribe"
        return {**named, "event": event, "arg": dict(arg), "connId": self.connection}

    def _count_event(self, channel: Channel, count: int | None) -> Frame:
        return {
            "event": "channel-conn-count" if count else "channel-conn-count-error",
            "channel": channel.name,
            "connCount": str(count or CONNECTIONS_MAX),
            "connId": self.connection,
        }

    def _is_too_frequent(self, arrived_us: int) -> bool:
        fits = self._requests.has_room(arrived_us)
        self._requests.count(arrived_us, keep=True)
        return not fits


def _login_words(arg: Mapping[str, Any], ip: str) -> LoginWords:
    # python-okx sends the timestamp as a number, and OKX takes it.
    return LoginWords(
        api_key=str(arg.get("apiKey", "")),
        passphrase=str(arg.get("passphrase", "")),
        timestamp=str(arg.get("timestamp", "")),
        sign=str(arg.get("sign", "")),
        remote_ip=ip,
    )


def _words(arg: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(arg[name])) for name in _ARG_WORDS if arg.get(name))
