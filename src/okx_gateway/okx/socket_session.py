"""What is said over one WebSocket to OKX, and what does it mean?

Pure: text in, events and text out, and every time is passed in: of our monotonic clock, in seconds.
The shell hands over what comes, calls `tick` a few times in a second, and writes what `to_send`
gives. Source: OKX docs v5, "WebSocket", "Subscribe" and "Notification".
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from okx_gateway.okx import socket_frame as frames
from okx_gateway.okx.channel import Channel
from okx_gateway.okx.pulse import Pulse
from okx_gateway.okx.rate_limit import CONNECTION_REQUEST_LIMIT
from okx_gateway.okx.reply import Row
from okx_gateway.okx.socket_event import (
    Answered,
    Dead,
    Lapsed,
    Leaving,
    LoginRefused,
    Pushed,
    Ready,
    Refused,
    SocketEvent,
    Stale,
    Subscribed,
)

# After so long without a frame OKX is asked for one; OKX itself closes after 30 s.
_SILENCE_S = 2.0
_PONG_WAIT_S = 2.5
_LOGIN_WAIT_S = 10.0
_ACKNOWLEDGEMENT_WAIT_S = 10.0
# So many without an acknowledgement, and not they are at fault but the connection.
_UNACKNOWLEDGED_MAX = 20
# For so long a lively channel is missed before something is done about it.
_STALLED_AFTER_S = 12.0
# Other connections have all places of a channel; one of them may leave.
_PLACE_AGAIN_S = 60.0
# A round that comes so late says that this process was held up, and nothing of OKX.
_ROUND_LATE_S = 1.0
# A second more than OKX's, for the way that frames take.
_REQUESTS_WINDOW_S = CONNECTION_REQUEST_LIMIT.window_ms / 1000 + 1.0
_REQUESTS_MAX = CONNECTION_REQUEST_LIMIT.count
_UPGRADE = "64008"
_TOO_FREQUENT = "60014"
_NO_PLACE = "channel-conn-count-error"


class _State(Enum):
    """How far a subscription is."""

    NEW = auto()  # to be asked for
    ASKED = auto()
    STANDING = auto()
    REFUSED = auto()


@dataclass(slots=True)
class _Subscription:
    channel: Channel
    state: _State = _State.NEW
    again: bool = False  # asked for before on this connection: old pushes may still come
    alone: bool = False  # in a frame of its own, so that an error can be about nothing else
    stale: bool = False
    request_id: str = ""
    since_s: float = 0.0
    pulse: Pulse = field(default_factory=Pulse)
    last_rows: list[Row] = field(default_factory=list)


class SocketSession:
    """The conversation over one connection that was made at `now_s`.

    `login` is the finished frame where OKX has to know who speaks. Ids of requests begin with
    `prefix`, letters and digits, which no other connection has.
    """

    def __init__(self, prefix: str, *, now_s: float, login: str | None = None) -> None:
        self.ready = login is None
        self.pongs = 0
        self._login = login
        self._prefix = prefix
        self._number = 0
        self._ids = self._request_ids()
        self._subscriptions: dict[Channel, _Subscription] = {}
        self._routes: frames.Routes[_Subscription] = frames.Routes()
        self._leaving: dict[Channel, None] = {}
        self._left: set[Channel] = set()
        self._outgoing: list[str] = []
        self._asked_s: deque[float] = deque()
        self._is_used_up = self._is_replaced = False
        self._began_s = self._heard_s = self._ticked_s = now_s
        self._pinged_s: float | None = None

    def want(self, channel: Channel) -> None:
        """Subscribe `channel`; takes effect with the next `to_send`."""
        if channel not in self._subscriptions:
            subscription = _Subscription(channel, again=channel in self._left)
            self._subscriptions[channel] = subscription
            self._routes.put(channel, subscription)

    def drop(self, channel: Channel) -> None:
        """Unsubscribe `channel`; takes effect with the next `to_send`."""
        subscription = self._subscriptions.pop(channel, None)
        if subscription is None:
            return
        self._routes.remove(channel)
        if subscription.state in (_State.ASKED, _State.STANDING):
            self._leave(channel)

    def standing(self) -> dict[Channel, list[Row]]:
        """The subscriptions that stand, each with the rows of its last push."""
        return {
            each.channel: each.last_rows
            for each in self._subscriptions.values()
            if each.state is _State.STANDING
        }

    def is_settled(self) -> bool:
        """Whether each subscription was taken or refused."""
        return self.ready and all(
            each.state in (_State.STANDING, _State.REFUSED) for each in self._subscriptions.values()
        )

    def operation(
        self, name: str, arguments: Sequence[Row], *, expiry_ms: int | None
    ) -> tuple[str, str]:
        """Make an operation: its id, and the frame for the shell to write at once or never."""
        request_id = next(self._ids)
        return request_id, frames.operation_frame(request_id, name, arguments, expiry_ms)

    def ping(self) -> None:
        """Ask for a pong, which comes after all that OKX has written before."""
        self._outgoing.append(frames.PING)

    def to_send(self, now_s: float) -> list[str]:
        """Frames to write now."""
        texts, self._outgoing = self._outgoing, []
        if not self.ready:
            if self._login is not None and self._may_ask(now_s):
                texts.append(self._login)
                self._login = None
            return texts
        leaving = list(self._leaving)
        for _, text, part in frames.request_frames("unsubscribe", leaving, self._ids):
            if not self._may_ask(now_s):
                break
            texts.append(text)
            for channel in part:
                del self._leaving[channel]
        if not self._leaving:
            texts.extend(self._subscribe(now_s))
        return texts

    def received(self, raw: bytes, *, now_s: float, receive_ms: int) -> list[SocketEvent]:
        """Take one message that came at `now_s`, and at `receive_ms` of our wall clock."""
        self._heard_s = now_s
        self._pinged_s = None
        if raw == frames.PONG:
            self.pongs += 1
            return []
        try:
            message = frames.read_message(raw)
            if "event" in message:
                return list(self._on_event(message, raw, now_s))
            if "op" in message:
                return [Answered(str(message.get("id", "")), raw)]
            return self._on_push(message, now_s, receive_ms)
        except frames.UnreadableFrameError as error:
            return [Dead(f"an unreadable message: {error}")]

    def tick(self, now_s: float) -> list[SocketEvent]:
        """Learn that it is `now_s`."""
        late = now_s - self._ticked_s > _ROUND_LATE_S
        self._ticked_s = now_s
        if late:
            # What OKX sent meanwhile is read before the next round.
            return []
        dead = self._dead_because(now_s)
        if dead:
            return [Dead(dead)]
        events: list[SocketEvent] = []
        if self._is_used_up and not self._is_replaced:
            self._is_replaced = True
            events.append(Leaving("it has asked for all it may"))
        unacknowledged = 0
        for each in self._subscriptions.values():
            waited_s = now_s - each.since_s
            if each.state is _State.ASKED and waited_s > _ACKNOWLEDGEMENT_WAIT_S:
                unacknowledged += 1
                if each.alone or unacknowledged > _UNACKNOWLEDGED_MAX:
                    return [Dead("no acknowledgement")]
                each.state, each.alone = _State.NEW, True
            elif each.state is _State.REFUSED and each.alone and waited_s > _PLACE_AGAIN_S:
                each.state, each.again = _State.NEW, True
        return events + self._missed(now_s)

    def _dead_because(self, now_s: float) -> str:
        if not self.ready and now_s - self._began_s > _LOGIN_WAIT_S:
            return "no answer to the login"
        if self._pinged_s is not None:
            return "no pong" if now_s - self._pinged_s > _PONG_WAIT_S else ""
        if now_s - self._heard_s > _SILENCE_S:
            self._pinged_s = now_s
            self.ping()
        return ""

    def _missed(self, now_s: float) -> list[SocketEvent]:
        """Tell of lively channels that fell silent, and act where they stay so."""
        missed = [
            (each, missed_s)
            for each in self._subscriptions.values()
            if each.state is _State.STANDING and (missed_s := each.pulse.missed_s(now_s))
        ]
        events: list[SocketEvent] = [Stale(each.channel) for each, _ in missed if not each.stale]
        for each, _ in missed:
            each.stale = True
        stalled = [each for each, missed_s in missed if missed_s > _STALLED_AFTER_S]
        if stalled and len(stalled) == self._lively():
            return [*events, Dead("pongs, but no data")]
        for each in stalled:
            each.pulse.reset()
            each.state, each.again = _State.NEW, True
            self._leave(each.channel)
            events.append(Lapsed(each.channel))
        return events

    def _leave(self, channel: Channel) -> None:
        self._leaving[channel] = None
        self._left.add(channel)

    def _lively(self) -> int:
        """How many channels are either missed or push as often as before."""
        return sum(each.pulse.is_lively for each in self._subscriptions.values())

    def _subscribe(self, now_s: float) -> Iterator[str]:
        new = [each for each in self._subscriptions.values() if each.state is _State.NEW]
        together = [each.channel for each in new if not each.alone]
        groups = [together, *([each.channel] for each in new if each.alone)]
        for group in groups:
            for request_id, text, part in frames.request_frames("subscribe", group, self._ids):
                if not self._may_ask(now_s):
                    return
                for channel in part:
                    subscription = self._subscriptions[channel]
                    subscription.state = _State.ASKED
                    subscription.request_id = request_id
                    subscription.since_s = now_s
                yield text

    def _may_ask(self, now_s: float) -> bool:
        """Count a request, where OKX would take it."""
        while self._asked_s and now_s - self._asked_s[0] > _REQUESTS_WINDOW_S:
            self._asked_s.popleft()
        if len(self._asked_s) >= _REQUESTS_MAX:
            self._is_used_up = True
            return False
        self._asked_s.append(now_s)
        return True

    def _on_push(self, message: dict[str, Any], now_s: float, receive_ms: int) -> list[SocketEvent]:
        argument = message.get("arg")
        if not isinstance(argument, dict):
            return []  # some kind of message that is not known yet
        subscription = self._routes.find(argument)
        if subscription is None or (
            subscription.state is not _State.STANDING and subscription.again
        ):
            return []
        rows, push = frames.read_push(message, receive_ms)
        subscription.pulse.beat(now_s)
        subscription.stale = False
        subscription.last_rows = rows
        pushed = Pushed(subscription.channel, rows, push)
        if subscription.state is _State.STANDING:
            return [pushed]
        subscription.state = _State.STANDING
        return [Subscribed(subscription.channel), pushed]

    def _on_event(self, message: dict[str, Any], raw: bytes, now_s: float) -> Iterable[SocketEvent]:
        code = str(message.get("code", ""))
        events: Iterable[SocketEvent] = ()
        match message["event"]:
            case "login" if code == "0":
                self.ready = True
                events = [Ready()]
            case "login" | "error" if not self.ready:
                events = [LoginRefused(code)]
            case "subscribe":
                events = self._acknowledged(message)
            case "unsubscribe" if isinstance(message.get("arg"), dict):
                self._left.discard(frames.channel_of_argument(message["arg"]))
            case "notice" if code == _UPGRADE and not self._is_replaced:
                self._is_replaced = True
                events = [Leaving("OKX is about to close it")]
            case "channel-conn-count-error":
                events = self._no_place(str(message.get("channel", "")), now_s)
            case "error":
                events = self._on_error(message, code, raw)
        return events

    def _acknowledged(self, message: dict[str, Any]) -> list[SocketEvent]:
        argument = message.get("arg")
        if not isinstance(argument, dict):
            return []
        subscription = self._subscriptions.get(frames.channel_of_argument(argument))
        if subscription is None or subscription.state is not _State.ASKED:
            return []
        if message.get("id", subscription.request_id) != subscription.request_id:
            return []  # of a subscription that was ended since
        subscription.state = _State.STANDING
        return [Subscribed(subscription.channel)]

    def _no_place(self, name: str, now_s: float) -> Iterator[SocketEvent]:
        """Other connections have all places of a channel: ask again after a while."""
        for each in self._subscriptions.values():
            if each.channel.name == name and each.state is not _State.REFUSED:
                each.state, each.alone, each.since_s = _State.REFUSED, True, now_s
                yield Refused(each.channel, _NO_PLACE)

    def _on_error(self, message: dict[str, Any], code: str, raw: bytes) -> list[SocketEvent]:
        request_id = message.get("id")
        asked = [each for each in self._subscriptions.values() if each.state is _State.ASKED]
        of_request = [each for each in asked if each.request_id == request_id]
        if request_id and not of_request:
            return [Answered(str(request_id), raw)]
        if code == _TOO_FREQUENT:
            self._is_used_up = True
            return []
        quoted = str(message.get("msg", ""))
        about = of_request
        if len(of_request) != 1:
            about = [each for each in of_request or asked if frames.names(quoted, each.channel)]
        for each in about:
            each.state = _State.REFUSED
        return [Refused(each.channel, code) for each in about]

    def _request_ids(self) -> Iterator[str]:
        while True:
            self._number += 1
            yield f"{self._prefix}{self._number}"
