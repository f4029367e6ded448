import random
from typing import Any

import pytest

from okx_gateway.domain.order_book import BookUpdate, OrderBook
from okx_gateway.market import live_book
from okx_gateway.market.live import BrokenError
from okx_gateway.market.live_book import LiveBook
from okx_gateway.okx.channel import Push
from okx_gateway.okx.reply import Row
from tests.fakes.book_stream import BTC, BookStream
from tests.fakes.books import a_book

SNAPSHOT, UPDATE = (Push(receive_ms=7, action=word) for word in ("snapshot", "update"))


def a_row(sequence: int, previous: int = -1, **sides: list[list[str]]) -> Row:
    levels: dict[str, Any] = {"asks": [], "bids": [], **sides}
    return {**levels, "ts": "1", "checksum": 0, "prevSeqId": previous, "seqId": sequence}


def begun(sequence: int = 10) -> LiveBook:
    book = LiveBook(BTC)
    asks = [["101", "1", "0", "1"], ["102", "2", "0", "1"]]
    bids = [["99", "1", "0", "1"], ["98", "2", "0", "1"]]
    book.take([a_row(sequence, asks=asks, bids=bids)], SNAPSHOT)
    return book


def read(book: LiveBook) -> OrderBook:
    known = book.known()
    assert known is not None
    assert isinstance(known.value, OrderBook)
    return known.value


def prices(book: LiveBook) -> tuple[list[str], list[str]]:
    whole = read(book)
    return [each.price for each in whole.asks], [each.price for each in whole.bids]


def test_a_snapshot_begins_and_changes_follow_on_it() -> None:
    book = begun()
    [news] = book.take(
        [a_row(11, 10, asks=[["101", "0", "0", "0"], ["101.5", "3", "0", "2"]])], UPDATE
    )
    assert isinstance(news.value, BookUpdate)
    assert (news.value.sequence, news.value.previous_sequence) == (11, 10)
    book.take([a_row(12, 11, bids=[["100", "3", "0", "2"], ["98.0", "9", "0", "1"]])], UPDATE)
    assert prices(book) == (["101.5", "102"], ["100", "99", "98.0"])
    assert read(book).sequence == 12
    assert read(book) is read(book)


@pytest.mark.parametrize("previous", [9, 11])
def test_a_change_that_follows_on_another_state_is_a_gap(previous: int) -> None:
    with pytest.raises(BrokenError):
        begun().take([a_row(12, previous)], UPDATE)


def test_a_sign_of_life_changes_nothing() -> None:
    book = begun()
    assert book.take([a_row(10, 10)], UPDATE) == []
    assert len(book.take([a_row(11, 10)], UPDATE)) == 1
    assert book.take([a_row(11, 11)], UPDATE) == []


def test_okx_may_count_anew_in_a_change_that_follows() -> None:
    book = begun(sequence=1_000)
    book.take([a_row(3, 1_000, asks=[["103", "1", "0", "1"]])], UPDATE)
    book.take([a_row(5, 3)], UPDATE)
    assert read(book).sequence == 5
    assert prices(book)[0] == ["101", "102", "103"]


def test_a_snapshot_may_come_again_at_any_time() -> None:
    book = begun()
    [news] = book.take([a_row(500, asks=[["7", "1", "0", "1"]])], SNAPSHOT)
    assert isinstance(news.value, OrderBook)
    assert prices(book) == (["7"], [])
    book.take([a_row(501, 500)], UPDATE)


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"asks": [], "bids": []},
        a_row(11, 10, asks=[["low", "1", "0", "1"]]),
        a_row(11, 10, bids=[["1", "much", "0", "1"]]),
        {**a_row(11, 10), "seqId": "11"},
    ],
)
def test_what_cannot_be_read_is_a_gap(row: Row) -> None:
    with pytest.raises(BrokenError):
        begun().take([row], UPDATE)


def test_after_a_loss_there_is_no_book_until_a_snapshot() -> None:
    book = begun()
    book.lose()
    assert book.known() is None
    book.take([a_row(20, asks=[["7", "1", "0", "1"]])], SNAPSHOT)
    assert prices(book) == (["7"], [])


def test_changes_alone_wait_for_a_snapshot_that_joins_them() -> None:
    book = LiveBook(BTC)
    for sequence in range(6, 16):
        assert book.take([a_row(sequence, sequence - 1)], UPDATE) == []
    assert book.known() is None
    [news] = book.join(a_book(BTC, 10), book.stretch)
    assert isinstance(news.value, OrderBook)
    assert news.value.sequence == 15
    assert not book.wants_snapshot
    book.take([a_row(16, 15)], UPDATE)
    with pytest.raises(BrokenError):
        book.take([a_row(18, 17)], UPDATE)


def test_a_snapshot_may_lie_between_two_changes() -> None:
    book = LiveBook(BTC)
    book.take([a_row(5, 1), a_row(9, 5)], UPDATE)
    assert len(book.join(a_book(BTC, 7), book.stretch)) == 1
    assert read(book).sequence == 9


def test_a_snapshot_that_is_older_than_all_changes_does_not_join() -> None:
    book = LiveBook(BTC)
    book.take([a_row(9, 8)], UPDATE)
    assert book.join(a_book(BTC, 7), book.stretch) == []
    assert book.wants_snapshot
    assert len(book.join(a_book(BTC, 8), book.stretch)) == 1


def test_a_snapshot_that_is_newer_than_all_changes_is_followed_by_the_first_beyond_it() -> None:
    book = LiveBook(BTC)
    book.take([a_row(9, 8)], UPDATE)
    book.join(a_book(BTC, 20), book.stretch)
    assert book.take([a_row(15, 9), a_row(20, 15)], UPDATE) == []
    assert len(book.take([a_row(25, 18)], UPDATE)) == 1
    with pytest.raises(BrokenError):
        book.take([a_row(27, 26)], UPDATE)


def test_a_change_of_which_the_snapshot_holds_a_part_follows_on_it() -> None:
    book = LiveBook(BTC)
    book.take([a_row(8, 7)], UPDATE)
    book.join(a_book(BTC, 10), book.stretch)
    [news] = book.take([a_row(12, 9)], UPDATE)
    assert isinstance(news.value, BookUpdate)
    assert (news.value.sequence, news.value.previous_sequence) == (12, 10)


def test_a_gap_behind_a_snapshot_is_noticed_where_it_joins() -> None:
    book = LiveBook(BTC)
    book.take([a_row(9, 8), a_row(12, 11)], UPDATE)
    with pytest.raises(BrokenError):
        book.join(a_book(BTC, 8), book.stretch)
    other = LiveBook(BTC)
    other.take([a_row(9, 8)], UPDATE)
    other.join(a_book(BTC, 20), other.stretch)
    with pytest.raises(BrokenError):
        other.take([a_row(30, 25)], UPDATE)


def test_a_snapshot_asked_for_before_okx_counted_anew_does_not_join() -> None:
    book = LiveBook(BTC)
    book.take([a_row(1_001, 1_000)], UPDATE)
    asked = book.stretch
    book.take([a_row(3, 1_001), a_row(5, 3)], UPDATE)
    assert book.join(a_book(BTC, 1_000), asked) == []
    assert len(book.join(a_book(BTC, 4), book.stretch)) == 1
    assert read(book).sequence == 5


def test_a_snapshot_from_before_okx_counted_anew_is_found_out() -> None:
    book = LiveBook(BTC)
    book.take([a_row(3, 2)], UPDATE)
    book.join(a_book(BTC, 100_000), book.stretch)
    changes = [a_row(sequence, sequence - 1) for sequence in range(4, 200)]
    with pytest.raises(BrokenError):
        book.take(changes, UPDATE)


def test_a_snapshot_is_of_no_use_where_one_was_pushed_or_the_connection_lost() -> None:
    book = LiveBook(BTC)
    book.take([a_row(9, 8)], UPDATE)
    asked = book.stretch
    book.take([a_row(50)], SNAPSHOT)
    assert book.join(a_book(BTC, 9), asked) == []
    book.lose()
    assert book.join(a_book(BTC, 9), asked) == []
    assert book.known() is None


def test_changes_that_wait_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_book, "_KEPT_MAX", 5)
    book = LiveBook(BTC)
    changes = [a_row(sequence, sequence - 1) for sequence in range(1, 10)]
    with pytest.raises(BrokenError):
        book.take(changes, UPDATE)


def test_levels_beyond_what_the_channel_covers_are_given_up() -> None:
    book = begun()
    more = [[str(200 + number), "1", "0", "1"] for number in range(500)]
    less = [[f"{97 - number / 10:.1f}", "1", "0", "1"] for number in range(500)]
    book.take([a_row(11, 10, asks=more, bids=less)], UPDATE)
    asks, bids = prices(book)
    assert (len(asks), asks[0], asks[-1]) == (400, "101", "597")
    assert (len(bids), bids[0], bids[-1]) == (400, "99", "57.3")


class Watch:
    """A book that is kept from a stream of which some is lost, and what was seen of it."""

    def __init__(self, *, pushed: bool) -> None:
        self.stream, self.book = BookStream(), LiveBook(BTC)
        self.chance = random.Random(5)
        self.pushed = pushed
        self.compared = self.lost = self.noticed = 0
        self.is_missing = False

    def run(self, steps: int) -> None:
        first = self.stream.begin()
        if self.pushed:
            self.book.take(*first)
        for number, (rows, push) in enumerate(self.stream.steps(steps)):
            if self.chance.random() < 0.02:
                self.lost += 1
                self.is_missing |= self.book.known() is not None
                continue
            try:
                self.book.take(rows, push)
                if self.book.wants_snapshot and self.chance.random() < 0.3:
                    self.book.join(self.stream.rest(), self.book.stretch)
            except BrokenError:
                self.begin_anew()
            if self.book.known() is not None:
                assert not self.is_missing
                if number % 10 == 0:
                    self.compare()

    def begin_anew(self) -> None:
        self.noticed += 1
        self.is_missing = False
        self.book.lose()
        if self.pushed:
            self.stream.end()
            self.book.take(*self.stream.begin())

    def compare(self) -> None:
        """See that it is what OKX answers now."""
        whole, rest = read(self.book), self.stream.rest()
        assert (whole.asks, whole.bids) == (rest.asks, rest.bids)
        self.compared += 1


@pytest.mark.parametrize("pushed", [True, False], ids=["a pushed snapshot", "changes alone"])
def test_a_book_is_what_okx_answers_though_changes_are_lost(*, pushed: bool) -> None:
    """Each loss is noticed with the next change, and mended by a snapshot."""
    watch = Watch(pushed=pushed)
    watch.run(300)
    assert watch.lost > 1
    assert watch.noticed > 1
    assert watch.compared > 20
