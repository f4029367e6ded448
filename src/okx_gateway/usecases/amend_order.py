"""What does AmendOrder promise?  One amend of an order at a time, and no more said than is known.

An amend names OKX's id of the order, since a caller's id may be used again at OKX.
"""

import asyncio
from typing import assert_never

from okx_gateway.access.policy import OrderLimits
from okx_gateway.domain import errors
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.order import (
    Amend,
    Conflict,
    NewValues,
    NotPlaced,
    Order,
    OrderName,
    Placed,
    Refused,
)
from okx_gateway.ledger.order_record import OrderRecord
from okx_gateway.okx.signature import timestamp_text
from okx_gateway.okx.verdict import Absent, Found, NoEvidence
from okx_gateway.usecases import order_rules
from okx_gateway.usecases.ask_exchange import AskExchange
from okx_gateway.usecases.check_limits import CheckLimits
from okx_gateway.usecases.find_order import FindOrder, MeantOrder
from okx_gateway.usecases.market_reads import Asker
from okx_gateway.usecases.resolve_order import Doubt, ResolveOrder
from okx_gateway.usecases.send_amend import FINISHED, Amendment, SendAmend
from okx_gateway.usecases.supervisor import Supervisor


class AmendOrder:
    """Amends orders; see the module."""

    def __init__(
        self,
        *,
        find: FindOrder,
        ask: AskExchange,
        resolve: ResolveOrder,
        send: SendAmend,
        supervisor: Supervisor,
        check_limits: CheckLimits,
    ) -> None:
        self._find = find
        self._ask = ask
        self._resolve = resolve
        self._send = send
        self._supervisor = supervisor
        self._check_limits = check_limits

    async def __call__(
        self,
        account_name: str,
        name: OrderName,
        instrument_name: str,
        values: NewValues,
        *,
        caller: str,
        deadline: Deadline,
        limits: OrderLimits | None = None,
    ) -> Amend:
        """Amend an order, unless that made it larger than `limits` allow, or its price another.

        Raises:
            AmendOutcomeUnknownError: OKX may or may not carry the amend out.
            OrderNotFoundError: Neither the gateway nor OKX knows the order.
            GatewayError: Every other one says that this call did not change the order.
        """
        # The caller may go or run out of time; what becomes of the amend has to be known.
        task = self._supervisor.start(
            self._amend(
                account_name,
                name,
                instrument_name,
                values,
                asker=Asker(caller, deadline),
                limits=limits,
            )
        )
        done, _ = await asyncio.wait({task}, timeout=max(0.0, deadline.remaining_s()))
        if not done or task.cancelled():
            raise self._send.unknown_from_now(str(name))
        return task.result()

    async def _amend(
        self,
        account_name: str,
        name: OrderName,
        instrument_name: str,
        values: NewValues,
        *,
        asker: Asker,
        limits: OrderLimits | None,
    ) -> Amend:
        caller, until = asker.caller, asker.deadline
        meant = await self._find(account_name, name, instrument_name, until)
        wrong = order_rules.amend_violations(values, meant.instrument)
        if wrong:
            raise errors.InvalidRequestError(wrong)
        if limits is not None:
            await self._check_limits.of_amend(values, meant.instrument, limits, asker)
        exchange_order_id, place_ms = name.exchange_order_id, None
        if meant.record is not None:
            placed = await self._placed_as(meant, meant.record, until)
            exchange_order_id, place_ms = placed.exchange_order_id, placed.place_ms
        elif not exchange_order_id:
            order = await self._known_to_okx(meant, caller, until)
            exchange_order_id = order.exchange_order_id
            if order.state in FINISHED:
                return Amend(
                    FINISHED[order.state], name.client_order_id, exchange_order_id, order.update_ms
                )
        return await self._send(
            Amendment(
                account=meant.account,
                instrument=meant.instrument,
                client_order_id=name.client_order_id,
                exchange_order_id=exchange_order_id,
                values=values,
                caller=caller,
                deadline=until,
                place_ms=place_ms,
            )
        )

    async def _placed_as(self, meant: MeantOrder, record: OrderRecord, until: Deadline) -> Placed:
        """How OKX has placed an order that the gateway was asked to place."""
        client_order_id, outcome = record.order.client_order_id, record.outcome
        if outcome is None:
            outcome = await self._resolve.soon(
                Doubt.of(record, meant.account, meant.instrument), until
            )
        match outcome:
            case Placed():
                return outcome
            case Refused() | NotPlaced():
                raise errors.OrderNotFoundError(client_order_id=client_order_id)
            case Conflict(difference):
                raise errors.OrderConflictError(client_order_id, first_difference=difference)
            case None:
                resolve_ms = self._resolve.resolve_ms(record.expiry_ms)
                raise errors.OrderInDoubtError(
                    client_order_id, resolve_time=timestamp_text(resolve_ms)
                )
            case _:
                assert_never(outcome)

    async def _known_to_okx(self, meant: MeantOrder, caller: str, until: Deadline) -> Order:
        """An order that the gateway did not place, by the id that its caller gave it."""
        seen = await self._ask.look_up(
            meant.account, meant.instrument, meant.name, until, caller=caller
        )
        match seen:
            case Found(order, _):
                return order
            case Absent():
                if meant.unread is not None:
                    raise meant.unread
                raise errors.OrderNotFoundError(client_order_id=meant.name.client_order_id)
            case NoEvidence(cause, code) if code:
                raise errors.ExchangeRefusedError(okx_code=code, okx_message=cause)
            case NoEvidence(cause, _):
                raise errors.ExchangeUnavailableError(cause)
            case _:
                assert_never(seen)
