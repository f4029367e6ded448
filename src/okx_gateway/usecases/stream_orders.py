"""What does StreamOrders promise?  Every change of an account's orders once, or a gap that is told.

Never conflated. A token says where a reader goes on, at the replica that gave it.
"""

from collections.abc import AsyncGenerator

from okx_gateway.account.live_accounts import LiveAccounts
from okx_gateway.account.order_feed import wall_ms
from okx_gateway.account.order_reader import OrderReader
from okx_gateway.custody.account_register import AccountRegister
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.market_notice import Heartbeat
from okx_gateway.domain.order_event import OrderStreamEvent

_FIND_S = 5.0
_HEARTBEAT_S = 5.0


class StreamOrders:
    """Streams changes of orders; see the module."""

    def __init__(self, *, accounts: AccountRegister, live: LiveAccounts) -> None:
        self._accounts = accounts
        self._live = live

    async def __call__(
        self, account_name: str, token: str
    ) -> AsyncGenerator[OrderStreamEvent, None]:
        """Stream what happens to orders, behind `token` or else from now on.

        Raises:
            GatewayError: The account cannot be used.
            ReaderTooSlowError: The reader has fallen behind; it can go on by its last token.
        """
        account = await self._accounts.find(account_name, Deadline.after(_FIND_S))
        with self._live.held_orders(account.name) as feed:
            behind_max = self._live.kept_max * 3 // 4
            with OrderReader(feed, token=token, behind_max=behind_max) as reader:
                while True:
                    events = await reader.take(wait_s=_HEARTBEAT_S)
                    for event in events:
                        yield event
                    if not events:
                        yield Heartbeat(wall_ms())
