"""What can happen in the conversation over one WebSocket?  Pure: values without behaviour."""

from dataclasses import dataclass

from okx_gateway.okx.channel import Channel, Push
from okx_gateway.okx.reply import Row


@dataclass(frozen=True, slots=True)
class Ready:
    """Channels can be subscribed and, where there was a login, operations be sent."""


@dataclass(frozen=True, slots=True)
class LoginRefused:
    """OKX refused the login; `code` is its own."""

    code: str


@dataclass(frozen=True, slots=True)
class Subscribed:
    """OKX took the subscription of `channel`."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class Refused:
    """OKX will send nothing of `channel`; `code` is its own."""

    channel: Channel
    code: str


@dataclass(frozen=True, slots=True)
class Pushed:
    """Rows of `channel` came."""

    channel: Channel
    rows: list[Row]
    push: Push


@dataclass(frozen=True, slots=True)
class Stale:
    """Nothing came of a lively `channel` for some seconds."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class Lapsed:
    """Updates of `channel` are being missed: it is subscribed anew."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class Answered:
    """OKX answered the operation `request_id` with `body`."""

    request_id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Leaving:
    """This connection should be replaced by another while it still lasts."""

    cause: str


@dataclass(frozen=True, slots=True)
class Dead:
    """This connection is of no use any more."""

    cause: str


SocketEvent = (
    Ready
    | LoginRefused
    | Subscribed
    | Refused
    | Pushed
    | Stale
    | Lapsed
    | Answered
    | Leaving
    | Dead
)
