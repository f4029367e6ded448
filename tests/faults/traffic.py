"""Who places orders while something is broken?"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle

from tests.faults.fleet import Fleet, Replica
from tests.faults.load_stage import PRODUCTS, an_order
from tests.faults.order_watch import Followed, OrderWatch

_ORDERS_PER_S = 25.0
_RECOVERED_WAIT_S = 30.0
_PROBE_PAUSE_S = 0.1


class Traffic:
    """Orders that are placed all the time, at every gateway in turn.

    `loses` says that rows of theirs may be lost, `harm` what is done meanwhile.
    """

    def __init__(self, fleet: Fleet, watch: OrderWatch, *, harm: str, loses: bool = False) -> None:
        self._fleet = fleet
        self._watch = watch
        self._instruments = cycle(PRODUCTS)
        self.placed: list[Followed] = []
        self._loses, self._harm = loses, harm

    @asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        """Place orders for the block."""
        task = asyncio.create_task(self._flow())
        try:
            yield
        finally:
            task.cancel()

    async def recovered_s(self, replica: Replica) -> float:
        """Ask one gateway until it places an order; how long that took."""
        began_s = time.monotonic()
        while time.monotonic() < began_s + _RECOVERED_WAIT_S:
            order = self._place(replica)
            assert order.call is not None
            await asyncio.wait({order.call})
            if order.told[0][0] == "placed":
                break
            await asyncio.sleep(_PROBE_PAUSE_S)
        return time.monotonic() - began_s

    async def _flow(self) -> None:
        for replica in cycle(self._fleet.replicas):
            self._place(replica)
            await asyncio.sleep(1 / _ORDERS_PER_S)

    def _place(self, replica: Replica) -> Followed:
        order = self._watch.place(replica, an_order(next(self._instruments)))
        order.may_be_lost, order.harm = self._loses, self._harm
        self.placed.append(order)
        return order
