"""How does an account's channel of orders stay without a hole?

The channel tells nothing of what happened before it was subscribed. So whenever it begins anew,
OKX's lists are read, and what they say more than was known is told first; what the channel tells
meanwhile waits. A while later they are read once more, for a list may lag behind the channel. Where
OKX refuses the channel, the lists are read again and again in its place.
"""

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any

import structlog

from okx_gateway import metric
from okx_gateway.account.order_log import OrderLog
from okx_gateway.account.order_state import LiveOrders, OrderReading, PushedOrder
from okx_gateway.domain.errors import GatewayError
from okx_gateway.domain.order import Order
from okx_gateway.domain.order_event import OrderChange
from okx_gateway.okx.channel import Channel, Push, channel_of
from okx_gateway.okx.order_change_codec import counted_order_from_row, fill_from_push
from okx_gateway.okx.reply import Row, UnreadableReplyError

_LOG = structlog.get_logger()
ORDERS_CHANNEL = channel_of("orders", instType="ANY")
# What is told of one moment may be stamped by two of OKX's clocks.
_CLOCK_TOLERANCE_MS = 5_000
# OKX forgets orders that were cancelled unfilled after two hours.
_HOLE_S_MAX = 3_600.0
# So many times lists that do not add up are read again; they agree a moment later, or never.
_READINGS_MAX = 5
_PAUSE_S_MAX = 5.0
_LOOK_AGAIN_S = 5.0
_WITHOUT_CHANNEL_S = 5.0
_PUSHES_WAITING_MAX = 20_000

ReadLists = Callable[[int, Mapping[str, Order]], Awaitable[OrderReading]]
"""Reads what was placed and filled since a time of OKX's clock, and the orders that were open."""


class OrderFeed:
    """The orders of `account`, told by the channel and by `read`; see the module.

    `now_ms` tells OKX's clock. `kept_max` changes can be read again.
    """

    def __init__(
        self, account: str, read: ReadLists, *, now_ms: Callable[[], int], kept_max: int
    ) -> None:
        self._account = account
        self._read = read
        self._now_ms = now_ms
        self._kept_max = kept_max
        self._orders = LiveOrders()
        self._waiting: list[PushedOrder] = []
        self._begun_ms = 0
        self._lost_s = self._received_s = time.monotonic()
        self._reading: asyncio.Task[None] | None = None
        self._readers: set[asyncio.Event] = set()
        self.log: OrderLog | None = None
        # Whether open orders and the log are as OKX has them now, and as it had them lately.
        self.usable = False
        self.readable = False
        self._tell_usable()

    @property
    def open_orders(self) -> list[Order]:
        """Open orders; right as long as the feed is usable."""
        return list(self._orders.open_orders.values())

    def find(self, exchange_order_id: str) -> Order | None:
        """The order as the channel tells it; None where it is not known or the channel is down."""
        return self._orders.find(exchange_order_id) if self.usable else None

    @property
    def received_s(self) -> float:
        """When all that was told was certainly true, in s of our monotonic clock."""
        return self._received_s

    def join(self, news: asyncio.Event) -> None:
        """Set `news` whenever there is something new, until `leave`."""
        self._readers.add(news)

    def leave(self, news: asyncio.Event) -> None:
        """Set it no longer."""
        self._readers.discard(news)

    def on_subscribed(self, channel: Channel) -> None:
        """Catch up with what was missed."""
        del channel
        self._begin(self._catch_up())

    def on_refused(self, channel: Channel, code: str) -> None:
        """Follow the lists, for the channel will tell nothing."""
        del code
        self.on_lost(channel)
        self._begin(self._follow_lists())

    def on_lost(self, channel: Channel) -> None:
        """Know that changes are being missed."""
        del channel
        if self.usable:
            self._lost_s = time.monotonic()
        self.close()

    def on_stale(self, channel: Channel) -> None:
        """Find out whether there is nothing to tell, or the channel does not tell it."""
        if self.usable:
            self.on_lost(channel)
            self._begin(self._catch_up())

    def on_rows(self, channel: Channel, rows: list[Row], push: Push) -> None:
        """Tell what the rows say, at once or behind what was missed."""
        del channel
        pushed = [each for each in (self._read_row(row, push) for row in rows) if each is not None]
        if self.usable:
            self._received_s = time.monotonic()
            changes = (self._orders.push(each) for each in pushed)
            self._tell([change for change in changes if change is not None])
        elif self._reading is not None:
            self._waiting += pushed
            if len(self._waiting) > _PUSHES_WAITING_MAX:
                self.log = None
                self._begin(self._catch_up())

    def forget(self) -> None:
        """Know nothing any more; tokens of before are of no use."""
        self.close()
        self.log = None

    def close(self) -> None:
        """Be of no use until the channel is subscribed again."""
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        self._waiting = []
        self.readable = False
        if self.usable:
            self.usable = False
            self._tell_usable()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self.close()
        self._reading = asyncio.get_running_loop().create_task(work)
        self._reading.add_done_callback(_report)

    async def _catch_up(self) -> None:
        await self._read_until_it_adds_up()
        self.usable = True
        self._tell_usable()
        await asyncio.sleep(_LOOK_AGAIN_S)
        before_ms = int(_LOOK_AGAIN_S * 1000)
        since_ms = max(self._orders.since_ms - before_ms, self._begun_ms)
        try:
            reading = await self._read(since_ms - _CLOCK_TOLERANCE_MS, self._orders.open_orders)
        except GatewayError as error:
            _LOG.info("orders not read once more", account=self._account, error=str(error))
            return
        self._tell(self._orders.recover(reading, (), receive_ms=wall_ms()) or ())

    async def _follow_lists(self) -> None:
        while True:
            await self._read_until_it_adds_up()
            self._lost_s = time.monotonic()
            await asyncio.sleep(_WITHOUT_CHANNEL_S)

    async def _read_until_it_adds_up(self) -> None:
        """Tell what was missed, and after it what the channel has told since."""
        begun_ms, begun_s = self._now_ms(), time.monotonic()
        if time.monotonic() - self._lost_s > _HOLE_S_MAX:
            self.log = None
        readings = 0
        while not await self._read_once(begun_ms):
            readings += 1
            if readings % _READINGS_MAX == 0 and self.log is not None:
                _LOG.error("changes of orders are lost", account=self._account)
                self.log = None
            pause_s = random.uniform(0, min(_PAUSE_S_MAX, 0.05 * 2**readings))  # noqa: S311  # no secret
            await asyncio.sleep(pause_s)
        self._received_s = begun_s
        metric.lists_read(self._account)

    async def _read_once(self, begun_ms: int) -> bool:
        """Whether what was read adds up; nothing is taken otherwise."""
        new = self.log is None
        since_ms = begun_ms if new else self._orders.since_ms
        known = {} if new else self._orders.open_orders
        try:
            reading = await self._read(since_ms - _CLOCK_TOLERANCE_MS, known)
        except GatewayError as error:
            _LOG.warning("orders not read", account=self._account, error=str(error))
            return False
        if new:
            self._orders.begin(reading, since_ms=begun_ms)
            self._begun_ms = begun_ms
            reading = OrderReading((), ())
        changes = self._orders.recover(reading, self._waiting, receive_ms=wall_ms())
        if changes is None:
            return False
        if new:
            self.log = OrderLog(secrets.token_hex(6), kept_max=self._kept_max)
        self._waiting = []
        self.readable = True
        self._tell(changes)
        return True

    def _read_row(self, row: Row, push: Push) -> PushedOrder | None:
        try:
            return PushedOrder(counted_order_from_row(row), fill_from_push(row), push.receive_ms)
        except UnreadableReplyError as error:
            metric.row_unread("orders")
            _LOG.error("a row of an order cannot be read", account=self._account, error=str(error))
            return None

    def _tell(self, changes: Iterable[OrderChange]) -> None:
        if self.log is not None:
            self.log.add(changes)
        for news in self._readers:
            news.set()

    def _tell_usable(self) -> None:
        metric.live_state("orders", self._account, usable=self.usable)
        for news in self._readers:
            news.set()


def wall_ms() -> int:
    """Ms of our own clock, for people; never subtracted from OKX's."""
    return int(time.time() * 1000)


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _LOG.error("orders are not followed any more", exc_info=task.exception())
