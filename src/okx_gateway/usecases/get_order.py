"""What does GetOrder promise?  What OKX says of an order, or what is known of its placing.

The channel of the account's orders may say it where OKX would say the same, or where the caller
takes an answer of that age.
"""

import time
from dataclasses import dataclass, field, replace

from okx_gateway.account.live_accounts import LiveAccounts
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import (
    ExchangeRefusedError,
    ExchangeUnavailableError,
    OrderNotFoundError,
)
from okx_gateway.domain.order import ENDED, Order, OrderName, Outcome, Placed
from okx_gateway.okx.verdict import Absent, Found, NoEvidence
from okx_gateway.usecases.ask_exchange import AskExchange
from okx_gateway.usecases.find_order import FindOrder, MeantOrder
from okx_gateway.usecases.resolve_order import Doubt, ResolveOrder


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """What is known; `outcome` is None while in doubt, until `resolve_ms` of OKX's clock.

    `order` is None where OKX does not have it, or has forgotten it; it was so at `received_s` of
    our monotonic clock.
    """

    outcome: Outcome | None
    order: Order | None = None
    resolve_ms: int = 0
    received_s: float = field(default_factory=time.monotonic, compare=False, repr=False)

    def age_s(self) -> float:
        """Seconds since the order was certainly so."""
        return time.monotonic() - self.received_s


class GetOrder:
    """Looks orders up; see the module."""

    def __init__(
        self, *, find: FindOrder, live: LiveAccounts, ask: AskExchange, resolve: ResolveOrder
    ) -> None:
        self._find = find
        self._live = live
        self._ask = ask
        self._resolve = resolve

    async def __call__(
        self,
        account_name: str,
        name: OrderName,
        instrument_name: str,
        *,
        max_age_s: float | None = None,
        caller: str,
        deadline: Deadline,
    ) -> OrderAnswer:
        """Say what became of an order; of an open one as it was at most `max_age_s` ago.

        None where only OKX's answer to this call will do.

        Raises:
            OrderNotFoundError: Neither the gateway nor OKX knows it.
            GatewayError: OKX could not be asked, or gave no usable answer.
        """
        meant = await self._find(account_name, name, instrument_name, deadline)
        if meant.record is None:
            known = self._known(meant, meant.name, max_age_s)
            if known is not None:
                return known
            order = await self._look_up(meant, meant.name, caller, deadline)
            if order is None and meant.unread is not None:
                raise meant.unread
            if order is None:
                raise OrderNotFoundError(
                    client_order_id=name.client_order_id, exchange_order_id=name.exchange_order_id
                )
            return OrderAnswer(Placed(order.exchange_order_id, order.place_ms), order)
        outcome = meant.record.outcome
        if outcome is None:
            doubt = Doubt.of(meant.record, meant.account, meant.instrument)
            outcome = await self._resolve.soon(doubt, deadline)
        if outcome is None:
            return OrderAnswer(None, None, self._resolve.resolve_ms(meant.record.expiry_ms))
        if not isinstance(outcome, Placed):
            return OrderAnswer(outcome)
        placed = OrderName(exchange_order_id=outcome.exchange_order_id)
        known = self._known(meant, placed, max_age_s)
        if known is not None:
            return replace(known, outcome=outcome)
        return OrderAnswer(outcome, await self._look_up(meant, placed, caller, deadline))

    def _known(
        self, meant: MeantOrder, name: OrderName, max_age_s: float | None
    ) -> OrderAnswer | None:
        """What the channel says: that an order has ended, or what is not too old."""
        feed = self._live.orders(meant.account.name, need=max_age_s is not None)
        order = feed.find(name.exchange_order_id) if feed is not None else None
        if feed is None or order is None or order.instrument != meant.instrument.name:
            return None
        if order.state not in ENDED and time.monotonic() - feed.received_s > (max_age_s or 0.0):
            return None
        placed = Placed(order.exchange_order_id, order.place_ms)
        return OrderAnswer(placed, order, received_s=feed.received_s)

    async def _look_up(
        self, meant: MeantOrder, name: OrderName, caller: str, deadline: Deadline
    ) -> Order | None:
        match await self._ask.look_up(
            meant.account, meant.instrument, name, deadline, caller=caller
        ):
            case Found(order, _):
                return order
            case Absent():
                return None
            case NoEvidence(cause, code) if code:
                raise ExchangeRefusedError(okx_code=code, okx_message=cause)
            case NoEvidence(cause, _):
                raise ExchangeUnavailableError(cause)
