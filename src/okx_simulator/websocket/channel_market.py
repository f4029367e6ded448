"""What do public channels push, and when?

Pure: told of events and of the time, it says which frames go to which subscription.

Source: OKX docs, the page of each channel, for the cadences.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from okx_simulator.event import Event, TradeHappened
from okx_simulator.websocket.channel_book import DEPTHS, INCREMENTAL, snapshot, update
from okx_simulator.websocket.session import Subscription

Row: TypeAlias = Any
Push: TypeAlias = tuple[Subscription, dict[str, Any]]
_MS = 1_000
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Cadence:
    """At most one push per `interval_us`, and only if something changed.

    Without a change there is one after `repeat_us`, or none at all where that is 0. Channels
    that are `eventful` are pushed when something happens, and never by the clock.
    """

    interval_us: int = 0
    repeat_us: int = 0
    is_eventful: bool = False


_CANDLE = Cadence(1 * _SECOND)
CADENCES: Mapping[str, Cadence] = {
    "tickers": Cadence(100 * _MS),
    "bbo-tbt": Cadence(10 * _MS, 60 * _SECOND),
    "books5": Cadence(100 * _MS, 60 * _SECOND),
    "books": Cadence(100 * _MS, 60 * _SECOND),
    "mark-price": Cadence(200 * _MS, 10 * _SECOND),
    "price-limit": Cadence(200 * _MS),
    "index-tickers": Cadence(100 * _MS, 60 * _SECOND),
    "funding-rate": Cadence(60 * _SECOND, 60 * _SECOND),
    "open-interest": Cadence(3 * _SECOND, 3 * _SECOND),
    "instruments": Cadence(1 * _SECOND),
    "status": Cadence(1 * _SECOND),
    "trades": Cadence(is_eventful=True),
    "trades-all": Cadence(is_eventful=True),
}


class MarketRows(Protocol):
    """Where the rows of public channels come from."""

    def book(self, inst_id: str, depth: int) -> dict[str, Any]:
        """Return asks, bids, ts and seqId of a book."""
        ...

    def rows(self, channel: str, subject: str) -> Sequence[Row]:
        """Return the present data of any other channel about `subject`."""
        ...


class _Topic:
    """A channel about one subject, with those who are subscribed to it."""

    def __init__(self, name: str, subject: str) -> None:
        self.name = name
        self.subject = subject
        self.cadence = CADENCES.get(name, _CANDLE)
        self.subscriptions: dict[Subscription, None] = {}
        self.pushed_us = 0
        self.told: Any = None


class MarketFeed:
    """The public channels, of all sockets together."""

    def __init__(self, rows: MarketRows) -> None:
        self._rows = rows
        self._topics: dict[tuple[str, str], _Topic] = {}

    def begin(self, subscription: Subscription, now_us: int) -> list[dict[str, Any]]:
        """Return the first frames of a subscription, also for one that other sockets have."""
        name, subject = subscription.channel.name, subscription.subject
        topic = self._topics.setdefault((name, subject), _Topic(name, subject))
        topic.subscriptions[subscription] = None
        if topic.cadence.is_eventful:
            return []
        if topic.told is None:
            topic.told = self._present(topic)
            topic.pushed_us = now_us
        return [{"arg": subscription.arg, **_whole(topic)}] if topic.told else []

    def end(self, subscription: Subscription) -> None:
        """Forget a subscription that no socket has any more."""
        key = (subscription.channel.name, subscription.subject)
        topic = self._topics.get(key)
        if topic is not None:
            topic.subscriptions.pop(subscription, None)
            if not topic.subscriptions:
                del self._topics[key]

    def note(self, event: Event) -> Iterator[Push]:
        """Yield what an event pushes at once: trades."""
        if not isinstance(event, TradeHappened):
            return
        for name, shape in _TRADE_SHAPES.items():
            topic = self._topics.get((name, event.inst_id))
            if topic is not None:
                yield from _to_all(topic, {"data": [shape(event.row)]})

    def due(self, now_us: int) -> Iterator[Push]:
        """Yield what has changed, or has to be repeated, at `now_us`."""
        for topic in list(self._topics.values()):
            cadence = topic.cadence
            if cadence.is_eventful or now_us - topic.pushed_us < cadence.interval_us:
                continue
            present = self._present(topic)
            is_repeat = bool(cadence.repeat_us) and now_us - topic.pushed_us >= cadence.repeat_us
            if not is_repeat and _is_same(present, topic.told):
                continue
            if topic.name in INCREMENTAL:
                frame = update(topic.told, present)
                present = {**present, "seqId": frame["data"][0]["seqId"]}
            topic.told, topic.pushed_us = present, now_us
            yield from _to_all(topic, frame if topic.name in INCREMENTAL else _whole(topic))

    def _present(self, topic: _Topic) -> Any:
        depth = DEPTHS.get(topic.name)
        if depth is not None:
            return self._rows.book(topic.subject, depth)
        return self._rows.rows(topic.name, topic.subject)


def _to_all(topic: _Topic, frame: Mapping[str, Any]) -> Iterator[Push]:
    for subscription in topic.subscriptions:
        yield subscription, {"arg": subscription.arg, **frame}


def _whole(topic: _Topic) -> dict[str, Any]:
    if topic.name in INCREMENTAL:
        return snapshot(topic.told)
    if topic.name in DEPTHS:
        named = {"instId": topic.subject} if topic.name == "books5" else {}
        return {"data": [{**topic.told, **named}]}
    return {"data": topic.told}


def _is_same(present: Any, told: Any) -> bool:
    """Whether nothing but time stamps and sequence numbers differ."""
    if isinstance(present, Mapping):
        return all(present[side] == told[side] for side in ("asks", "bids"))
    return [_timeless(row) for row in present] == [_timeless(row) for row in told]


def _timeless(row: Row) -> Row:
    return {**row, "ts": ""} if isinstance(row, Mapping) else row


def _aggregated(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"count": "1", "seqId": int(row["tradeId"]), **row}


def _single(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: word for name, word in row.items() if name not in ("count", "seqId")}


_TRADE_SHAPES: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "trades": _aggregated,
    "trades-all": _single,
}
