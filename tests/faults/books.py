"""What does the exchange have, what was written to it, and what does the journal say?

Asks the simulator's control API, and Redis without a gateway, which would look for what is open.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from redis.asyncio import Redis

from tests.support.running import Exchange

_PLACING = frozenset(
    {
        *(("POST", "/api/v5/trade/order"), ("POST", "/api/v5/trade/batch-orders")),
        *(("private", "order"), ("private", "batch-orders")),
    }
)


class Books:
    """Orders in the books and writes of orders on the wire, both by the caller's id.

    Every `read` adds what is new, so that a long run is never read twice.
    """

    def __init__(self, exchange: Exchange) -> None:
        self.held: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
        self.written: Counter[str] = Counter()
        self._exchange = exchange
        self._after, self._since = 0, 0

    async def read(self) -> None:
        """Take in what has happened since the last time."""
        for order in await self._exchange.orders(after=self._after):
            self.held[order["clOrdId"]].append(order)
            self._after = int(order["ordId"])
        for entry in await self._exchange.requests(self._since):
            self._since = entry["number"]
            if (entry["method"], entry["target"]) in _PLACING:
                self.written.update(order["cl_ord_id"] for order in entry["orders"])


async def states(redis_url: str) -> dict[str, str]:
    """The state of every order on record, by the caller's id."""
    redis = Redis.from_url(redis_url, decode_responses=True)
    try:
        keys = [key async for key in redis.scan_iter("*:order:*", count=1_000)]
        pipeline = redis.pipeline(transaction=False)
        for key in keys:
            pipeline.hget(key, "state")
        found = await pipeline.execute()
    finally:
        await redis.aclose()
    return {key.rpartition(":")[2]: str(state) for key, state in zip(keys, found, strict=True)}
