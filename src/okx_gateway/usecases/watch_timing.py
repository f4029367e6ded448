"""What do OKX's answers tell of time, and does what rests on it still hold?

OKX says when an order arrived and when it was processed. The way there tells how wide windows have
to be; the time between is how long an order may take to show, which the margin on which the proof
of absence rests has to cover many times over.
"""

import asyncio
import time

from okx_gateway import metric
from okx_gateway.domain.order import Placed
from okx_gateway.domain.recent_delays import RecentDelays
from okx_gateway.usecases.alarms import Alarm, Alarms
from okx_gateway.usecases.learn_jitter import LearnJitter

_PAUSE_S = 10.0
_FIRST_PAUSE_S = 0.5
# The alarm sounds while queue times of the last hour come nearer to the margin than this part.
_MARGIN_PARTS = 4
# As finely as queue times are told apart where that is a quarter of the margin.
_STEPS = 250


class WatchTiming:
    """Watches the answers to orders; see the module."""

    def __init__(
        self, jitter: LearnJitter, alarms: Alarms, *, validity_ms: int, margin_ms: int
    ) -> None:
        metric.settings_in_force(validity_s=validity_ms / 1000, margin_s=margin_ms / 1000)
        self._jitter = jitter
        self._alarms = alarms
        self._queue_us_max = margin_ms * 1000 // _MARGIN_PARTS
        self._queue_times = RecentDelays(step_us=max(1_000, self._queue_us_max // _STEPS))

    def placed(self, owner: str, window: str, *, slot_us: int, placed: Placed) -> None:
        """Take OKX's answer to an order whose slot began at `slot_us` of the ledger's clock."""
        if not placed.receive_us:
            return
        # What OKX tells in ms is cut off, and may seem to lie before.
        queue_us = max(0, placed.place_ms * 1000 - placed.receive_us)
        metric.queued(window, queue_us / 1e6)
        self._queue_times.add(queue_us, time.monotonic())
        self._jitter.arrived(owner, slot_us=slot_us, receive_us=placed.receive_us)

    def least_jitter_ms(self) -> int:
        """By how much every replica widens windows at least."""
        return self._jitter.least_ms()

    async def run(self) -> None:
        """Judge and share what was seen, for ever."""
        while True:
            await self.judge()
            await asyncio.sleep(_PAUSE_S if self._jitter.shared else _FIRST_PAUSE_S)

    async def judge(self) -> None:
        """Judge and share what was seen."""
        late_us = self._queue_times.late_us(time.monotonic()) or 0
        metric.queue_time_late(late_us / 1e6)
        if late_us > self._queue_us_max:
            self._alarms.sound(
                Alarm.QUEUE_TIME,
                for_s=2 * _PAUSE_S,
                queue_time_s=late_us / 1e6,
                margin_s=self._queue_us_max * _MARGIN_PARTS / 1e6,
            )
        self._alarms.end_old()
        await self._jitter.share()
