"""What does an account hold now, by its channel, and who wants to know?

The channel itself tells everything each time that it is subscribed, and every few seconds, so
nothing has to be read. A reader that is slower gets the latest of each currency.
"""

import asyncio
import time
from typing import Self

import structlog

from okx_gateway import metric
from okx_gateway.account.balance_state import LiveBalance
from okx_gateway.account.order_feed import wall_ms
from okx_gateway.domain.balance import Balance, CurrencyBalance
from okx_gateway.domain.balance_event import BalanceChange, BalanceSnapshot, BalanceStreamEvent
from okx_gateway.domain.order_event import Resumed, Stale
from okx_gateway.okx.balance_codec import balance_from_row
from okx_gateway.okx.channel import Channel, Push, channel_of
from okx_gateway.okx.reply import Row, UnreadableReplyError

_LOG = structlog.get_logger()
ACCOUNT_CHANNEL = channel_of("account")
# Everything comes every five seconds or so. Without it the channel is not believed.
_SILENT_S_MAX = 30.0


class BalanceReader:
    """What one reader has not taken yet: at most the latest of each currency."""

    def __init__(self, feed: "BalanceFeed") -> None:
        self._feed = feed
        self._changed: dict[str, CurrencyBalance] = {}
        self._begun = False
        self._stale = False
        self._patient = True
        self._news = asyncio.Event()

    def __enter__(self) -> Self:
        self._feed.readers.add(self)
        return self

    def __exit__(self, *ended: object) -> None:
        self._feed.readers.discard(self)

    def put(self, changed: list[CurrencyBalance]) -> None:
        """Offer changes; those of the same currencies that were not taken are replaced."""
        if self._begun:
            self._changed |= {each.currency: each for each in changed}
        self._news.set()

    async def take(self, *, wait_s: float) -> list[BalanceStreamEvent]:
        """Everything new; empty where nothing came within `wait_s`."""
        events = self._take_now()
        if not events:
            try:
                async with asyncio.timeout(wait_s):
                    await self._news.wait()
            except TimeoutError:
                # It may have become useless by being silent, which nobody tells.
                events, self._patient = self._take_now(), False
            else:
                events = self._take_now()
        return events

    def _take_now(self) -> list[BalanceStreamEvent]:
        self._news.clear()
        events: list[BalanceStreamEvent] = []
        usable = self._feed.usable
        balance = self._feed.balance()
        if balance is not None and not self._begun and usable:
            events.append(BalanceSnapshot(balance, self._feed.receive_ms))
            self._begun, self._patient = True, False
        elif balance is not None and self._changed:
            events.append(_change(balance, tuple(self._changed.values()), self._feed.receive_ms))
        self._changed = {}
        if self._stale and usable:
            self._stale = False
            events.append(Resumed(wall_ms()))
        elif not (self._stale or usable or self._patient):
            self._stale = True
            events.append(Stale(wall_ms()))
        return events


class BalanceFeed:
    """The balance of `account`; `receive_ms` of our clock is when the channel told last."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._balance = LiveBalance()
        self._subscribed = False
        self._complete = False
        self._received_s = 0.0
        self._told_ms = 0
        self._news = asyncio.Event()
        self.receive_ms = 0
        self.readers: set[BalanceReader] = set()
        self._tell([])

    @property
    def usable(self) -> bool:
        """Whether the balance is as OKX has it now."""
        return self._complete and self.age_s() <= _SILENT_S_MAX

    def age_s(self) -> float:
        """Seconds since the channel told something, which all of the balance is as new as."""
        return time.monotonic() - self._received_s

    @property
    def received_s(self) -> float:
        """When that was, in s of our monotonic clock."""
        return self._received_s

    def balance(self, currencies: tuple[str, ...] = ()) -> Balance | None:
        """The balance as told last, of `currencies` where some are named; None before that."""
        return self._balance.read(currencies)

    async def told_since(self, at_ms: int, *, wait_s: float) -> bool:
        """Whether the balance is of use and was told at `at_ms` of OKX's clock or later.

        Where it is of use but older, what comes within `wait_s` counts.
        """
        try:
            async with asyncio.timeout(wait_s):
                while self.usable and self._told_ms < at_ms:
                    await self._news.wait()
        except TimeoutError:
            return False
        return self.usable

    def on_subscribed(self, channel: Channel) -> None:
        """Wait for everything to be told."""
        del channel
        self._subscribed = True

    def on_refused(self, channel: Channel, code: str) -> None:
        """Know that nothing will come."""
        del code
        self.on_lost(channel)

    def on_lost(self, channel: Channel) -> None:
        """Know that changes are being missed."""
        del channel
        self._subscribed = False
        self._become(complete=False)

    def on_stale(self, channel: Channel) -> None:
        """Believe nothing until everything is told again."""
        del channel
        self._become(complete=False)

    def on_rows(self, channel: Channel, rows: list[Row], push: Push) -> None:
        """Take what the channel tells."""
        del channel
        if not self._subscribed:
            return
        for row in rows:
            try:
                told = balance_from_row(row)
            except UnreadableReplyError as error:
                metric.row_unread("account")
                _LOG.error("a balance cannot be read", account=self._account, error=str(error))
                self._become(complete=False)
                continue
            self._take(told, push)

    def forget(self) -> None:
        """Know nothing any more."""
        self._subscribed = False
        self._balance.forget()
        self._become(complete=False)

    def _take(self, told: Balance, push: Push) -> None:
        complete = self._complete
        if push.event_type == "snapshot":
            changed = self._balance.snapshot(told, page=push.page, last_page=push.last_page)
            complete = complete or changed is not None
        else:
            changed = self._balance.update(told)
        self._received_s, self.receive_ms = time.monotonic(), push.receive_ms
        if changed is not None:
            self._told_ms = max(self._told_ms, told.update_ms)
            self._wake()
        if complete != self._complete:
            self._complete = complete
            metric.live_state("account", self._account, usable=complete)
            self._tell(changed or [])
        elif changed:
            self._tell(changed)

    def _become(self, *, complete: bool) -> None:
        self._complete = complete
        metric.live_state("account", self._account, usable=complete)
        self._wake()
        self._tell([])

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _tell(self, changed: list[CurrencyBalance]) -> None:
        for reader in self.readers:
            reader.put(changed)


def _change(
    balance: Balance, changed: tuple[CurrencyBalance, ...], receive_ms: int
) -> BalanceChange:
    return BalanceChange(
        total_equity_usd=balance.total_equity_usd,
        adjusted_equity_usd=balance.adjusted_equity_usd,
        currencies=changed,
        update_ms=balance.update_ms,
        receive_ms=receive_ms,
    )
