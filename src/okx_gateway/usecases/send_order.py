"""How does a granted order get to the wire: when, by itself or with others, and still in time?

It is written at most once under a grant. Where its slot passes first nothing is written, and it may
be granted anew.
"""

import asyncio
import time
from dataclasses import dataclass

from okx_gateway.domain.instrument import Instrument
from okx_gateway.domain.order import NewOrder
from okx_gateway.ledger.grant import Granted, renew_at_s
from okx_gateway.okx.exchange_client import ExchangeClient
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.verdict import PlaceVerdict, Unsent
from okx_gateway.usecases.shared_batch import Alone, SharedBatch

_BATCH_ROUTE = 1


@dataclass(frozen=True, slots=True)
class Missed:
    """The slot passed and nothing was written; `alone` where no other order shared the batch."""

    cause: str
    alone: bool = False


class SendOrder:
    """Sends granted orders; see the module."""

    def __init__(
        self,
        *,
        exchange: ExchangeClient,
        clock: ExchangeClock,
        batch: SharedBatch,
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._batch = batch

    async def __call__(
        self, order: NewOrder, instrument: Instrument, granted: Granted
    ) -> PlaceVerdict | Missed:
        """Wait for the slot and write the order once, or not at all."""
        renew_s = renew_at_s(granted.slot_s, granted.wait_s)
        if renew_s is not None:
            # What has arrived since, or the loss of the ledger, may have changed what was promised.
            await asyncio.sleep(renew_s - time.monotonic())
            return Missed("its slot is asked for again before it is used")
        if granted.wait_s:
            await asyncio.sleep(granted.slot_s - time.monotonic())
        if self._clock.latest_ms() >= granted.expiry_ms:
            return Missed("it was held up until its validity passed")
        if granted.route == _BATCH_ROUTE:
            shared = await self._batch.place(
                order,
                instrument,
                expiry_ms=granted.expiry_ms,
                left_ms=granted.expiry_ms - self._clock.latest_ms(),
                write_before_s=granted.until_s,
            )
            if isinstance(shared, Alone):
                return Missed("no other order came to share the batch", alone=True)
            verdict = shared
        else:
            verdict = await self._exchange.place(
                order, instrument, expiry_ms=granted.expiry_ms, write_before_s=granted.until_s
            )
        if isinstance(verdict, Unsent) and verdict.late:
            return Missed(verdict.cause)
        return verdict
