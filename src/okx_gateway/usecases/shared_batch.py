"""How do orders of several callers share one batch request, each keeping its own promise?

OKX counts orders in batches apart from single ones, and allows five times as many. What the budget
grants from there gathers here for a moment, by account and instrument, and leaves together. A batch
of one would be counted as a single order, which it was not granted as: it is not sent.
"""

import asyncio
from dataclasses import dataclass, field

from okx_gateway.domain.instrument import Instrument
from okx_gateway.domain.order import NewOrder
from okx_gateway.okx.exchange_client import ExchangeClient
from okx_gateway.okx.verdict import InDoubt, PlaceVerdict
from okx_gateway.usecases.supervisor import Supervisor

# OKX docs v5, "POST / Place multiple orders".
_ORDERS_MAX = 20
_GATHER_S = 0.015
# Within the time that a slot is good for.
_WAIT_FOR_MATE_S = 0.035
# A batch expires with the first of its orders: one that is about to would take the others with it.
_LEFT_MS_MIN = 150


@dataclass(frozen=True, slots=True)
class Alone:
    """No other order came; nothing was written."""


@dataclass(frozen=True, slots=True)
class _Passenger:
    order: NewOrder
    expiry_ms: int
    write_before_s: float
    verdict: "asyncio.Future[PlaceVerdict | Alone]"


@dataclass(eq=False, slots=True)
class _Pen:
    """Orders of one account and instrument that leave together."""

    instrument: Instrument
    passengers: list[_Passenger] = field(default_factory=list)
    gathered: bool = False


class SharedBatch:
    """Gathers orders and sends them in batches."""

    def __init__(self, exchange: ExchangeClient, supervisor: Supervisor) -> None:
        self._exchange = exchange
        self._supervisor = supervisor
        self._pens: dict[tuple[str, str], _Pen] = {}

    async def place(
        self,
        order: NewOrder,
        instrument: Instrument,
        *,
        expiry_ms: int,
        left_ms: int,
        write_before_s: float,
    ) -> PlaceVerdict | Alone:
        """Send `order` together with others, before `write_before_s` of our monotonic clock.

        `expiry_ms` is of OKX's clock, and `left_ms` away.
        """
        if left_ms < _LEFT_MS_MIN:
            return Alone()
        loop = asyncio.get_running_loop()
        key = (order.account, order.instrument)
        pen = self._pens.get(key)
        if pen is None:
            pen = self._pens[key] = _Pen(instrument)
            loop.call_later(_GATHER_S, self._gathered, key, pen)
            loop.call_later(_WAIT_FOR_MATE_S, self._leave, key, pen)
        passenger = _Passenger(order, expiry_ms, write_before_s, loop.create_future())
        pen.passengers.append(passenger)
        if len(pen.passengers) == _ORDERS_MAX or pen.gathered:
            self._leave(key, pen)
        return await passenger.verdict

    def _gathered(self, key: tuple[str, str], pen: _Pen) -> None:
        pen.gathered = True
        if len(pen.passengers) > 1:
            self._leave(key, pen)

    def _leave(self, key: tuple[str, str], pen: _Pen) -> None:
        if self._pens.get(key) is not pen:
            return  # it has left already
        del self._pens[key]
        if len(pen.passengers) == 1:
            pen.passengers[0].verdict.set_result(Alone())
            return
        self._supervisor.follow_up(self._send(pen))

    async def _send(self, pen: _Pen) -> None:
        passengers = [each for each in pen.passengers if not each.verdict.done()]
        verdicts: list[PlaceVerdict] = [InDoubt("the batch failed")] * len(passengers)
        try:
            verdicts = await self._exchange.place_batch(
                [each.order for each in passengers],
                pen.instrument,
                expiry_ms=min(each.expiry_ms for each in passengers),
                write_before_s=min(each.write_before_s for each in passengers),
            )
        finally:
            for each, verdict in zip(passengers, verdicts, strict=True):
                if not each.verdict.done():
                    each.verdict.set_result(verdict)
