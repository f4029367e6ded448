"""What does StreamBalance promise?  The balance, then what changes, no silence unexplained."""

from collections.abc import AsyncGenerator

from okx_gateway.account.balance_feed import BalanceReader
from okx_gateway.account.live_accounts import LiveAccounts
from okx_gateway.account.order_feed import wall_ms
from okx_gateway.custody.account_register import AccountRegister
from okx_gateway.domain.balance_event import BalanceStreamEvent
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.market_notice import Heartbeat

_FIND_S = 5.0
_HEARTBEAT_S = 5.0


class StreamBalance:
    """Streams balances; see the module."""

    def __init__(self, *, accounts: AccountRegister, live: LiveAccounts) -> None:
        self._accounts = accounts
        self._live = live

    async def __call__(self, account_name: str) -> AsyncGenerator[BalanceStreamEvent, None]:
        """Stream what an account holds; a slow reader gets the latest of each currency.

        Raises:
            GatewayError: The account cannot be used.
        """
        account = await self._accounts.find(account_name, Deadline.after(_FIND_S))
        with self._live.held_balance(account.name) as feed, BalanceReader(feed) as reader:
            while True:
                events = await reader.take(wait_s=_HEARTBEAT_S)
                for event in events:
                    yield event
                if not events:
                    yield Heartbeat(wall_ms())
