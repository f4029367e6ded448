"""How is PlaceOrder called over gRPC?  Touches the network through grpc.aio.

The echo is called in the same way with the same bytes. Answers are not read, only their status.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import cycle
from typing import Any

import grpc

from bench.callers.order_message import DEADLINE_S, PLACE_ORDER, order_requests
from bench.order_plan import OrderPlan
from bench.pace import CallPace, Pace

_CHANNELS = 2
# Otherwise channels to one address share one connection.
_OPTIONS = (("grpc.use_local_subchannel_pool", 1),)


class CallFailedError(Exception):
    """A call that ended with an error; its code and what was said."""


@asynccontextmanager
async def connected(plan: OrderPlan, target: str) -> AsyncIterator[tuple[Pace, dict[str, Any]]]:
    """Connect; what is learnt are the sizes of an order and of its answer."""
    requests = order_requests(plan)
    async with AsyncExitStack() as stack:
        methods: list[Any] = []
        for _ in range(_CHANNELS):
            channel = grpc.aio.insecure_channel(target, _OPTIONS)
            await stack.enter_async_context(channel)
            methods.append(channel.unary_unary(PLACE_ORDER))
        next_method = cycle(methods)

        async def call() -> bytes:
            content = next(requests).SerializeToString()
            try:
                answer: bytes = await next(next_method)(content, timeout=DEADLINE_S)
            except grpc.aio.AioRpcError as error:
                raise CallFailedError(f"{error.code().name}: {error.details()}") from None
            return answer

        async def call_and_forget() -> None:
            await call()

        sizes = {
            "request_bytes": len(next(requests).SerializeToString()),
            "response_bytes": len(await call()),
        }
        yield CallPace(call_and_forget), sizes
