"""What do OKX's lists say of all orders of an account?

Read to catch up with a channel of orders. Within the budget, of which look-ups that end doubts keep
their own.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from okx_gateway.account.order_state import OrderReading
from okx_gateway.custody.account_register import AccountRegister
from okx_gateway.domain.account import Account
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import ExchangeUnavailableError
from okx_gateway.domain.instrument import InstrumentType
from okx_gateway.domain.order import Order, OrderName
from okx_gateway.domain.order_event import Fill
from okx_gateway.ledger.charge import LIVE_STATE
from okx_gateway.market.instrument_catalog import InstrumentCatalog
from okx_gateway.okx.account_list import AccountList
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.order_change_codec import counted_order_from_row
from okx_gateway.okx.reply import UnreadableReplyError
from okx_gateway.okx.verdict import Found
from okx_gateway.usecases.ask_exchange import AskExchange

# Ten thousand rows: more than an account may have open, or is worth going on with.
_PAGES_MAX = 100
_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class ReadOrders:
    """Reads the lists; see the module."""

    accounts: AccountRegister
    instruments: InstrumentCatalog
    ask: AskExchange

    async def __call__(
        self, account_name: str, since_ms: int, known: Mapping[str, Order]
    ) -> OrderReading:
        """Read open orders, those placed since `since_ms` of OKX's clock, `known` ones, and fills.

        The fills last, so that they are not older than what orders have filled.

        Raises:
            GatewayError: It could not be read, or not all of it.
        """
        account = await self.accounts.find(account_name, Deadline.after(_WAIT_S))
        found, _ = await self._list(account, AccountList(Endpoint.GET_ORDERS_PENDING))
        past = await asyncio.gather(
            *(
                self._list(account, AccountList(Endpoint.GET_ORDERS_HISTORY, kind, since_ms))
                for kind in InstrumentType
            )
        )
        found += [order for orders, _ in past for order in orders]
        for order_id in known.keys() - {order.exchange_order_id for order in found}:
            found.append(await self._look_up(account, known[order_id]))
        _, fills = await self._list(account, AccountList(Endpoint.GET_FILLS, begin_ms=since_ms))
        return OrderReading(found, fills)

    async def _list(self, account: Account, wanted: AccountList) -> tuple[list[Order], list[Fill]]:
        route = self.ask.charges.of_read(wanted.endpoint)
        orders: list[Order] = []
        fills: list[Fill] = []
        after = ""
        for _ in range(_PAGES_MAX):
            page = await self.ask.read(
                account.owner,
                route,
                Deadline.after(_WAIT_S),
                partial(self.ask.exchange.account_page, account.name, wanted, after=after),
            )
            orders += page.orders
            fills += page.fills
            after = page.after
            if not after:
                return orders, fills
        raise ExchangeUnavailableError(f"its list goes on for more than {_PAGES_MAX} pages")

    async def _look_up(self, account: Account, order: Order) -> Order:
        instrument = self.instruments.find_any(order.instrument)
        if instrument is None:
            raise ExchangeUnavailableError(f"it does not list {order.instrument} any more")
        name = OrderName(exchange_order_id=order.exchange_order_id)
        seen = await self.ask.look_up(
            account, instrument, name, Deadline.after(_WAIT_S), caller=LIVE_STATE
        )
        if not isinstance(seen, Found):
            raise ExchangeUnavailableError(f"it does not tell what became of order {name}")
        try:
            return counted_order_from_row(seen.row)
        except UnreadableReplyError as error:
            raise ExchangeUnavailableError(str(error)) from error
