"""Who reads which channels, and what are they told?

One subscription per channel, however many readers; it ends a while after the last one has left.
What is known is never told as fresh while something may have been missed.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import structlog

from okx_gateway.domain.errors import OverloadedError
from okx_gateway.domain.market_notice import GapReason, Notice, Resumed
from okx_gateway.market.dated import Dated
from okx_gateway.market.live import BrokenError, Live, News
from okx_gateway.market.stream_log import StreamLog
from okx_gateway.market.stream_reader import Doubt, ReaderGroup, StreamReader, notices, wall_ms
from okx_gateway.okx.channel import Channel, ChannelListener, Push
from okx_gateway.okx.market_channel import instrument_of
from okx_gateway.okx.reply import Row

_LOG = structlog.get_logger()
_LEAVE_AFTER_S = 30.0
# One that breaks again and again is begun anew less and less often.
_FIRST_PAUSE_S = 0.1
_PAUSE_MAX_S = 30.0
_FINE_S = 60.0
_V = TypeVar("_V")


class Subscriptions(Protocol):
    """The connection to OKX."""

    def want(self, channel: Channel, listener: ChannelListener) -> None:
        """Subscribe `channel` for `listener`."""

    def drop(self, channel: Channel) -> None:
        """End what `want` began."""


@dataclass(eq=False)
class Topic(Generic[_V]):
    """A channel, and those who read it."""

    channel: Channel
    instrument: str
    live: Live[_V]
    doubt: Doubt | None = None
    groups: set[ReaderGroup[_V]] = field(default_factory=set)
    leaving: asyncio.TimerHandle | None = None
    beginning: asyncio.TimerHandle | None = None
    began_s: float = 0.0
    pause_s: float = _FIRST_PAUSE_S

    def value(self) -> _V | None:
        """The last known value."""
        dated = self.live.known()
        return None if dated is None else dated.value


class ChannelBoard(Generic[_V]):
    """Channels of one kind, at most `channels_max`, and their readers.

    `make_live` makes what is kept of a channel, and `make_log` the log of those who read a number
    of channels. A reader that was too slow for its log begins anew where `restarts`.
    """

    def __init__(
        self,
        subscriptions: Subscriptions,
        *,
        make_live: Callable[[str], Live[_V]],
        make_log: Callable[[int], StreamLog[_V | Notice]],
        channels_max: int,
        restarts: bool = False,
    ) -> None:
        self._subscriptions = subscriptions
        self._make_live = make_live
        self._make_log = make_log
        self._channels_max = channels_max
        self._restarts = restarts
        self._topics: dict[Channel, Topic[_V]] = {}
        self._groups: dict[frozenset[Channel], ReaderGroup[_V]] = {}
        # Doubts that readers are told of at once, though they come one by one.
        self._untold: list[Topic[_V]] = []
        self._detect_ms = 0

    def join(self, channels: Iterable[Channel]) -> StreamReader[_V]:
        """Add a reader; it is first told what is known.

        Raises:
            OverloadedError: There are too many channels; nothing was subscribed.
        """
        wanted = frozenset(channels)
        new = wanted - self._topics.keys()
        if len(self._topics) + len(new) > self._channels_max:
            raise OverloadedError("channels streamed", self._channels_max)
        self._tell_doubts()
        for channel in sorted(new, key=str):
            instrument = instrument_of(channel)
            self._topics[channel] = Topic(channel, instrument, self._make_live(instrument))
            self._subscriptions.want(channel, self)
        group = self._groups.get(wanted)
        if group is None:
            topics = [self._topics[channel] for channel in sorted(wanted, key=str)]
            group = ReaderGroup(topics, self._make_log(len(topics)), restarts=self._restarts)
            self._groups[wanted] = group
            for topic in topics:
                topic.groups.add(group)
                if topic.leaving is not None:
                    topic.leaving.cancel()
                    topic.leaving = None
        return group.join()

    def leave(self, channels: Iterable[Channel]) -> None:
        """Remove a reader of these; their subscriptions end later unless somebody else joins."""
        wanted = frozenset(channels)
        group = self._groups[wanted]
        group.readers -= 1
        if group.readers:
            return
        del self._groups[wanted]
        loop = asyncio.get_running_loop()
        for channel in wanted:
            topic = self._topics[channel]
            topic.groups.discard(group)
            if not topic.groups:
                topic.leaving = loop.call_later(_LEAVE_AFTER_S, self._end, topic)

    def fresh(self, channel: Channel) -> Dated[_V] | None:
        """The last known value, where nothing was missed since."""
        topic = self._topics.get(channel)
        return None if topic is None or topic.doubt is not None else topic.live.known()

    def close(self) -> None:
        """Let no timer outlive the gateway."""
        for topic in self._topics.values():
            for timer in (topic.leaving, topic.beginning):
                if timer is not None:
                    timer.cancel()

    def on_subscribed(self, channel: Channel) -> None:
        """Take it as the end of a gap, where OKX has nothing to begin with."""
        topic = self._topics.get(channel)
        if topic is not None and topic.live.begins_empty:
            self._resume(topic)

    def on_refused(self, channel: Channel, code: str) -> None:
        """Tell readers that nothing will come."""
        _LOG.warning("a subscription was refused", channel=channel.name, code=code)
        self._miss(channel, GapReason.SUBSCRIPTION_ENDED)

    def on_lost(self, channel: Channel) -> None:
        """Tell readers that they miss what happens."""
        self._miss(channel, GapReason.CONNECTION_LOST)

    def on_stale(self, channel: Channel) -> None:
        """Tell readers that nothing comes though it should."""
        topic = self._topics.get(channel)
        if topic is not None and topic.doubt is None:
            self._doubt(topic, None)

    def on_rows(self, channel: Channel, rows: list[Row], push: Push) -> None:
        """Take what came, and tell readers what is new in it."""
        topic = self._topics.get(channel)
        if topic is None:
            return
        try:
            news = topic.live.take(rows, push)
        except BrokenError as error:
            self._begin_anew(topic, str(error))
            return
        self._tell(topic, news)

    def _tell(self, topic: Topic[_V], news: Sequence[News[_V]]) -> None:
        if not news:
            return
        self._resume(topic)
        for group in topic.groups:
            for key, value in news:
                group.put(value, (key,), weight=1)

    def _resume(self, topic: Topic[_V]) -> None:
        if topic.doubt is None:
            return
        self._tell_doubts()
        topic.doubt = None
        resumed = Resumed((topic.instrument,), wall_ms())
        for group in topic.groups:
            group.put(resumed, ((Resumed, topic.channel),))

    def _miss(self, channel: Channel, reason: GapReason) -> None:
        topic = self._topics.get(channel)
        if topic is None:
            return
        topic.live.lose()
        if topic.doubt is None or topic.doubt.reason is not reason:
            self._doubt(topic, reason)

    def _doubt(self, topic: Topic[_V], reason: GapReason | None) -> None:
        if not self._untold:
            self._detect_ms = wall_ms()
            asyncio.get_running_loop().call_soon(self._tell_doubts)
        topic.doubt = Doubt(reason, self._detect_ms)
        self._untold.append(topic)

    def _tell_doubts(self) -> None:
        untold, self._untold = self._untold, []
        for group in {group for topic in untold for group in topic.groups}:
            told = {topic.instrument: topic for topic in untold if group in topic.groups}
            doubts = [(name, topic.doubt) for name, topic in told.items() if topic.doubt]
            for notice in notices(doubts):
                keys = [(type(notice), told[name].channel) for name in notice.instruments]
                group.put(notice, keys)

    def _begin_anew(self, topic: Topic[_V], cause: str) -> None:
        """Subscribe a channel again that does not follow on what is known of it."""
        if topic.beginning is not None:
            return
        _LOG.warning("a channel begins anew", channel=str(topic.channel), cause=cause)
        self._miss(topic.channel, GapReason.SEQUENCE_BROKEN)
        self._subscriptions.drop(topic.channel)
        loop = asyncio.get_running_loop()
        lasted_s = loop.time() - topic.began_s
        pause_s = _FIRST_PAUSE_S if lasted_s > _FINE_S else topic.pause_s
        topic.pause_s = min(2 * pause_s, _PAUSE_MAX_S)
        topic.beginning = loop.call_later(pause_s, self._want_again, topic)

    def _want_again(self, topic: Topic[_V]) -> None:
        topic.beginning = None
        topic.began_s = asyncio.get_running_loop().time()
        self._subscriptions.want(topic.channel, self)

    def _end(self, topic: Topic[_V]) -> None:
        del self._topics[topic.channel]
        if topic.beginning is not None:
            topic.beginning.cancel()
        else:
            self._subscriptions.drop(topic.channel)
