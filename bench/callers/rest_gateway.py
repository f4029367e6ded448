"""How is PlaceOrder called over REST?  Touches the network through aiohttp."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson

from bench.callers.order_message import DEADLINE_S, order_fields, order_requests
from bench.order_plan import OrderPlan
from bench.pace import CallPace, Pace

_HEADERS = {"content-type": "application/json", "x-deadline-ms": str(int(DEADLINE_S * 1000))}


class CallRefusedError(Exception):
    """An answer that is none of success."""


@asynccontextmanager
async def connected(plan: OrderPlan, target: str) -> AsyncIterator[tuple[Pace, dict[str, Any]]]:
    """Connect to the gateway at `target`."""
    requests = order_requests(plan)
    async with aiohttp.ClientSession(f"http://{target}", headers=_HEADERS) as session:

        async def call() -> None:
            request = next(requests)
            async with session.post(
                f"/v1/accounts/{request.account}/orders", data=orjson.dumps(order_fields(request))
            ) as response:
                content = await response.read()
                if not response.ok:
                    raise CallRefusedError(content.decode(errors="replace"))

        await call()
        yield CallPace(call), {}
