"""How is one HTTP request read and answered, whatever it is about?  Touches ASGI.

Bounded both ways: what a client may send, how long it may take to send it, and how long it may
take to read the answer.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import grpc
import orjson
from google.protobuf import json_format

from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import InvalidRequestError, Violation
from okx_gateway.edge.rest.strict_json import BODY, BODY_BYTES_MAX
from okx_gateway.edge.rest.uvicorn_connection import ABORT, CERTIFICATE, HEAD_BYTES_MAX
from okx_gateway.edge.rest.web_origin import origin_violation
from okx_gateway.edge.status import RpcStatus

_Message = MutableMapping[str, Any]
Scope = _Message
Receive = Callable[[], Awaitable[_Message]]
Send = Callable[[_Message], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]

JSON = b"application/json"
_BODY_WAIT_S = 10.0
_WRITE_WAIT_S = 10.0
_DEADLINE_HEADER = "x-deadline-ms"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK = ("127.", "::1", "::ffff:127.")
_COMMON_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)


class ClientGoneError(Exception):
    """The client has closed its connection, or reads nothing: there is nobody to answer."""


class ClientStalledError(ClientGoneError):
    """The client reads nothing."""


class HttpExchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self.method: str = scope["method"]
        # As sent: decoding first would let an encoded slash change which path it is.
        self.path: str = scope["raw_path"].decode("latin-1")
        self.query: bytes = scope["query_string"]
        self.headers: list[tuple[bytes, bytes]] = scope["headers"]
        self.extra_headers: list[tuple[bytes, bytes]] = []

    @property
    def head_too_long(self) -> bool:
        """Whether path, query and headers are longer than is allowed."""
        length = len(self.path) + len(self.query)
        return length + sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES_MAX

    @property
    def certificate(self) -> bytes | None:
        """The one that the client has shown, verified by TLS; None where there is none."""
        shown: bytes | None = self._scope.get("extensions", {}).get(CERTIFICATE)
        return shown

    def header(self, name: bytes) -> str:
        """The header of this lower-case name; empty where there is none, all where several."""
        return ", ".join(value.decode("latin-1") for key, value in self.headers if key == name)

    def check_origin(self) -> None:
        """Refuse what a web page of others asks for, where that is more than to read.

        Raises:
            InvalidRequestError: The page's origin is not the gateway's own.
        """
        if self.method in _SAFE_METHODS:
            return
        server = self._scope.get("server") or ("", 0)
        violation = origin_violation(
            self.header(b"origin"),
            self.header(b"host"),
            loopback=str(server[0]).startswith(_LOOPBACK),
        )
        if violation is not None:
            raise InvalidRequestError([violation])

    def deadline(self, *, default_s: float | None, max_s: float) -> Deadline | None:
        """The deadline that the caller gave, or the default.

        Raises:
            InvalidRequestError: What the caller gave is not a number of milliseconds.
        """
        name = _DEADLINE_HEADER.encode()
        text = self.header(name)
        if name not in (key for key, _ in self.headers):
            return None if default_s is None else Deadline.after(default_s)
        max_ms = round(max_s * 1000)
        if not (text.isascii() and text.isdigit() and len(text) <= 9 and 0 < int(text) <= max_ms):
            rule = f"must be whole milliseconds from 1 to {max_ms}"
            raise InvalidRequestError([Violation(_DEADLINE_HEADER, rule, text[:64])])
        return Deadline.after(int(text) / 1000)

    async def body(self) -> bytes:
        """The whole body.

        Raises:
            InvalidRequestError: It is too long, too slow, or not said to be JSON.
            ClientGoneError: The client has gone.
        """
        try:
            async with asyncio.timeout(_BODY_WAIT_S):
                content = await self._content()
        except TimeoutError:
            rule = f"must arrive within {_BODY_WAIT_S:.0f} s"
            raise InvalidRequestError([Violation(BODY, rule)]) from None
        kind = self.header(b"content-type").partition(";")[0].strip().lower()
        if content and kind != "application/json":
            rule = "must be application/json"
            raise InvalidRequestError([Violation("content-type", rule, kind[:64])])
        return content

    async def until_gone(self) -> None:
        """Wait until the client closes its connection; the body must have been read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    @asynccontextmanager
    async def cancelled_when_gone(self) -> AsyncIterator[None]:
        """Cancel what the block waits for once the client closes its connection.

        Raises:
            ClientGoneError: That has happened.
        """
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # an ASGI app runs in a task
        entered = True

        def cancel(gone: "asyncio.Future[None]") -> None:
            if entered and not gone.cancelled():
                task.cancel()

        gone = asyncio.ensure_future(self.until_gone())
        gone.add_done_callback(cancel)
        try:
            yield
        except asyncio.CancelledError:
            if gone.done() and not gone.cancelled() and task.uncancel() == 0:
                raise ClientGoneError from None
            raise
        finally:
            entered = False
            gone.cancel()

    async def start(self, status: int, content_type: bytes) -> None:
        """Send status and headers.

        Raises:
            ClientGoneError: As `write`.
        """
        await self._put(self._head(status, [(b"content-type", content_type)]))

    async def write(self, content: bytes, *, more: bool, wait_s: float = _WRITE_WAIT_S) -> None:
        """Send a part of the body.

        Raises:
            ClientStalledError: The client has read nothing for `wait_s`; its connection is dropped.
        """
        await self._put(_part(content, more=more), wait_s=wait_s)

    async def answer(
        self, status: int, content_type: bytes, content: bytes, headers: Headers = ()
    ) -> None:
        """Send a whole answer; to HEAD without the body."""
        length = (b"content-length", str(len(content)).encode())
        head = self._head(status, [(b"content-type", content_type), length, *headers])
        await self._put(head, _part(b"" if self.method == "HEAD" else content, more=False))

    async def answer_empty(self, headers: Headers) -> None:
        """Send an answer that has no content."""
        await self._put(self._head(204, headers), _part(b"", more=False))

    async def answer_error(self, status: RpcStatus, headers: Headers = ()) -> None:
        """Send an error: google.rpc.Status as JSON."""
        retry = status.retry_after_s
        wait = [] if retry is None else [(b"retry-after", str(retry).encode())]
        if status.grpc_code is grpc.StatusCode.UNAUTHENTICATED:
            wait = [(b"www-authenticate", b'Bearer realm="okx-gateway"')]
        await self.answer(status.http_status, JSON, status_json(status), [*wait, *headers])

    async def _content(self) -> bytes:
        content = bytearray()
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            content += message.get("body", b"")
            if len(content) > BODY_BYTES_MAX:
                # The rest is on its way still: a connection that is kept would have to read it.
                self.extra_headers.append((b"connection", b"close"))
                rule = f"must be at most {BODY_BYTES_MAX} bytes"
                raise InvalidRequestError([Violation(BODY, rule)])
            if not message.get("more_body", False):
                return bytes(content)

    def _head(self, status: int, headers: Headers) -> _Message:
        every = [*_COMMON_HEADERS, *self.extra_headers, *headers]
        return {"type": "http.response.start", "status": status, "headers": every}

    async def _put(self, *messages: _Message, wait_s: float = _WRITE_WAIT_S) -> None:
        try:
            async with asyncio.timeout(wait_s):
                for message in messages:
                    await self._send(message)
        except TimeoutError:
            self._scope.get("extensions", {}).get(ABORT, lambda: None)()
            raise ClientStalledError from None


def _part(content: bytes, *, more: bool) -> _Message:
    return {"type": "http.response.body", "body": content, "more_body": more}


def status_json(status: RpcStatus) -> bytes:
    """Write an error as callers get it over REST."""
    return orjson.dumps(json_format.MessageToDict(status.proto))
