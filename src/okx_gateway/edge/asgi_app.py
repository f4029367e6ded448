"""What is answered to an HTTP request?  Touches ASGI.

Calls the same functions as gRPC does, by the routes written in the proto; a stream becomes
Server-Sent Events.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import cache
from importlib.resources import files

import grpc
import orjson
import structlog
from google.protobuf.message import Message
from google.rpc import status_pb2

from okx_gateway.api.v1 import gateway_service_pb2
from okx_gateway.domain.errors import GatewayError, StoppingError
from okx_gateway.edge.admission import Admission
from okx_gateway.edge.call import SERVICE, Call, GatewayCalls
from okx_gateway.edge.http_exchange import (
    JSON,
    HttpExchange,
    Receive,
    Scope,
    Send,
    status_json,
)
from okx_gateway.edge.message_json import json_of_message
from okx_gateway.edge.route import Matched, MethodNotAllowed, RouteTable
from okx_gateway.edge.rpc_span import HttpRoute, RpcSpan, rpc_span, trace_carrier
from okx_gateway.edge.status import RpcStatus, status_of
from okx_gateway.edge.transcode import request_message

_LOG = structlog.get_logger()
# Callers are not told apart yet; a journal row has to belong to somebody.
_CALLER = "unauthenticated"
# A stream that is refused fails at once; one that has nothing to tell yet is begun after this.
_FIRST_EVENT_WAIT_S = 1.0
_EVENT_STREAM = b"text/event-stream"
_DOCS = {
    "/docs": ("index.html", b"text/html; charset=utf-8"),
    "/docs/docs.css": ("docs.css", b"text/css; charset=utf-8"),
    "/docs/docs.js": ("docs.js", b"text/javascript; charset=utf-8"),
}
_CONTENT_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    b"img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class AsgiApp:
    """The REST edge; `ready` gives the reasons why calls are not wanted, none where they are."""

    def __init__(
        self,
        calls: GatewayCalls,
        *,
        admission: Admission,
        ready: Callable[[], list[str]],
        default_deadline_s: float,
        max_deadline_s: float,
    ) -> None:
        self._calls = calls
        self._admission = admission
        self._ready = ready
        self._default_deadline_s = default_deadline_s
        self._max_deadline_s = max_deadline_s
        service = gateway_service_pb2.DESCRIPTOR.services_by_name["GatewayService"]
        self._routes = RouteTable(service)
        self._streams: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        http = HttpExchange(scope, receive, send)
        try:
            if not await self._answer_page(http):
                await self._answer_call(http)
        except (ConnectionError, TimeoutError):
            return  # the client has gone, or reads nothing: there is nobody to tell

    def end_streams(self) -> None:
        """Have every stream tell its reader that the gateway stops, and end."""
        for stream in self._streams:
            stream.cancel()

    async def _answer_page(self, http: HttpExchange) -> bool:
        """Answer what is not a call; whether it was."""
        if http.path == "/healthz":
            content = JSON, b'{"status":"ok"}'
        elif http.path == "/readyz":
            reasons = self._ready()
            content = JSON, orjson.dumps({"ready": not reasons, "because": reasons})
            if reasons and http.method in ("GET", "HEAD"):
                await http.answer(503, *content)
                return True
        elif http.path == "/openapi.json":
            content = JSON, _openapi()
        elif http.path in _DOCS:
            content = _docs_file(http.path)
            http.extra_headers.append((b"content-security-policy", _CONTENT_POLICY))
        else:
            return False
        if http.method in ("GET", "HEAD"):
            await http.answer(200, *content)
        else:
            await _answer_method(http, ("GET", "HEAD"))
        return True

    async def _answer_call(self, http: HttpExchange) -> None:
        try:
            found = self._routes.match(http.method, http.path)
        except GatewayError as error:
            await http.answer_error(status_of(error))
            return
        if found is None:
            await http.answer_error(_bare(grpc.StatusCode.NOT_FOUND, 404, "no such path"))
        elif isinstance(found, MethodNotAllowed):
            await _answer_method(http, found.allow)
        else:
            await self._answer_route(http, found)

    async def _answer_route(self, http: HttpExchange, found: Matched) -> None:
        name = found.route.rpc.name
        route = HttpRoute(http.method, found.route.path)
        with rpc_span(f"{SERVICE}/{name}", trace_carrier(http.headers), http=route) as span:
            http.extra_headers.append((b"x-trace-id", span.trace_id.encode()))
            try:
                if found.route.rpc.server_streaming:
                    await self._answer_stream(http, found, span)
                else:
                    await self._answer_unary(http, found, span)
            except (ConnectionError, TimeoutError, asyncio.CancelledError):
                raise
            except Exception as error:  # noqa: BLE001  # told to the caller, whatever it is
                status = _told(error, span)
                await http.answer_error(status)

    async def _answer_unary(self, http: HttpExchange, found: Matched, span: RpcSpan) -> None:
        name = found.route.rpc.name
        with self._admission.call():
            deadline = http.deadline(default_s=self._default_deadline_s, max_s=self._max_deadline_s)
            request = request_message(found, http.query, await http.body())
            response = await self._calls.unary[name](request, Call(name, _CALLER, deadline))
        span.end_with("OK", http_status=200)
        await http.answer(200, JSON, json_of_message(response))

    async def _answer_stream(self, http: HttpExchange, found: Matched, span: RpcSpan) -> None:
        name = found.route.rpc.name
        with self._admission.stream():
            deadline = http.deadline(default_s=None, max_s=self._max_deadline_s)
            request = request_message(found, http.query, await http.body())
            events = self._calls.stream[name](request, Call(name, _CALLER, deadline))
            async with aclosing(events):
                first = asyncio.ensure_future(anext(events))
                try:
                    await asyncio.wait({first}, timeout=_FIRST_EVENT_WAIT_S)
                    if first.done() and isinstance(first.exception(), GatewayError):
                        first.result()
                    await http.start(200, _EVENT_STREAM)
                    span.end_with("OK", http_status=200)
                    await self._write_until_end(http, first, events, span)
                finally:
                    first.cancel()
                    await asyncio.gather(first, return_exceptions=True)

    async def _write_until_end(
        self,
        http: HttpExchange,
        first: "asyncio.Future[Message]",
        events: AsyncGenerator[Message, None],
        span: RpcSpan,
    ) -> None:
        """Write events until the client goes, the gateway stops or the stream fails."""
        writing = asyncio.ensure_future(_write_events(http, first, events))
        gone = asyncio.ensure_future(http.until_gone())
        self._streams.add(writing)
        try:
            await asyncio.wait({writing, gone}, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                return
            error = StoppingError() if writing.cancelled() else writing.exception()
            if error is not None and not isinstance(error, ConnectionError | TimeoutError):
                # The HTTP status is out already: the stream itself has to tell.
                await http.write(_event("error", status_json(_told(error, span))), more=True)
            await http.write(b"", more=False)
        finally:
            self._streams.discard(writing)
            for task in (writing, gone):
                task.cancel()
            await asyncio.gather(writing, gone, return_exceptions=True)


async def _write_events(
    http: HttpExchange, first: "asyncio.Future[Message]", events: AsyncGenerator[Message, None]
) -> None:
    await http.write(b": open\n\n", more=True)
    try:
        await http.write(_named_event(await first), more=True)
    except StopAsyncIteration:
        return
    async for event in events:
        await http.write(_named_event(event), more=True)


def _named_event(event: Message) -> bytes:
    """An event named after what it holds, such as `ticker` or `gap`."""
    oneof = event.DESCRIPTOR.oneofs[0].name if event.DESCRIPTOR.oneofs else ""
    name = event.WhichOneof(oneof) if oneof else None
    return _event(name or "message", json_of_message(event))


def _event(name: str, content: bytes) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), content)


def _told(error: BaseException, span: RpcSpan) -> RpcStatus:
    if not isinstance(error, GatewayError):
        _LOG.error("a call failed", exc_info=error)
    status = status_of(error)
    span.end_with(status.grpc_code.name, http_status=status.http_status)
    return status


async def _answer_method(http: HttpExchange, allowed: tuple[str, ...]) -> None:
    allow = [(b"allow", ", ".join((*allowed, "OPTIONS")).encode())]
    if http.method == "OPTIONS":
        await http.answer(204, JSON, b"", allow)
        return
    message = f"this path takes {' and '.join(allowed)}"
    await http.answer_error(_bare(grpc.StatusCode.UNIMPLEMENTED, 405, message), allow)


def _bare(code: grpc.StatusCode, http_status: int, message: str) -> RpcStatus:
    """The status of a request that is no call, and so has no reason."""
    proto = status_pb2.Status(code=code.value[0], message=message)
    return RpcStatus(code, http_status, proto, reason="", retry_after_ms=None)


@cache
def _openapi() -> bytes:
    from okx_gateway.edge.openapi import openapi_document  # noqa: PLC0415

    return orjson.dumps(openapi_document())


@cache
def _docs_file(path: str) -> tuple[bytes, bytes]:
    name, kind = _DOCS[path]
    return kind, (files("okx_gateway.edge") / "docs_page" / name).read_bytes()
