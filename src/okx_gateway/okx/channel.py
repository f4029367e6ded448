"""What can be subscribed at OKX over a WebSocket, and what is told of it?  Pure.

The interface between the connections below and all that lives on pushes above.
Source: OKX docs v5, "WebSocket", "Subscribe".
"""

from dataclasses import dataclass
from typing import Protocol

from okx_gateway.okx.reply import Row


@dataclass(frozen=True, slots=True)
class Channel:
    """What one subscription is of: `name` as "tickers", `arguments` sorted by their names.

    Channels are equal where OKX would send the same; make them with `channel_of`.
    """

    name: str
    arguments: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """What stood around the rows of one push.

    `receive_ms` is our wall clock, for people. `action` is "snapshot", "update" or empty, and
    `event_type` is OKX's own word, empty where it gives none. A snapshot of the account may come
    in pages, from 1 on; the others are page 1 and the last.
    """

    receive_ms: int
    action: str = ""
    event_type: str = ""
    page: int = 1
    last_page: bool = True


class ChannelListener(Protocol):
    """Who is told of a channel, in the order in which things happened; none of it may raise."""

    def on_subscribed(self, channel: Channel) -> None:
        """Learn that OKX took the subscription: what follows is complete from here on.

        A replacement of the connection that loses nothing is not told.
        """

    def on_refused(self, channel: Channel, code: str) -> None:
        """Learn that OKX will send nothing; `code` is its own."""

    def on_rows(self, channel: Channel, rows: list[Row], push: Push) -> None:
        """Take the rows of one push."""

    def on_lost(self, channel: Channel) -> None:
        """Learn that updates are being missed from now on, until `on_subscribed`."""

    def on_stale(self, channel: Channel) -> None:
        """Learn that nothing came for too long though the subscription stands; rows end it."""


def channel_of(name: str, **arguments: str) -> Channel:
    """Name a channel with OKX's own words: "tickers", instId="BTC-USDT"."""
    return Channel(name, tuple(sorted(arguments.items())))
