"""Which socket gets which push?

Pure apart from calling the sockets: keeps who is subscribed to what, and makes the text of a
push once for all who get it.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import orjson

from okx_simulator.event import BookUpdated, CandleUpdated, Event, TickerUpdated
from okx_simulator.websocket.channel_account import AccountFeed
from okx_simulator.websocket.channel_market import MarketFeed
from okx_simulator.websocket.session import Subscription

# Their channels look at the market by the clock and need not be told.
_NOT_NEEDED = (TickerUpdated, BookUpdated, CandleUpdated)
# More than one operation and one step of the market can make; the oldest fall out beyond it.
_EVENTS_MAX = 100_000


class Subscriber(Protocol):
    """A socket that takes pushes."""

    def push(self, text: str, channel: str) -> None:
        """Take one push of a channel."""
        ...


class Broadcast:
    """The subscriptions of all sockets, and the feeds behind them."""

    def __init__(self, market: MarketFeed, account: AccountFeed) -> None:
        self._market = market
        self._account = account
        self._subscribers: dict[Subscription, dict[Subscriber, None]] = {}
        self._events: deque[Event] = deque(maxlen=_EVENTS_MAX)

    def begin(
        self, subscriber: Subscriber, subscription: Subscription, now_us: int
    ) -> list[dict[str, Any]]:
        """Subscribe a socket; return the frames it gets first."""
        self._subscribers.setdefault(subscription, {})[subscriber] = None
        return self._feed(subscription).begin(subscription, now_us)

    def end(self, subscriber: Subscriber, subscription: Subscription) -> None:
        """Unsubscribe a socket; nothing happens where it was not subscribed."""
        found = self._subscribers.get(subscription)
        if found is None:
            return
        found.pop(subscriber, None)
        if not found:
            del self._subscribers[subscription]
            self._feed(subscription).end(subscription)

    def hear(self, event: Event, wake: Callable[[], None]) -> None:
        """Keep an event for `tell`, and have that called soon: answers go before pushes."""
        if isinstance(event, _NOT_NEEDED) or not self._subscribers:
            return
        if not self._events:
            wake()
        self._events.append(event)

    def tell(self, now_us: int) -> None:
        """Push what was heard."""
        while self._events:
            event = self._events.popleft()
            self._send(self._market.note(event))
            self._send(self._account.note(event, now_us))

    def flush(self, now_us: int) -> None:
        """Push what is due by the clock."""
        self._send(self._market.due(now_us))
        self._send(self._account.due(now_us))

    def _send(self, pushes: Iterable[tuple[Subscription, dict[str, Any]]]) -> None:
        for subscription, frame in pushes:
            subscribers = self._subscribers.get(subscription)
            if subscribers:
                text = orjson.dumps(frame).decode()
                for subscriber in tuple(subscribers):
                    subscriber.push(text, subscription.channel.name)

    def _feed(self, subscription: Subscription) -> MarketFeed | AccountFeed:
        return self._account if subscription.channel.is_private else self._market
