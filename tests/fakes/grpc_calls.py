"""A gRPC server whose calls are made up, and a channel to it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import grpc
from google.protobuf.message import Message

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.edge.admission import Admission
from okx_gateway.edge.call import Call, StreamEvent
from okx_gateway.edge.caller import believed_name
from okx_gateway.edge.grpc_server import GrpcServer
from okx_gateway.settings import ListenAddress
from tests.fakes.messages import SERVICE

STREAM = f"/{SERVICE}/StreamTicker"
Answer = Callable[[Any, Call], Awaitable[Message]]
Events = Callable[[Any, Call], AsyncGenerator[Message, None]]


async def empty(_: Any, __: Call) -> Message:
    return api.GetBalanceResponse()


async def heartbeats(_: Any, __: Call) -> AsyncGenerator[Message, None]:
    while True:
        yield api.StreamTickerResponse()
        await asyncio.sleep(0.01)


class Calls:
    """Every unary call has one answer, the stream another; what came is written down."""

    descriptor = api.DESCRIPTOR.services_by_name["GatewayService"]

    def __init__(self, answer: Answer = empty, events: Events = heartbeats) -> None:
        self.came: list[tuple[Message, Call]] = []
        self._answer, self._events = answer, events
        names = [each.name for each in self.descriptor.methods if not each.server_streaming]
        self.unary = dict.fromkeys(names, self._noted)
        streams = [each.name for each in self.descriptor.methods if each.server_streaming]
        self.stream = dict.fromkeys(streams, self._noted_stream)

    async def _noted(self, request: Message, call: Call) -> Message:
        self.came.append((request, call))
        return await self._answer(request, call)

    async def _noted_stream(
        self, request: Message, call: Call
    ) -> AsyncGenerator[StreamEvent, None]:
        self.came.append((request, call))
        async with aclosing(self._events(request, call)) as events:
            async for event in events:
                yield StreamEvent(event)


class Running:
    """A server that runs, and a channel to it."""

    def __init__(self, server: GrpcServer, admission: Admission, channel: grpc.aio.Channel) -> None:
        self.server, self.admission, self.channel = server, admission, channel

    async def call(self, path: str, content: bytes = b"", timeout_s: float | None = 2.0) -> bytes:
        rpc: Any = self.channel.unary_unary(path)
        answer: bytes = await rpc(content, timeout=timeout_s)
        return answer

    def stream(self, content: bytes = b"", timeout_s: float | None = None) -> Any:
        rpc: Any = self.channel.unary_stream(STREAM)
        return rpc(content, timeout=timeout_s)


@asynccontextmanager
async def running(
    calls: Calls,
    *,
    calls_max: int = 10,
    streams_max: int = 2,
    reflect: bool = False,
    max_deadline_s: float = 60.0,
    stall_s: float = 10.0,
) -> AsyncIterator[Running]:
    admission = Admission(calls_max=calls_max, streams_max=streams_max)
    server = GrpcServer(
        calls,
        listen=ListenAddress("127.0.0.1", 0),
        admission=admission,
        reflect=reflect,
        max_deadline_s=max_deadline_s,
        stall_s=stall_s,
        identify=believed_name,
        tls=None,
    )
    address = await server.start()
    try:
        async with grpc.aio.insecure_channel(str(address)) as channel:
            yield Running(server, admission, channel)
    finally:
        await server.stop(0)
