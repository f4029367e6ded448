"""How is one HTTP request read and answered, whatever it is about?  Touches ASGI.

Bounded both ways: what a client may send, how long it may take to send it, and how long it may
take to read the answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import orjson
from google.protobuf import json_format

from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import InvalidRequestError, Violation
from okx_gateway.edge.status import RpcStatus
from okx_gateway.edge.strict_json import BODY, BODY_BYTES_MAX

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]

JSON = b"application/json"
_BODY_WAIT_S = 10.0
_WRITE_WAIT_S = 10.0
_DEADLINE_HEADER = "x-deadline-ms"
_COMMON_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)


class HttpExchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.method: str = scope["method"]
        # As sent: decoding first would let an encoded slash change which path it is.
        self.path: str = scope["raw_path"].decode("latin-1")
        self.query: bytes = scope["query_string"]
        self.headers: list[tuple[bytes, bytes]] = scope["headers"]
        self.extra_headers: list[tuple[bytes, bytes]] = []

    def header(self, name: bytes) -> str:
        """The first header of this lower-case name; empty where there is none."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name), "")

    def deadline(self, *, default_s: float | None, max_s: float) -> Deadline | None:
        """The deadline that the caller gave, or the default.

        Raises:
            InvalidRequestError: What the caller gave is not a number of milliseconds.
        """
        text = self.header(_DEADLINE_HEADER.encode())
        if not text:
            return None if default_s is None else Deadline.after(default_s)
        if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= max_s * 1000):
            rule = f"must be whole milliseconds from 1 to {max_s * 1000:.0f}"
            raise InvalidRequestError([Violation(_DEADLINE_HEADER, rule, text[:64])])
        return Deadline.after(int(text[:9]) / 1000)

    async def body(self) -> bytes:
        """The whole body.

        Raises:
            InvalidRequestError: It is too long, too slow, or not said to be JSON.
            ConnectionError: The client has gone.
        """
        content = bytearray()
        try:
            async with asyncio.timeout(_BODY_WAIT_S):
                while True:
                    message = await self._receive()
                    if message["type"] == "http.disconnect":
                        raise ConnectionError("the client has gone")
                    content += message.get("body", b"")
                    if len(content) > BODY_BYTES_MAX:
                        rule = f"must be at most {BODY_BYTES_MAX} bytes"
                        raise InvalidRequestError([Violation(BODY, rule)])
                    if not message.get("more_body", False):
                        break
        except TimeoutError:
            rule = f"must arrive within {_BODY_WAIT_S:.0f} s"
            raise InvalidRequestError([Violation(BODY, rule)]) from None
        kind = self.header(b"content-type").partition(";")[0].strip().lower()
        if content and kind != "application/json":
            rule = "must be application/json"
            raise InvalidRequestError([Violation("content-type", rule, kind[:64])])
        return bytes(content)

    async def until_gone(self) -> None:
        """Wait until the client closes its connection."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def start(self, status: int, content_type: bytes, headers: Headers = ()) -> None:
        """Send status and headers."""
        await self._put(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"content-type", content_type),
                    *_COMMON_HEADERS,
                    *self.extra_headers,
                    *headers,
                ],
            }
        )

    async def write(self, content: bytes, *, more: bool) -> None:
        """Send a part of the body.

        Raises:
            TimeoutError: The client has not read for 10 s.
        """
        await self._put({"type": "http.response.body", "body": content, "more_body": more})

    async def answer(
        self, status: int, content_type: bytes, content: bytes, headers: Headers = ()
    ) -> None:
        """Send a whole answer; to HEAD without the body."""
        length = (b"content-length", str(len(content)).encode())
        await self.start(status, content_type, [length, *headers])
        await self.write(b"" if self.method == "HEAD" else content, more=False)

    async def answer_error(self, status: RpcStatus, headers: Headers = ()) -> None:
        """Send an error: google.rpc.Status as JSON."""
        retry = status.retry_after_s
        wait = [] if retry is None else [(b"retry-after", str(retry).encode())]
        await self.answer(status.http_status, JSON, status_json(status), [*wait, *headers])

    async def _put(self, message: MutableMapping[str, Any]) -> None:
        async with asyncio.timeout(_WRITE_WAIT_S):
            await self._send(message)


def status_json(status: RpcStatus) -> bytes:
    """Write an error as callers get it over REST."""
    return orjson.dumps(json_format.MessageToDict(status.proto))
