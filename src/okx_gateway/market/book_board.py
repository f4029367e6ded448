"""Who reads which order books, and where does a book come from that OKX pushes changes of alone?"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from okx_gateway.domain.errors import GatewayError
from okx_gateway.domain.order_book import OrderBook
from okx_gateway.market.channel_board import ChannelBoard, Subscriptions, Topic
from okx_gateway.market.dated import Dated
from okx_gateway.market.live import BrokenError
from okx_gateway.market.live_book import BookEvent, LiveBook
from okx_gateway.market.stream_log import RingLog
from okx_gateway.okx.channel import Channel, Push
from okx_gateway.okx.market_channel import books_of
from okx_gateway.okx.reply import Row

_LOG = structlog.get_logger()
# OKX advises against more on one connection.
_BOOKS_MAX = 30
# Updates for each book; who is further behind is told the book anew.
_KEPT_PER_BOOK = 100
_READS_MAX = 5
_READ_PAUSE_S = 0.25

ReadBook = Callable[[str], Awaitable[OrderBook]]


class BookBoard(ChannelBoard[BookEvent]):
    """Order books and their readers; `read` reads one over REST."""

    def __init__(self, subscriptions: Subscriptions, *, read: ReadBook) -> None:
        super().__init__(
            subscriptions,
            make_live=LiveBook,
            make_log=lambda books: RingLog(books * _KEPT_PER_BOOK),
            channels_max=_BOOKS_MAX,
            restarts=True,
        )
        self._read = read
        self._reading: dict[Channel, asyncio.Task[None]] = {}

    def on_rows(self, channel: Channel, rows: list[Row], push: Push) -> None:
        """Take what came; read a snapshot where there is none."""
        super().on_rows(channel, rows, push)
        topic = self._topics.get(channel)
        if topic is None or channel in self._reading or not _book_of(topic).wants_snapshot:
            return
        task = asyncio.get_running_loop().create_task(self._join(topic))
        self._reading[channel] = task
        task.add_done_callback(lambda _: self._reading.pop(channel, None))

    def fresh_book(self, instrument: str) -> Dated[OrderBook] | None:
        """The whole book, where it is kept and nothing was missed."""
        known = self.fresh(books_of(instrument))
        if known is None or not isinstance(known.value, OrderBook):
            return None
        return Dated(known.value, known.received_s)

    def close(self) -> None:
        """Let nothing outlive the gateway."""
        super().close()
        for task in self._reading.values():
            task.cancel()

    async def _join(self, topic: Topic[BookEvent]) -> None:
        """Read snapshots until one joins what has come meanwhile."""
        book = _book_of(topic)
        for count in range(_READS_MAX):
            stretch = book.stretch
            try:
                snapshot = await self._read(topic.instrument)
            except GatewayError as error:
                _LOG.warning("no order book read", name=topic.instrument, error=str(error))
            else:
                try:
                    self._tell(topic, book.join(snapshot, stretch))
                except BrokenError as error:
                    self._begin_anew(topic, str(error))
                    return
            if not book.wants_snapshot or self._topics.get(topic.channel) is not topic:
                return
            await asyncio.sleep(_READ_PAUSE_S * 2**count)
        self._begin_anew(topic, "no snapshot joins what was pushed")


def _book_of(topic: Topic[BookEvent]) -> LiveBook:
    assert isinstance(topic.live, LiveBook)  # noqa: S101  # make_live makes no other
    return topic.live
