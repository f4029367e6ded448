"""Runs the REST edge alone, over real connections, before calls that a test commands."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, MutableMapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
from google.protobuf.message import Message
from structlog.testing import capture_logs

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.edge.admission import Admission
from okx_gateway.edge.call import Call, StreamEvent
from okx_gateway.edge.caller import believed_name
from okx_gateway.edge.rest.asgi_app import AsgiApp
from okx_gateway.edge.rest.rest_server import RestServer
from okx_gateway.settings import ListenAddress


class Calls:
    """Calls that a test can make fail, wait and count."""

    descriptor = api.DESCRIPTOR.services_by_name["GatewayService"]

    def __init__(self) -> None:
        self.seen: list[tuple[Message, Call]] = []
        self.error: BaseException | None = None
        self.events: list[Message | BaseException] = []
        self.open_end = True
        self.entered = asyncio.Event()
        self.released = asyncio.Event()
        self.released.set()
        self.left = asyncio.Event()
        names = [each.name for each in self.descriptor.methods if not each.server_streaming]
        self.unary = {name: self._answer(name) for name in names}
        streams = [each.name for each in self.descriptor.methods if each.server_streaming]
        self.stream = dict.fromkeys(streams, self._events)

    def _answer(self, name: str) -> Callable[..., "asyncio.Future[Message]"]:
        async def answer(request: Message, call: Call) -> Message:
            assert call.method == name
            await self._enter(request, call)
            if self.error is not None:
                raise self.error
            response: Message = getattr(api, f"{name}Response")()
            return response

        return answer  # type: ignore[return-value]  # a coroutine function serves as well

    async def _events(self, request: Message, call: Call) -> AsyncGenerator[StreamEvent, None]:
        await self._enter(request, call)
        try:
            for event in self.events:
                if isinstance(event, BaseException):
                    raise event
                yield StreamEvent(event)
            if self.open_end:
                await asyncio.Event().wait()
        finally:
            self.left.set()

    async def _enter(self, request: Message, call: Call) -> None:
        self.seen.append((request, call))
        self.entered.set()
        try:
            await self.released.wait()
        except asyncio.CancelledError:
            self.left.set()
            raise


class Edge:
    """A REST edge that serves on a free port."""

    def __init__(
        self,
        calls_max: int = 4,
        streams_max: int = 2,
        connections_max: int = 50,
        stall_s: float = 10.0,
    ) -> None:
        self.calls = Calls()
        self.reasons: list[str] = []
        self.admission = Admission(calls_max=calls_max, streams_max=streams_max)
        self.app = AsgiApp(
            self.calls,
            admission=self.admission,
            ready=lambda: self.reasons,
            default_deadline_s=5.0,
            max_deadline_s=60.0,
            stall_s=stall_s,
            identify=believed_name,
        )
        self.server = RestServer(
            self.app,
            listen=ListenAddress("127.0.0.1", 0),
            connections_max=connections_max,
            tls=None,
        )
        self.port = 0
        self.logs: list[MutableMapping[str, Any]] = []

    async def stop(self, grace_s: float = 1.0) -> None:
        self.admission.close()
        await self.server.stop(grace_s)

    async def raw(self, content: bytes, *, wait_s: float = 5.0) -> bytes:
        """Send bytes and read until the server closes or has been silent for a while."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(content)
        answer = b""
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(wait_s):
                while chunk := await reader.read(65536):
                    answer += chunk
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        return answer


@dataclass(frozen=True)
class Answer:
    """An answer that was read whole."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def reason(self) -> str:
        details = json.loads(self.text)["details"]
        reasons = [each["reason"] for each in details if each["@type"].endswith("ErrorInfo")]
        return str(reasons[0]).removeprefix("ERROR_REASON_") if reasons else ""


class Client:
    """Asks the edge, and reads whatever it answers."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def ask(self, method: str, path: str, **options: Any) -> Answer:
        async with self.session.request(method, path, **options) as answer:
            return Answer(answer.status, answer.headers, await answer.text())

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.ask("GET", path, **options)

    async def post(self, path: str, **options: Any) -> Answer:
        return await self.ask("POST", path, **options)


@asynccontextmanager
async def running_edge(**limits: Any) -> AsyncIterator[tuple[Edge, Client]]:
    edge = Edge(**limits)
    address = await edge.server.start()
    edge.port = address.port
    with capture_logs() as edge.logs:
        try:
            async with aiohttp.ClientSession(f"http://{address}") as session:
                yield edge, Client(session)
        finally:
            edge.calls.released.set()
            await edge.stop(0)
