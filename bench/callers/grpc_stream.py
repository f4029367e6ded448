"""How are tickers read over gRPC by many readers?  Touches the network through grpc.aio.

The bare stream is read in the same way. Messages are counted, not read.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc

from bench.order_plan import OrderPlan
from bench.pace import Pace, Tally, Work
from okx_gateway.api.v1 import gateway_service_pb2 as api

_STREAM_TICKER = "/okx_gateway.api.v1.GatewayService/StreamTicker"
_CHANNELS = 4
_OPTIONS = (("grpc.use_local_subchannel_pool", 1),)
_PROBE_WAIT_S = 10.0


@asynccontextmanager
async def connected(plan: OrderPlan, target: str) -> AsyncIterator[tuple[Pace, dict[str, Any]]]:
    """Connect; what is learnt is the size of a message."""
    request = _request(plan.streamed)
    async with AsyncExitStack() as stack:
        methods: list[Any] = []
        for _ in range(_CHANNELS):
            channel = grpc.aio.insecure_channel(target, _OPTIONS)
            await stack.enter_async_context(channel)
            methods.append(channel.unary_stream(_STREAM_TICKER))
        # One instrument: the gateway keeps a subscription for a while, which is not to be measured.
        first = methods[0](_request(plan.streamed[:1]), timeout=_PROBE_WAIT_S)
        message: bytes = await anext(aiter(first))
        first.cancel()
        yield _StreamPace(methods, request), {"message_bytes": len(message)}


def _request(instruments: Sequence[str]) -> bytes:
    return api.StreamTickerRequest(instruments=instruments).SerializeToString()


class _StreamPace:
    """Reads `at_once` streams, spread over the channels of `methods`."""

    def __init__(self, methods: list[Any], request: bytes) -> None:
        self._methods = methods
        self._request = request

    async def run(self, work: Work) -> Tally:
        """Read for the time that `work` says; a latency is the time since the message before."""
        tally = Tally()
        start_s = time.perf_counter()
        readers = (
            self._read(self._methods[number % len(self._methods)], work.seconds, tally)
            for number in range(work.at_once)
        )
        await asyncio.gather(*readers)
        tally.seconds = time.perf_counter() - start_s
        return tally

    async def _read(self, method: Any, seconds: float, tally: Tally) -> None:
        stream = method(self._request)
        last_s = time.perf_counter()
        try:
            async with asyncio.timeout(seconds):
                async for _ in stream:
                    now_s = time.perf_counter()
                    tally.add(now_s - last_s)
                    last_s = now_s
        except TimeoutError:
            pass
        except grpc.aio.AioRpcError as error:
            tally.add(0.0, error)
        finally:
            stream.cancel()
