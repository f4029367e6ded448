"""What is answered to an HTTP request?  Touches ASGI.

Calls the same functions as gRPC does, by the routes written in the proto; a stream becomes
Server-Sent Events.
"""

import asyncio
from collections.abc import Callable
from functools import cache, partial
from importlib.resources import files

import grpc
import orjson
import structlog
from google.rpc import status_pb2

from okx_gateway import metric
from okx_gateway.domain.errors import GatewayError
from okx_gateway.edge.admission import Admission
from okx_gateway.edge.call import Call, RpcCalls
from okx_gateway.edge.caller import Identify
from okx_gateway.edge.openapi.document import openapi_document
from okx_gateway.edge.rest.event_stream import EVENT_STREAM, resume_behind, write_events
from okx_gateway.edge.rest.http_exchange import (
    JSON,
    ClientGoneError,
    ClientStalledError,
    HttpExchange,
    Receive,
    Scope,
    Send,
)
from okx_gateway.edge.rest.message_json import json_of_message
from okx_gateway.edge.rest.route import Matched, MethodNotAllowed, RouteTable
from okx_gateway.edge.rest.transcode import request_message
from okx_gateway.edge.rest.uvicorn_connection import head_rule
from okx_gateway.edge.rpc_span import HttpRoute, RpcSpan, rpc_span, trace_carrier
from okx_gateway.edge.status import RpcStatus, status_of

_LOG = structlog.get_logger()
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
    """The REST edge; `ready` gives the reasons why calls are not wanted, none where they are.

    `identify` tells who calls; what is no call is answered to everybody.

    Made in the event loop that it runs in.
    """

    def __init__(
        self,
        calls: RpcCalls,
        *,
        admission: Admission,
        ready: Callable[[], list[str]],
        default_deadline_s: float,
        max_deadline_s: float,
        stall_s: float,
        identify: Identify,
    ) -> None:
        self._calls = calls
        self._admission = admission
        self._ready = ready
        self._default_deadline_s = default_deadline_s
        self._max_deadline_s = max_deadline_s
        self._stall_s = stall_s
        self._identify = identify
        self._routes = RouteTable(calls.descriptor)
        self._stopping: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        http = HttpExchange(scope, receive, send)
        try:
            if http.head_too_long:
                await http.answer_error(_bare(grpc.StatusCode.INVALID_ARGUMENT, 431, head_rule()))
            elif not await self._answer_page(http):
                await self._answer_call(http)
        except ClientGoneError:
            return

    def end_streams(self) -> None:
        """Have every stream tell its reader that the gateway stops, and end."""
        if not self._stopping.done():
            self._stopping.set_result(None)

    async def _answer_page(self, http: HttpExchange) -> bool:
        """Answer what is not a call; whether it was."""
        page = self._page(http.path)
        if page is None:
            return False
        if http.method not in ("GET", "HEAD"):
            await _answer_method(http, ("GET",))
            return True
        status, kind, content = page
        if http.path in _DOCS:
            http.extra_headers.append((b"content-security-policy", _CONTENT_POLICY))
        await http.answer(status, kind, content)
        return True

    def _page(self, path: str) -> tuple[int, bytes, bytes] | None:
        """Status, type and content of what is not a call; None where it may be one."""
        if path == "/healthz":
            return 200, JSON, b'{"status":"ok"}'
        if path == "/readyz":
            reasons = self._ready()
            content = orjson.dumps({"ready": not reasons, "because": reasons})
            return 503 if reasons else 200, JSON, content
        if path == "/openapi.json":
            return 200, JSON, _openapi()
        return (200, *_docs_file(path)) if path in _DOCS else None

    async def _answer_call(self, http: HttpExchange) -> None:
        # A read answers HEAD as it does GET; the body is left out where it is written.
        method = "GET" if http.method == "HEAD" else http.method
        try:
            found = self._routes.match(method, http.path)
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
        method = f"{self._calls.descriptor.full_name}/{name}"
        with rpc_span(method, trace_carrier(http.headers), http=route) as span:
            http.extra_headers.append((b"x-trace-id", span.trace_id.encode()))
            try:
                http.check_origin()
                if found.route.rpc.server_streaming:
                    await self._answer_stream(http, found, span)
                else:
                    await self._answer_unary(http, found, span)
            except ClientGoneError:
                span.end_with("CANCELLED")
                raise
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # told, whatever it is
                await http.answer_error(_told(error, span))

    async def _answer_unary(self, http: HttpExchange, found: Matched, span: RpcSpan) -> None:
        name = found.route.rpc.name
        caller = await self._identify(http.headers, http.certificate)
        deadline = http.deadline(default_s=self._default_deadline_s, max_s=self._max_deadline_s)
        request = request_message(found, http.query, await http.body())
        with self._admission.call(name):
            async with http.cancelled_when_gone():
                response = await self._calls.unary[name](request, Call(name, caller, deadline))
        span.end_with("OK", http_status=200)
        await http.answer(200, JSON, json_of_message(response))

    async def _answer_stream(self, http: HttpExchange, found: Matched, span: RpcSpan) -> None:
        name = found.route.rpc.name
        caller = await self._identify(http.headers, http.certificate)
        deadline = http.deadline(default_s=None, max_s=self._max_deadline_s)
        request = request_message(found, http.query, await http.body())
        resume_behind(request, http.header(b"last-event-id"))
        with self._admission.stream():
            if http.method == "HEAD":
                await http.answer(200, EVENT_STREAM, b"")
                return
            span.end_with("OK", http_status=200)
            try:
                await write_events(
                    http,
                    self._calls.stream[name](request, Call(name, caller, deadline)),
                    deadline=deadline,
                    stopping=self._stopping,
                    told=partial(_told, span=span),
                    stall_s=self._stall_s,
                )
            except ClientStalledError:
                metric.reader_stalled(name)
                raise


def _told(error: BaseException, span: RpcSpan) -> RpcStatus:
    if not isinstance(error, GatewayError):
        _LOG.error("a call failed", exc_info=error)
    status = status_of(error)
    span.end_with(status.grpc_code.name, http_status=status.http_status)
    return status


async def _answer_method(http: HttpExchange, allowed: tuple[str, ...]) -> None:
    methods = [*allowed, *(["HEAD"] if "GET" in allowed else []), "OPTIONS"]
    allow = [(b"allow", ", ".join(methods).encode())]
    if http.method == "OPTIONS":
        await http.answer_empty(allow)
        return
    message = f"this path takes {' and '.join(allowed)}"
    await http.answer_error(_bare(grpc.StatusCode.UNIMPLEMENTED, 405, message), allow)


def _bare(code: grpc.StatusCode, http_status: int, message: str) -> RpcStatus:
    """The status of a request that is no call, and so has no reason."""
    proto = status_pb2.Status(code=code.value[0], message=message)
    return RpcStatus(code, http_status, proto, reason="", retry_after_ms=None)


@cache
def _openapi() -> bytes:
    return orjson.dumps(openapi_document())


@cache
def _docs_file(path: str) -> tuple[bytes, bytes]:
    name, kind = _DOCS[path]
    return kind, (files("okx_gateway.edge.rest") / "docs_page" / name).read_bytes()
