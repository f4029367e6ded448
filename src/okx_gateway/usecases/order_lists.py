"""Does none of OKX's lists have an order that look-ups do not find?

Read before an order is called not placed: what one of OKX's services does not show yet, another
may.
"""

from dataclasses import dataclass
from functools import partial

from okx_gateway.domain.account import Account
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import BudgetExhaustedError, LedgerUnavailableError
from okx_gateway.domain.instrument import Instrument
from okx_gateway.domain.order import NewOrder
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.order_list import ListPage
from okx_gateway.usecases.ask_exchange import AskExchange

_LISTS = (Endpoint.GET_ORDERS_PENDING, Endpoint.GET_ORDERS_HISTORY, Endpoint.GET_FILLS)
# Ten thousand rows: an account with more on one instrument stays in doubt, and a person looks.
_PAGES_MAX = 100
_PAGE_WAIT_S = 5.0
# Two of OKX's own clocks may disagree by this much.
_CLOCK_TOLERANCE_MS = 5_000


@dataclass(frozen=True, slots=True)
class OrderLists:
    """Reads the lists of pending orders, of past orders and of fills."""

    ask: AskExchange

    async def lack(
        self,
        account: Account,
        instrument: Instrument,
        order: NewOrder,
        *,
        since_ms: int,
        until_ms: int,
        read: set[Endpoint],
    ) -> bool:
        """Whether all of them were read to their end and none has the order.

        OKX could only have had it from `since_ms` to `until_ms` of its clock, and that is past.
        `read` are the lists that were found to lack it since then, and gets more: many doubts at a
        time would otherwise take each other's room for ever.
        """
        for endpoint in _LISTS:
            if endpoint in read:
                continue
            if not await self._lacks(endpoint, account, instrument, order, since_ms, until_ms):
                return False
            read.add(endpoint)
        return True

    async def _lacks(  # noqa: PLR0917  # as `lack`, for one list
        self,
        endpoint: Endpoint,
        account: Account,
        instrument: Instrument,
        order: NewOrder,
        since_ms: int,
        until_ms: int,
    ) -> bool:
        after = ""
        route = self.ask.charges.of_read(endpoint)
        for _ in range(_PAGES_MAX):
            send = partial(
                self.ask.exchange.orders_page,
                account.name,
                endpoint,
                instrument,
                after=after,
                begin_ms=since_ms - _CLOCK_TOLERANCE_MS,
                end_ms=until_ms + _CLOCK_TOLERANCE_MS,
            )
            try:
                page = await self.ask.in_slot(
                    account.owner, route, Deadline.after(_PAGE_WAIT_S), send
                )
            except (BudgetExhaustedError, LedgerUnavailableError):
                return False
            if not isinstance(page, ListPage):
                return False
            if any(each.client_order_id == order.client_order_id for each in page.orders):
                return False
            if not page.after:
                return True
            after = page.after
        return False
