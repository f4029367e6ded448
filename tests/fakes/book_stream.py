"""The stream of a book, as the simulator makes it, on a clock that a test moves."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from okx_gateway.domain.order_book import OrderBook
from okx_gateway.okx.channel import Push
from okx_gateway.okx.order_book_codec import order_book_from_row
from okx_gateway.okx.reply import Row
from okx_simulator.websocket.channel import CHANNELS
from okx_simulator.websocket.channel_market import MarketFeed
from okx_simulator.websocket.channel_rows import ChannelRows
from okx_simulator.websocket.session import Subscription
from tests.support.trading_floor import MINE, Floor

BTC = "BTC-USDT"
STEP_S = 0.1


class BookStream:
    """What OKX pushes of the book of BTC-USDT, and what it answers over REST at the same time.

    An account trades now and then, so that not only time changes the book.
    """

    def __init__(self, seed: int = 7) -> None:
        self.floor = Floor(seed=seed)
        self._feed = MarketFeed(ChannelRows(self.floor.exchange))
        self._subscription = Subscription(CHANNELS["books"], "", (("instId", BTC),))
        self._steps = 0

    def begin(self) -> tuple[list[Row], Push]:
        """Subscribe; the snapshot."""
        [frame] = self._feed.begin(self._subscription, self._now_us())
        return _pushed(frame)

    def end(self) -> None:
        """Unsubscribe."""
        self._feed.end(self._subscription)

    def steps(self, count: int) -> Iterator[tuple[list[Row], Push]]:
        """What is pushed in so many tenths of a second."""
        for _ in range(count):
            self._steps += 1
            self.floor.wait(STEP_S)
            if self._steps % 7 == 0:
                side = "buy" if self._steps % 2 else "sell"
                self.floor.place(side, "limit", MINE, px=self._price(), sz="0.002")
            for _, frame in list(self._feed.due(self._now_us())):
                yield _pushed(frame)

    def rest(self) -> OrderBook:
        """What OKX answers over REST now."""
        [row] = self.floor.get("/market/books", instId=BTC, sz="400", source="0")
        return order_book_from_row(row, BTC, receive_ms=1)

    def _price(self) -> str:
        return str(self.floor.mark(BTC) + Decimal(self._steps % 40 - 20))

    def _now_us(self) -> int:
        return self.floor.clock.now_us()


def _pushed(frame: dict[str, Any]) -> tuple[list[Row], Push]:
    return frame["data"], Push(receive_ms=1, action=frame["action"])
