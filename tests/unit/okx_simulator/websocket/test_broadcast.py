import json
from collections.abc import Sequence
from typing import Any

from okx_simulator.event import OrderUpdated, TickerUpdated, TradeHappened
from okx_simulator.websocket.broadcast import Broadcast
from okx_simulator.websocket.channel import CHANNELS
from okx_simulator.websocket.channel_account import AccountFeed
from okx_simulator.websocket.channel_market import MarketFeed
from okx_simulator.websocket.session import Subscription

ROW = {"instType": "SPOT", "instId": "BTC-USDT", "tradeId": "5"}
TICKERS = Subscription(CHANNELS["tickers"], "", (("instId", "BTC-USDT"),))
TRADES = Subscription(CHANNELS["trades"], "", (("instId", "BTC-USDT"),))
ORDERS = Subscription(CHANNELS["orders"], "u1", (("instType", "ANY"),))


class _Rows:
    def __init__(self) -> None:
        self.price = 1

    def book(self, inst_id: str, depth: int) -> dict[str, Any]:
        return {"asks": [], "bids": [], "ts": "1", "seqId": 1}

    def rows(self, channel: str, subject: str) -> Sequence[Any]:
        return [{"last": self.price}]

    def balance(self, uid: str, currencies: Sequence[str]) -> dict[str, Any]:
        return {}

    def positions(self, uid: str) -> Sequence[dict[str, Any]]:
        return []

    def balance_and_position(self, uid: str) -> dict[str, Any]:
        return {}


class _Socket:
    def __init__(self) -> None:
        self.pushed: list[tuple[str, Any]] = []

    def push(self, text: str, channel: str) -> None:
        self.pushed.append((channel, json.loads(text)["data"]))


class _Wake:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def _broadcast(rows: _Rows | None = None) -> Broadcast:
    rows = rows or _Rows()
    return Broadcast(MarketFeed(rows), AccountFeed(rows))


def test_all_who_are_subscribed_get_a_push_and_nobody_else() -> None:
    rows = _Rows()
    broadcast = _broadcast(rows)
    first, second, other = _Socket(), _Socket(), _Socket()
    for socket in (first, second):
        assert broadcast.begin(socket, TICKERS, 0)[0]["data"] == [{"last": 1}]
    broadcast.begin(other, TRADES, 0)
    rows.price = 2
    broadcast.flush(1_000_000)
    assert first.pushed == second.pushed == [("tickers", [{"last": 2}])]
    assert other.pushed == []


def test_events_wait_until_they_are_told_and_wake_once() -> None:
    broadcast, socket, wake = _broadcast(), _Socket(), _Wake()
    broadcast.begin(socket, ORDERS, 0)
    broadcast.begin(socket, TRADES, 0)
    broadcast.hear(OrderUpdated("u1", ROW), wake)
    broadcast.hear(TradeHappened("BTC-USDT", ROW), wake)
    assert (socket.pushed, wake.count) == ([], 1)
    broadcast.tell(0)
    assert [channel for channel, _ in socket.pushed] == ["orders", "trades"]
    broadcast.tell(0)
    assert len(socket.pushed) == 2
    broadcast.hear(OrderUpdated("u1", ROW), wake)
    assert wake.count == 2


def test_nothing_is_kept_for_nobody() -> None:
    broadcast, wake = _broadcast(), _Wake()
    broadcast.hear(OrderUpdated("u1", ROW), wake)
    broadcast.begin(_Socket(), TICKERS, 0)
    broadcast.hear(TickerUpdated("BTC-USDT"), wake)
    assert wake.count == 0


def test_the_feed_goes_on_until_the_last_socket_left() -> None:
    rows = _Rows()
    broadcast = _broadcast(rows)
    first, second = _Socket(), _Socket()
    broadcast.begin(first, TICKERS, 0)
    broadcast.begin(second, TICKERS, 0)
    broadcast.end(first, TICKERS)
    broadcast.end(first, TICKERS)
    rows.price = 2
    broadcast.flush(1_000_000)
    assert (len(first.pushed), len(second.pushed)) == (0, 1)
    broadcast.end(second, TICKERS)
    broadcast.end(second, TICKERS)
    rows.price = 3
    broadcast.flush(2_000_000)
    assert len(second.pushed) == 1
