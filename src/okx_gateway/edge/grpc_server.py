"""How are the calls of a service served over gRPC?  Touches grpc.aio."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Any, cast

import grpc
import structlog
from google.protobuf import message_factory
from google.protobuf.message import DecodeError, Message
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from grpc_status import rpc_status

from okx_gateway import metric
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import (
    GatewayError,
    InvalidRequestError,
    ReaderStalledError,
    StoppingError,
    Violation,
)
from okx_gateway.edge.admission import Admission
from okx_gateway.edge.call import Call, RpcCalls, StreamCall, StreamEvent, UnaryCall
from okx_gateway.edge.caller import Identify
from okx_gateway.edge.health import Health
from okx_gateway.edge.rpc_span import RpcSpan, rpc_span, trace_carrier
from okx_gateway.edge.status import status_of
from okx_gateway.edge.tls_files import TlsFiles
from okx_gateway.settings import ListenAddress

_LOG = structlog.get_logger()
_REQUEST_BYTES_MAX = 64 * 1024
_CONNECTION_STREAMS_LEAST = 1_000
# What the answer needs to be back before the caller gives up.
_ANSWER_SHARE = 0.1
_ANSWER_S_MAX = 0.05

_OPTIONS = (
    ("grpc.max_receive_message_length", _REQUEST_BYTES_MAX),
    ("grpc.max_metadata_size", 8 * 1024),
    ("grpc.so_reuseport", 0),  # a taken port is an error, not a second owner
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.max_connection_age_ms", 1_800_000),  # so that callers meet new replicas
    ("grpc.max_connection_age_grace_ms", 30_000),
)

_Context = grpc.aio.ServicerContext[bytes, bytes]


class GrpcServer:
    """Serves `calls` at `listen`, with health and, where wanted, reflection.

    `identify` tells who calls; the state of health is told to everybody. Without `tls` in clear.
    """

    def __init__(
        self,
        calls: RpcCalls,
        *,
        listen: ListenAddress,
        admission: Admission,
        reflect: bool,
        max_deadline_s: float,
        stall_s: float,
        identify: Identify,
        tls: TlsFiles | None,
    ) -> None:
        self._calls = calls
        self._service = calls.descriptor.full_name
        self._listen = listen
        self._admission = admission
        self._reflect = reflect
        self._max_deadline_s = max_deadline_s
        self._stall_s = stall_s
        self._identify = identify
        self._tls = tls
        self._streams: set[asyncio.Task[Any]] = set()
        self._health = Health(self._service)
        self._server: grpc.aio.Server | None = None

    async def start(self) -> ListenAddress:
        """Begin to serve; the address that was bound.

        Raises:
            OSError: The address cannot be bound.
        """
        # Far more than is let in: what is too much is refused here, and told so. Left to wait in
        # its caller, it would hold up a cancel behind it.
        let_in = self._admission.calls_max + self._admission.streams_max
        streams_max = max(_CONNECTION_STREAMS_LEAST, 2 * let_in)
        options = (*_OPTIONS, ("grpc.max_concurrent_streams", streams_max))
        server = grpc.aio.server(options=options)
        server.add_generic_rpc_handlers((self._handlers(),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        if self._reflect:
            names = (self._service, "grpc.health.v1.Health", reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, server)
        try:
            port = self._add_port(server)
        except RuntimeError as error:
            # One that never ran logs itself while it is freed, and whoever keeps that record
            # crashes the process (grpcio 1.85, AioServer.__dealloc__).
            await server.start()
            await server.stop(None)
            raise OSError(f"cannot listen at {self._listen}: {error}") from error
        await server.start()
        self._server = server
        return ListenAddress(self._listen.host, port)

    def tell_ready(self, *, ready: bool) -> None:
        """Say over grpc.health.v1 whether calls are wanted here."""
        self._health.tell_ready(ready=ready)

    async def stop(self, grace_s: float) -> None:
        """Refuse what is new, end streams, and let calls finish within `grace_s`."""
        self._health.stop()
        for stream in self._streams:
            stream.cancel()
        if self._server is not None:
            await self._server.stop(grace_s)

    def _handlers(self) -> grpc.GenericRpcHandler:
        handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {}
        for method in self._calls.descriptor.methods:
            kind = message_factory.GetMessageClass(method.input_type)
            if method.server_streaming:
                handlers[method.name] = grpc.unary_stream_rpc_method_handler(
                    self._stream(method.name, kind, self._calls.stream[method.name])
                )
            else:
                handlers[method.name] = grpc.unary_unary_rpc_method_handler(
                    self._unary(method.name, kind, self._calls.unary[method.name])
                )
        return grpc.method_handlers_generic_handler(self._service, handlers)

    def _unary(
        self, name: str, kind: type[Message], answer: UnaryCall
    ) -> Callable[[bytes, _Context], Awaitable[bytes]]:
        async def handle(content: bytes, context: _Context) -> bytes:
            with self._span(name, context) as span:
                try:
                    call = await self._call(name, context)
                    with self._admission.call(name):
                        response = await answer(_parse(kind, content), call)
                        return response.SerializeToString()
                except BaseException as error:
                    await _tell(context, error, span)
                    raise

        return handle

    def _stream(
        self, name: str, kind: type[Message], answer: StreamCall
    ) -> Callable[[bytes, _Context], Awaitable[None]]:
        async def handle(content: bytes, context: _Context) -> None:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101  # a handler runs in a task
            self._streams.add(task)
            with self._span(name, context) as span:
                try:
                    call = await self._call(name, context)
                    with self._admission.stream():
                        events = answer(_parse(kind, content), call)
                        await self._write_all(name, context, events)
                except asyncio.CancelledError:
                    if self._admission.closed:
                        task.uncancel()
                        await _tell(context, StoppingError(), span)
                    raise
                except BaseException as error:
                    await _tell(context, error, span)
                    raise
                finally:
                    self._streams.discard(task)

        return handle

    async def _write_all(
        self, name: str, context: _Context, events: AsyncGenerator[StreamEvent, None]
    ) -> None:
        async with aclosing(events):
            async for event in events:
                try:
                    async with asyncio.timeout(self._stall_s):
                        await context.write(event.proto)
                except TimeoutError:
                    metric.reader_stalled(name)
                    raise ReaderStalledError(round(self._stall_s * 1000)) from None

    def _span(self, name: str, context: _Context) -> RpcSpan:
        return rpc_span(f"{self._service}/{name}", trace_carrier(_metadata(context)))

    def _add_port(self, server: grpc.aio.Server) -> int:
        if self._tls is None:
            return server.add_insecure_port(str(self._listen))
        return server.add_secure_port(str(self._listen), self._tls.grpc_credentials())

    async def _call(self, name: str, context: _Context) -> Call:
        caller = await self._identify(_metadata(context), self._certificate(context))
        # None, against its type, where the caller gave no deadline.
        remaining_s = cast("float | None", context.time_remaining())
        if remaining_s is None:
            return Call(name, caller, None)
        remaining_s = min(remaining_s, self._max_deadline_s)
        remaining_s -= min(_ANSWER_S_MAX, remaining_s * _ANSWER_SHARE)
        return Call(name, caller, Deadline.after(remaining_s))

    def _certificate(self, context: _Context) -> bytes | None:
        """The one that the peer has shown, verified."""
        if self._tls is None:
            return None
        shown = cast("Mapping[str, list[bytes]]", context.auth_context()).get("x509_pem_cert")
        return shown[0] if shown else None


def _parse(kind: type[Message], content: bytes) -> Message:
    try:
        return kind.FromString(content)
    except DecodeError:
        raise InvalidRequestError(
            [Violation("request", f"is not a message of type {kind.DESCRIPTOR.name}")]
        ) from None


def _metadata(context: _Context) -> Iterable[tuple[str, str | bytes]]:
    return context.invocation_metadata() or ()


async def _tell(context: _Context, error: BaseException, span: RpcSpan) -> None:
    """End the call with the status of `error`; returns only where the caller has gone."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            return
        # Of another task: passed on as it is, the caller would wait for ever.
    if not isinstance(error, GatewayError):
        _LOG.error("a call failed", exc_info=error)
    status = status_of(error)
    span.end_with(status.grpc_code.name)
    try:
        await context.abort_with_status(rpc_status.to_status(status.proto))
    except grpc.aio.InternalError:
        # Nobody is there to be told: as any other call whose caller has gone.
        raise asyncio.CancelledError from None
