from collections.abc import Sequence
from typing import Any

import pytest

from okx_simulator.event import TickerUpdated, TradeHappened
from okx_simulator.websocket.channel import CHANNELS
from okx_simulator.websocket.channel_market import CADENCES, MarketFeed
from okx_simulator.websocket.session import Subscription

SECOND = 1_000_000


class _Rows:
    """A market that a test sets by hand."""

    def __init__(self) -> None:
        self.levels = [["3", "1", "0", "1"]]
        self.seq_id = 10
        self.data: list[Any] = [{"last": "1", "ts": "1"}]

    def book(self, inst_id: str, depth: int) -> dict[str, Any]:
        levels = self.levels[:depth]
        return {"asks": levels, "bids": levels, "ts": "1", "seqId": self.seq_id}

    def rows(self, channel: str, subject: str) -> Sequence[Any]:
        return self.data


def _sub(name: str, subject: str = "BTC-USDT", **words: str) -> Subscription:
    word = "instType" if name == "instruments" else "instId"
    named = {word: subject} if CHANNELS[name].subject else {}
    return Subscription(CHANNELS[name], "", tuple((named | words).items()))


def _due(feed: MarketFeed, now_us: int) -> list[dict[str, Any]]:
    return [frame for _, frame in feed.due(now_us)]


def test_a_subscription_begins_with_the_present() -> None:
    feed = MarketFeed(_Rows())
    assert feed.begin(_sub("tickers"), 0) == [
        {
            "arg": {"channel": "tickers", "instId": "BTC-USDT"},
            "data": [{"last": "1", "ts": "1"}],
        }
    ]


def test_a_change_is_told_once_and_not_before_the_interval_is_over() -> None:
    rows = _Rows()
    feed = MarketFeed(rows)
    feed.begin(_sub("tickers"), 0)
    rows.data = [{"last": "2", "ts": "2"}]
    assert _due(feed, 99_999) == []
    assert [frame["data"] for frame in _due(feed, 100_000)] == [[{"last": "2", "ts": "2"}]]
    assert _due(feed, 200_000) == []


def test_a_new_time_stamp_alone_is_no_change() -> None:
    rows = _Rows()
    feed = MarketFeed(rows)
    feed.begin(_sub("tickers"), 0)
    rows.data = [{"last": "1", "ts": "999"}]
    assert _due(feed, 10 * SECOND) == []


@pytest.mark.parametrize(("name", "cadence"), [(n, c) for n, c in CADENCES.items() if c.repeat_us])
def test_without_change_a_channel_repeats_itself_on_time(name: str, cadence: Any) -> None:
    feed = MarketFeed(_Rows())
    assert feed.begin(_sub(name), 0)
    assert _due(feed, cadence.repeat_us - 1) == []
    assert len(_due(feed, cadence.repeat_us)) == 1


def test_every_subscription_of_a_topic_gets_its_own_arg() -> None:
    rows = _Rows()
    feed = MarketFeed(rows)
    plain, wordy = _sub("tickers"), _sub("tickers", instType="SPOT")
    feed.begin(plain, 0)
    feed.begin(wordy, 0)
    rows.data = [{"last": "2"}]
    pushes = dict(feed.due(SECOND))
    assert pushes[plain]["arg"] == {"channel": "tickers", "instId": "BTC-USDT"}
    assert pushes[wordy]["arg"]["instType"] == "SPOT"


def test_what_ended_is_not_pushed_any_more() -> None:
    rows = _Rows()
    feed = MarketFeed(rows)
    feed.begin(_sub("tickers"), 0)
    feed.end(_sub("tickers"))
    feed.end(_sub("tickers"))
    rows.data = [{"last": "2"}]
    assert _due(feed, SECOND) == []


def test_books_chain_from_the_snapshot_on() -> None:
    rows = _Rows()
    feed = MarketFeed(rows)
    first = feed.begin(_sub("books"), 0)[0]
    assert (first["action"], first["data"][0]["prevSeqId"]) == ("snapshot", -1)
    last = first["data"][0]["seqId"]
    for n in range(1, 4):
        rows.levels, rows.seq_id = [["3", str(n + 1), "0", "1"]], 10 + n
        (frame,) = _due(feed, n * SECOND)
        assert (frame["action"], frame["data"][0]["prevSeqId"]) == ("update", last)
        last = frame["data"][0]["seqId"]


def test_a_late_subscriber_joins_the_chain_of_the_others() -> None:
    rows = _Rows()
    feed = MarketFeed(rows)
    feed.begin(_sub("books"), 0)
    rows.levels, rows.seq_id = [["3", "2", "0", "1"]], 20
    late = feed.begin(_sub("books"), 50_000)[0]["data"][0]
    assert (late["seqId"], late["asks"]) == (10, [["3", "1", "0", "1"]])
    (frame,) = _due(feed, SECOND)
    assert (frame["data"][0]["prevSeqId"], frame["data"][0]["seqId"]) == (10, 20)


def test_a_quiet_book_says_after_a_minute_that_it_is_alive() -> None:
    rows = _Rows()
    feed = MarketFeed(rows)
    feed.begin(_sub("books"), 0)
    rows.seq_id = 77
    (frame,) = _due(feed, 60 * SECOND)
    row = frame["data"][0]
    assert (row["asks"], row["bids"], row["prevSeqId"], row["seqId"]) == ([], [], 10, 10)
    rows.levels = [["3", "9", "0", "1"]]
    (frame,) = _due(feed, 61 * SECOND)
    assert frame["data"][0]["prevSeqId"] == 10


def test_small_books_are_told_whole() -> None:
    rows = _Rows()
    rows.levels = [[str(n), "1", "0", "1"] for n in range(9)]
    feed = MarketFeed(rows)
    five = feed.begin(_sub("books5"), 0)[0]
    assert "action" not in five
    assert (five["data"][0]["instId"], len(five["data"][0]["asks"])) == ("BTC-USDT", 5)
    best = feed.begin(_sub("bbo-tbt"), 0)[0]["data"][0]
    assert (set(best), len(best["bids"])) == ({"asks", "bids", "ts", "seqId"}, 1)


def test_trades_are_pushed_at_once_and_only_those_of_the_instrument() -> None:
    feed = MarketFeed(_Rows())
    assert feed.begin(_sub("trades"), 0) == []
    feed.begin(_sub("trades-all"), 0)
    row = {"instId": "BTC-USDT", "tradeId": "5", "px": "1", "sz": "1", "side": "buy", "ts": "1"}
    pushes = [frame for _, frame in feed.note(TradeHappened("BTC-USDT", row))]
    assert pushes[0]["data"] == [{**row, "count": "1", "seqId": 5}]
    assert pushes[1]["data"] == [row]
    assert not list(feed.note(TradeHappened("ETH-USDT", row)))
    assert not list(feed.note(TickerUpdated("BTC-USDT")))
    assert _due(feed, 100 * SECOND) == []


def test_candles_come_once_a_second_at_most() -> None:
    rows = _Rows()
    rows.data = [["1", "2", "3"]]
    feed = MarketFeed(rows)
    assert feed.begin(_sub("candle1m"), 0)[0]["data"] == [["1", "2", "3"]]
    rows.data = [["1", "2", "4"]]
    assert _due(feed, SECOND - 1) == []
    assert len(_due(feed, SECOND)) == 1


def test_a_channel_with_nothing_to_tell_begins_silently() -> None:
    rows = _Rows()
    rows.data = []
    feed = MarketFeed(rows)
    assert feed.begin(_sub("status"), 0) == []
    rows.data = [{"state": "scheduled"}]
    assert len(_due(feed, SECOND)) == 1
