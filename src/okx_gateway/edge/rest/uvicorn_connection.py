"""How is one HTTP connection kept within bounds?  Touches uvicorn's protocol.

uvicorn bounds neither the length of a request's head nor the time that it takes, and cannot drop
a client that stops reading.
"""

import asyncio
import ssl
from typing import Any, cast

import orjson
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

# Name in the ASGI scope's extensions of the function that drops the connection at once.
ABORT = "okx_gateway.abort"
# As ABORT: the certificate that the client has shown and TLS has verified, in DER.
CERTIFICATE = "okx_gateway.certificate"
HEAD_BYTES_MAX = 32 * 1024
_HEAD_WAIT_S = 10.0
_FIRST_BYTE_WAIT_S = 75.0
_INVALID_ARGUMENT, _RESOURCE_EXHAUSTED = 3, 8


class UvicornConnection(HttpToolsProtocol):
    """A connection whose head, waits and number have bounds.

    `config.limit_concurrency` is how many there may be at once; uvicorn would count requests too,
    and answer them in plain text.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._connections_max, self.limit_concurrency = self.limit_concurrency, None
        self._head_bytes = 0
        self._in_head = False
        self._timer: asyncio.TimerHandle | None = None
        self._certificate: bytes | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to count; one connection too many is told so and closed."""
        super().connection_made(transport)
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        self._certificate = tls.getpeercert(binary_form=True) if tls else None
        if self._connections_max is not None and len(self.connections) > self._connections_max:
            limit = f"the gateway is at its limit of {self._connections_max} connections"
            self._refuse(429, _RESOURCE_EXHAUSTED, limit)
            return
        self._close_after(_FIRST_BYTE_WAIT_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the waits."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, as long as the head does not grow too long."""
        head_goes_on = self._in_head
        super().data_received(data)
        if self._in_head and head_goes_on:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self._refuse(431, _INVALID_ARGUMENT, head_rule())

    def on_message_begin(self) -> None:
        """Begin a head, which has to end in time."""
        self._in_head = True
        self._head_bytes = 0
        self._close_after(_HEAD_WAIT_S)
        super().on_message_begin()
        extensions = {ABORT: self.transport.abort, CERTIFICATE: self._certificate}
        self.scope["extensions"] = extensions  # type: ignore[typeddict-item]

    def on_headers_complete(self) -> None:
        """End a head; the app checks its length where it came at once."""
        self._in_head = False
        self._stop_timer()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP in JSON, as every other error is."""
        self._stop_timer()
        self._refuse(400, _INVALID_ARGUMENT, msg)

    def _refuse(self, http_status: int, code: int, message: str) -> None:
        """Close; with an answer, unless one is being written already."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is None or cycle.response_complete:
            body = orjson.dumps({"code": code, "message": message, "details": []})
            head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n"
            self.transport.write(STATUS_LINE[http_status] + head % len(body) + b"\r\n" + body)
        self.transport.close()

    def _close_after(self, wait_s: float) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(wait_s, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def head_rule() -> str:
    """The bound on a request's head, in words."""
    return f"request line and headers must be at most {HEAD_BYTES_MAX} bytes"
