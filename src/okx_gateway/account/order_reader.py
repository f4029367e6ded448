"""What has one reader of an account's orders not been told yet?

Every change once, from the position on that its token names. Where that cannot be gone on from,
it is told of the gap, and then of all open orders.
"""

import asyncio
from typing import Self

from okx_gateway.account.order_feed import OrderFeed, wall_ms
from okx_gateway.account.order_log import OrderLog, Position, position_from_token
from okx_gateway.domain.errors import ReaderTooSlowError
from okx_gateway.domain.order_event import (
    NumberedChange,
    OrdersGap,
    OrdersGapReason,
    OrdersSnapshot,
    OrderStreamEvent,
    Resumed,
    Stale,
)

_CHANGES_AT_ONCE = 256
_SNAPSHOT_ORDERS = 500


class OrderReader:
    """One reader of `feed`, at most `behind_max` changes behind; to be used as a context."""

    def __init__(self, feed: OrderFeed, *, token: str, behind_max: int) -> None:
        self._feed = feed
        self._behind_max = behind_max
        self._position = position_from_token(token)
        # Whether there is something that a reader who begins anew has missed.
        self._gap = OrdersGapReason.TOKEN_UNKNOWN if token else None
        self._stale = False
        # Until OKX has had its time, a stream that has just begun is not called stale.
        self._patient = True
        self._caught_up = False
        self._news = asyncio.Event()

    def __enter__(self) -> Self:
        self._feed.join(self._news)
        return self

    def __exit__(self, *ended: object) -> None:
        self._feed.leave(self._news)

    async def take(self, *, wait_s: float) -> list[OrderStreamEvent]:
        """What is new; empty where nothing came within `wait_s`.

        Raises:
            ReaderTooSlowError: Too much has come since what was taken last.
        """
        self._news.clear()
        events = self._take_now()
        if not events:
            try:
                async with asyncio.timeout(wait_s):
                    await self._news.wait()
            except TimeoutError:
                self._patient = False
                return []
            self._news.clear()
            events = self._take_now()
        return events

    def _take_now(self) -> list[OrderStreamEvent]:
        log = self._feed.log
        events: list[OrderStreamEvent] = []
        if log is not None and not (self._position and log.has(self._position)):
            events += self._begin(log)
        if log is not None and self._position is not None and log.has(self._position):
            events += self._changes(log, self._position)
            if log.behind(self._position):
                return events
        if self._stale and self._feed.usable:
            self._stale = False
            events.append(Resumed(wall_ms()))
        elif not (self._stale or self._feed.usable or self._patient):
            self._stale = True
            events.append(Stale(wall_ms()))
        return events

    def _changes(self, log: OrderLog, position: Position) -> list[NumberedChange]:
        behind = log.behind(position)
        if self._caught_up and behind > self._behind_max:
            raise ReaderTooSlowError(behind, self._behind_max)
        changes = list(log.after(position, count_max=_CHANGES_AT_ONCE))
        self._position = Position(position.name, position.number + len(changes))
        self._patient = False
        self._caught_up = behind <= self._behind_max
        return changes

    def _begin(self, log: OrderLog) -> list[OrderStreamEvent]:
        if not self._feed.readable:
            return []
        events: list[OrderStreamEvent] = []
        if self._gap is not None:
            events.append(OrdersGap(self._gap, wall_ms()))
        self._gap = OrdersGapReason.HISTORY_LOST
        self._position = log.end
        orders = self._feed.open_orders
        for first in range(0, max(1, len(orders)), _SNAPSHOT_ORDERS):
            part = tuple(orders[first : first + _SNAPSHOT_ORDERS])
            last = first + _SNAPSHOT_ORDERS >= len(orders)
            events.append(OrdersSnapshot(part, last, str(log.end) if last else ""))
        return events
