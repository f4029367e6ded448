import asyncio
from collections.abc import AsyncIterator

import pytest

from okx_gateway.domain.errors import ExchangeUnavailableError, OverloadedError
from okx_gateway.domain.market_notice import Gap, GapReason, Resumed
from okx_gateway.domain.order_book import BookUpdate, OrderBook
from okx_gateway.market import book_board
from okx_gateway.market.book_board import BookBoard
from okx_gateway.market.live_book import BookEvent
from okx_gateway.market.stream_reader import StreamReader
from okx_gateway.okx.channel import Push
from okx_gateway.okx.market_channel import books_of
from okx_gateway.okx.reply import Row
from tests.fakes.book_stream import BookStream
from tests.fakes.books import a_book
from tests.fakes.channels import Subscriptions

BTC = books_of("BTC-USDT")
SNAPSHOT, UPDATE = (Push(receive_ms=7, action=word) for word in ("snapshot", "update"))


def a_row(sequence: int, previous: int = -1) -> Row:
    side = [["1", str(sequence), "0", "1"]]
    return {"asks": side, "bids": [], "ts": "1", "prevSeqId": previous, "seqId": sequence}


class Rest:
    """What OKX answers over REST: books that a test sets, and failures first."""

    def __init__(self) -> None:
        self.sequence = 10
        self.failures = 0
        self.count = 0

    async def __call__(self, instrument: str) -> OrderBook:
        self.count += 1
        await asyncio.sleep(0)
        if self.count <= self.failures:
            raise ExchangeUnavailableError("HTTP 503")
        return a_book(instrument, self.sequence)


@pytest.fixture
def okx() -> Subscriptions:
    return Subscriptions()


@pytest.fixture
def rest() -> Rest:
    return Rest()


@pytest.fixture
async def board(
    okx: Subscriptions, rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[BookBoard]:
    monkeypatch.setattr(book_board, "_READ_PAUSE_S", 0.005)
    board = BookBoard(okx, read=rest)
    yield board
    board.close()


async def news(reader: StreamReader[BookEvent], wait_s: float = 0.02) -> list[object]:
    """Each event in short: a book or change by its number."""
    short: list[object] = []
    for each in (await reader.take(wait_s=wait_s)).events:
        match each:
            case OrderBook():
                short.append(("book", each.sequence))
            case BookUpdate():
                short.append(each.sequence)
            case Gap():
                short.append(each.reason)
            case Resumed():
                short.append("resumed")
    return short


async def test_readers_get_a_book_and_then_changes(board: BookBoard) -> None:
    reader = board.join([BTC])
    board.on_rows(BTC, [a_row(10)], SNAPSHOT)
    board.on_rows(BTC, [a_row(11, 10)], UPDATE)
    assert await news(reader) == [("book", 10), 11]
    late = board.join([BTC])
    board.on_rows(BTC, [a_row(12, 11)], UPDATE)
    assert await news(late) == [("book", 11)]
    assert await news(late) == [12]


async def test_a_reader_who_is_too_slow_gets_the_book_anew(board: BookBoard) -> None:
    reader = board.join([BTC])
    board.on_rows(BTC, [a_row(1)], SNAPSHOT)
    for sequence in range(2, 1_000):
        board.on_rows(BTC, [a_row(sequence, sequence - 1)], UPDATE)
    assert await news(reader) == [("book", 999)]
    assert await news(reader) == []


async def test_a_change_that_is_missing_begins_the_book_anew(
    board: BookBoard, okx: Subscriptions
) -> None:
    reader = board.join([BTC])
    board.on_rows(BTC, [a_row(10)], SNAPSHOT)
    assert await news(reader) == [("book", 10)]
    board.on_rows(BTC, [a_row(13, 12)], UPDATE)
    assert okx.asked[-1] == ("drop", BTC)
    assert board.fresh(BTC) is None
    assert await news(board.join([BTC])) == [GapReason.SEQUENCE_BROKEN]
    await asyncio.sleep(0.15)
    assert okx.asked[-1] == ("want", BTC)
    board.on_subscribed(BTC)
    board.on_rows(BTC, [a_row(20)], SNAPSHOT)
    assert await news(reader) == [GapReason.SEQUENCE_BROKEN, "resumed", ("book", 20)]


async def test_changes_alone_are_joined_by_a_snapshot_that_is_asked_for(
    board: BookBoard, rest: Rest
) -> None:
    reader = board.join([BTC])
    for sequence in range(9, 13):
        board.on_rows(BTC, [a_row(sequence, sequence - 1)], UPDATE)
    assert await news(reader, 1) == [("book", 12)]
    board.on_rows(BTC, [a_row(13, 12)], UPDATE)
    assert await news(reader) == [13]
    assert rest.count == 1


async def test_a_snapshot_is_asked_for_again_where_there_was_none_or_an_old_one(
    board: BookBoard, rest: Rest
) -> None:
    rest.failures = 2
    reader = board.join([BTC])
    board.on_rows(BTC, [a_row(15, 14)], UPDATE)
    asyncio.get_running_loop().call_later(0.03, setattr, rest, "sequence", 15)
    assert await news(reader, 1) == [("book", 15)]
    assert rest.count > 3


async def test_where_no_snapshot_joins_the_channel_begins_anew(
    board: BookBoard, rest: Rest, okx: Subscriptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book_board, "_READ_PAUSE_S", 0.0001)
    reader = board.join([BTC])
    board.on_rows(BTC, [a_row(15, 14)], UPDATE)
    assert await news(reader, 1) == [GapReason.SEQUENCE_BROKEN]
    assert rest.count == 5
    assert okx.asked[-1] == ("drop", BTC)


async def test_a_gap_that_a_snapshot_shows_begins_the_channel_anew(
    board: BookBoard, okx: Subscriptions
) -> None:
    reader = board.join([BTC])
    board.on_rows(BTC, [a_row(11, 10), a_row(13, 12)], UPDATE)
    assert await news(reader, 1) == [GapReason.SEQUENCE_BROKEN]
    assert okx.asked[-1] == ("drop", BTC)


async def test_a_lost_connection_ends_what_was_waited_for(board: BookBoard, rest: Rest) -> None:
    reader = board.join([BTC])
    board.on_rows(BTC, [a_row(11, 10)], UPDATE)
    board.on_lost(BTC)
    assert await news(reader) == [GapReason.CONNECTION_LOST]
    board.on_subscribed(BTC)
    assert await news(reader) == []
    board.on_rows(BTC, [a_row(50)], SNAPSHOT)
    assert await news(reader) == ["resumed", ("book", 50)]
    known = board.fresh(BTC)
    assert known is not None
    assert known.value.sequence == 50


async def test_books_have_a_bound(board: BookBoard) -> None:
    board.join(books_of(f"X{number}-USDT") for number in range(30))
    with pytest.raises(OverloadedError):
        board.join([BTC])


async def test_closing_ends_what_is_asked_for(board: BookBoard, rest: Rest) -> None:
    board.join([BTC])
    board.on_rows(BTC, [a_row(11, 10)], UPDATE)
    await asyncio.sleep(0)
    board.close()
    await asyncio.sleep(0.02)
    assert rest.count == 1


class Kept:
    """A caller's own book, by what its stream tells."""

    def __init__(self) -> None:
        self.sequence = 0
        self.snapshots = self.gaps = self.updates = 0

    def take(self, events: tuple[object, ...]) -> None:
        for each in events:
            match each:
                case OrderBook():
                    self.sequence, self.snapshots = each.sequence, self.snapshots + 1
                case BookUpdate():
                    assert each.previous_sequence == self.sequence
                    self.sequence, self.updates = each.sequence, self.updates + 1
                case Gap():
                    self.gaps += 1


async def test_what_readers_are_told_has_no_hole_whatever_their_pace(
    board: BookBoard, okx: Subscriptions
) -> None:
    stream = BookStream()
    fast, slow = Kept(), Kept()
    readers = [(board.join([BTC]), fast, 1), (board.join([BTC]), slow, 150)]
    board.on_rows(BTC, *stream.begin())
    for number, (rows, push) in enumerate(stream.steps(300)):
        if number % 100 != 50:
            board.on_rows(BTC, rows, push)
        if BTC not in okx.listeners:
            stream.end()
            await asyncio.sleep(0.45)
            board.on_rows(BTC, *stream.begin())
        for reader, kept, pace in readers:
            if number % pace == 0:
                kept.take((await reader.take(wait_s=0)).events)
    assert (fast.gaps, fast.snapshots) == (3, 4)
    assert fast.updates > 280
    assert slow.snapshots >= 2
