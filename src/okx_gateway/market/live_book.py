"""What is the order book of an instrument now, by a snapshot and all that changed since?

Either OKX pushes the snapshot first, or it pushes changes alone: then these are kept until a
snapshot that was read over REST joins them. Source: OKX docs v5, "Order book channel".
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from okx_gateway.domain.order_book import BookUpdate, OrderBook, PriceLevel
from okx_gateway.market.dated import Dated, dated_now
from okx_gateway.market.live import BrokenError, News
from okx_gateway.okx.channel import Push
from okx_gateway.okx.order_book_codec import book_update_from_row, order_book_from_row
from okx_gateway.okx.reply import Row, UnreadableReplyError

BookEvent = OrderBook | BookUpdate

_DEPTH = 400
_SNAPSHOT = "snapshot"
# Three minutes' worth of changes, by which a snapshot should long be there.
_KEPT_MAX = 2_000
# Changes that a snapshot from REST holds already; more of them say that OKX has counted anew.
_OLD_MAX = 100


class LiveBook:
    """The order book of one instrument."""

    begins_empty = False

    def __init__(self, instrument: str) -> None:
        self._instrument = instrument
        self._asks: dict[Decimal, PriceLevel] = {}
        self._bids: dict[Decimal, PriceLevel] = {}
        self._last: BookEvent | None = None
        self._received: Dated[None] = dated_now(None)
        self._shown: OrderBook | None = None
        # Until a change has followed exactly on a snapshot that came another way.
        self._joining = False
        self._old = 0
        self._kept: list[BookUpdate] = []
        self.stretch = 0

    @property
    def wants_snapshot(self) -> bool:
        """Whether changes have come, and nothing that they change."""
        return self._last is None and bool(self._kept)

    def take(self, rows: Sequence[Row], push: Push) -> list[News[BookEvent]]:
        """Take a snapshot or changes.

        Raises:
            BrokenError: A change is missing, or something cannot be read.
        """
        self._received = dated_now(None)
        news: list[News[BookEvent]] = []
        try:
            for row in rows:
                if push.action == _SNAPSHOT:
                    book = order_book_from_row(row, self._instrument, receive_ms=push.receive_ms)
                    self._begin(book)
                    news.append(News(self._instrument, book))
                else:
                    update = book_update_from_row(row, self._instrument, receive_ms=push.receive_ms)
                    news += [News(self._instrument, each) for each in self._take_update(update)]
        except (UnreadableReplyError, InvalidOperation) as error:
            raise BrokenError(str(error)) from error
        return news

    def join(self, snapshot: OrderBook, stretch: int) -> list[News[BookEvent]]:
        """Begin with a snapshot that was asked for in `stretch`, and change it by what was kept.

        Nothing is told where it is too old for that: ask again.

        Raises:
            BrokenError: A change is missing, or something cannot be read.
        """
        if not self.wants_snapshot or stretch != self.stretch:
            return []
        kept = [each for each in self._kept if each.sequence > snapshot.sequence]
        if kept and kept[0].previous_sequence > snapshot.sequence:
            return []
        try:
            self._begin(snapshot)
            self._joining = True
            for update in kept:
                self._take_update(update)
        except InvalidOperation as error:
            raise BrokenError(str(error)) from error
        return [News(self._instrument, self._read())]

    def known(self) -> Dated[BookEvent] | None:
        """The whole book."""
        return None if self._last is None else Dated(self._read(), self._received.received_s)

    def lose(self) -> None:
        """Forget the book: without what is being missed it is none."""
        self._asks, self._bids, self._kept = {}, {}, []
        self._last = self._shown = None
        self.stretch += 1

    def _begin(self, book: OrderBook) -> None:
        self._asks = {Decimal(level.price): level for level in book.asks}
        self._bids = {Decimal(level.price): level for level in book.bids}
        self._last, self._shown = book, None
        self._joining, self._old, self._kept = False, 0, []

    def _take_update(self, update: BookUpdate) -> list[BookUpdate]:
        """What there is to tell of a change."""
        last = self._last
        if last is None:
            self._keep(update)
            return []
        if update.previous_sequence != last.sequence:
            if not self._joining:
                raise BrokenError(f"{update.previous_sequence} follows on {last.sequence}")
            if update.sequence <= last.sequence:
                self._old += 1
                if self._old > _OLD_MAX:
                    raise BrokenError("what comes is older than the snapshot")
                return []
            if update.previous_sequence > last.sequence:
                raise BrokenError(f"{update.previous_sequence} follows on {last.sequence}")
            # The snapshot holds a part of it. Its levels are absolute: it follows on that as well.
            update = replace(update, previous_sequence=last.sequence)
        self._joining = False
        if update.sequence == update.previous_sequence and not (update.asks or update.bids):
            return []  # only says that the connection is alive
        _change(self._asks, update.asks, worst=max)
        _change(self._bids, update.bids, worst=min)
        self._last, self._shown = update, None
        return [update]

    def _keep(self, update: BookUpdate) -> None:
        if update.sequence < update.previous_sequence:
            # OKX counts anew: numbers before and after this cannot be compared.
            self._kept = []
            self.stretch += 1
        if len(self._kept) >= _KEPT_MAX:
            raise BrokenError("no snapshot has come")
        self._kept.append(update)

    def _read(self) -> OrderBook:
        last = self._last
        assert last is not None  # noqa: S101  # both callers have looked
        if self._shown is None:
            self._shown = OrderBook(
                instrument=self._instrument,
                asks=tuple(self._asks[price] for price in sorted(self._asks)),
                bids=tuple(self._bids[price] for price in sorted(self._bids, reverse=True)),
                sequence=last.sequence,
                exchange_ms=last.exchange_ms,
                receive_ms=last.receive_ms,
            )
        return self._shown


def _change(
    side: dict[Decimal, PriceLevel],
    levels: Iterable[PriceLevel],
    *,
    worst: Callable[[Iterable[Decimal]], Decimal],
) -> None:
    for level in levels:
        price = Decimal(level.price)
        if Decimal(level.quantity):
            side[price] = level
        else:
            side.pop(price, None)
    while len(side) > _DEPTH:
        # Beyond what the channel covers nothing is kept up to date.
        del side[worst(side)]
