"""What is known live of each account, and while who needs it?"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from okx_gateway.account.account_channel import AccountChannel, ChannelSubscriber
from okx_gateway.account.balance_feed import ACCOUNT_CHANNEL, BalanceFeed
from okx_gateway.account.order_feed import ORDERS_CHANNEL, OrderFeed, ReadLists
from okx_gateway.okx.channel import Channel

Refused = Callable[[str, str, str], None]
"""Told the account, the name of the channel and OKX's code."""


@dataclass(frozen=True, slots=True)
class _LiveAccount:
    orders: OrderFeed
    orders_channel: AccountChannel
    balance: BalanceFeed
    balance_channel: AccountChannel


class LiveAccounts:
    """Feeds of accounts by their names; only for accounts that exist.

    `now_ms` tells OKX's clock, `grace_s` how long a channel is kept that nobody needs, and
    `kept_max` how many changes of an account's orders can be read again.
    """

    def __init__(
        self,
        *,
        socket_of: Callable[[str], ChannelSubscriber],
        lists_of: Callable[[str], ReadLists],
        refused: Refused,
        now_ms: Callable[[], int],
        grace_s: float,
        kept_max: int,
    ) -> None:
        self._socket_of = socket_of
        self._lists_of = lists_of
        self._refused = refused
        self._now_ms = now_ms
        self._grace_s = grace_s
        self._accounts: dict[str, _LiveAccount] = {}
        self.kept_max = kept_max

    def orders(self, account: str, *, need: bool) -> OrderFeed | None:
        """Orders of an account; None where nobody needs them. `need` needs them for a while."""
        live = self._live(account) if need else self._accounts.get(account)
        if live is None:
            return None
        if need:
            live.orders_channel.need()
        return live.orders

    def balance(self, account: str) -> BalanceFeed:
        """Balance of an account, needed for a while from now on."""
        live = self._live(account)
        live.balance_channel.need()
        return live.balance

    @contextmanager
    def held_orders(self, account: str) -> Iterator[OrderFeed]:
        """Orders of an account, needed for the block."""
        live = self._live(account)
        with live.orders_channel.held():
            yield live.orders

    @contextmanager
    def held_balance(self, account: str) -> Iterator[BalanceFeed]:
        """Balance of an account, needed for the block."""
        live = self._live(account)
        with live.balance_channel.held():
            yield live.balance

    def close(self) -> None:
        """Let no task and no timer outlive the gateway."""
        for live in self._accounts.values():
            live.orders_channel.close()
            live.balance_channel.close()

    def _live(self, account: str) -> _LiveAccount:
        found = self._accounts.get(account)
        if found is None:
            orders = OrderFeed(
                account, self._lists_of(account), now_ms=self._now_ms, kept_max=self.kept_max
            )
            balance = BalanceFeed(account)
            socket = self._socket_of(account)
            found = _LiveAccount(
                orders,
                self._channel(account, ORDERS_CHANNEL, orders, socket),
                balance,
                self._channel(account, ACCOUNT_CHANNEL, balance, socket),
            )
            self._accounts[account] = found
        return found

    def _channel(
        self,
        account: str,
        channel: Channel,
        feed: OrderFeed | BalanceFeed,
        socket: ChannelSubscriber,
    ) -> AccountChannel:
        return AccountChannel(
            channel,
            feed,
            socket,
            grace_s=self._grace_s,
            refused=lambda code: self._refused(account, channel.name, code),
        )
