"""How does one signed request reach OKX, and what is known when it fails?

Touches the network through aiohttp. It follows no redirect, reads no proxy from the environment,
sends no request twice, and speaks to the one host it was made for.
"""

import math
import ssl
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from enum import Enum
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.connector import Connection
from yarl import URL

from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.reply import RawReply

# Below the idle time after which OKX's side closes, so that a request rarely meets a dead socket.
_KEEPALIVE_S = 15.0
_CONNECT_TIMEOUT_S = 3.0
# Less than all of the time for a request: a connection that never comes must end as such, because
# then nothing was sent, and not as a request without an answer.
_CONNECT_SHARE = 0.7
_BODY_BYTES_MAX = 1 << 20
# All of one type come in one body.
_LONG_BODY_BYTES_MAX = 16 << 20
_LONG_BODIES = frozenset({Endpoint.GET_INSTRUMENTS, Endpoint.GET_TICKERS})


class RequestNotSentError(Exception):
    """Not one byte of the request left this process.

    `late` where it was held up until it was no longer wanted; a connection may be ready now.
    """

    def __init__(self, cause: str, *, late: bool = False) -> None:
        super().__init__(cause)
        self.late = late


class ReplyLostError(Exception):
    """The request may have been sent, and there is no usable answer."""


class _Pool(Enum):
    """Connections that are kept apart, and how many there may be.

    However many orders wait for an answer, a cancel and a look-up find a connection.
    """

    ORDERS = 100
    URGENT = 50
    READS = 20


_POOLS = {
    Endpoint.PLACE_ORDER: _Pool.ORDERS,
    Endpoint.PLACE_ORDERS: _Pool.ORDERS,
    Endpoint.AMEND_ORDER: _Pool.ORDERS,
    Endpoint.CANCEL_ORDER: _Pool.URGENT,
    Endpoint.GET_ORDER: _Pool.URGENT,
}


class _HeldUpError(Exception):
    """The time to write has passed, and nothing was written."""


class _Request(aiohttp.ClientRequest):
    """A request of which no byte is written after `write_before_s`, by our monotonic clock."""

    write_before_s = math.inf

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Begin to send over a connection that is ready."""
        if time.monotonic() > self.write_before_s:
            # Opening it may be what took so long: the next attempt shall find it open.
            conn.release()
            raise _HeldUpError
        return await super().send(conn)

    async def write_bytes(
        self, writer: AbstractStreamWriter, conn: Connection, content_length: int | None = None
    ) -> None:
        """Write head and body, in a task that may have had to wait for its turn."""
        if time.monotonic() > self.write_before_s and conn.protocol is not None:
            conn.protocol.set_exception(_HeldUpError())
            return
        await super().write_bytes(writer, conn, content_length)


class RestClient:
    """Connections to OKX's REST host `url`, such as https://www.okx.com."""

    def __init__(self, url: str, *, tls: ssl.SSLContext | None = None) -> None:
        self._origin = URL(url).origin()
        self._tls = tls
        self._sessions: dict[_Pool, aiohttp.ClientSession] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for pool in _Pool:
            self._sessions[pool] = await self._stack.enter_async_context(self._session(pool))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._sessions.clear()
        await self._stack.aclose()

    def _session(self, pool: _Pool) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=pool.value,
            keepalive_timeout=_KEEPALIVE_S,
            ssl=self._tls if self._tls is not None else True,
        )
        session = aiohttp.ClientSession(
            connector=connector,
            request_class=_Request,
            trust_env=False,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "okx-gateway", "Accept-Encoding": "identity"},
        )
        # aiohttp sends a GET again when a kept connection turns out to be closed; OKX may have
        # counted the first one. There is no public switch.
        session._retry_connection = False  # noqa: SLF001
        return session

    async def send(
        self,
        endpoint: Endpoint,
        *,
        request_path: str,
        body: bytes,
        headers: Mapping[str, str],
        timeout_s: float,
        write_before_s: float | None = None,
    ) -> RawReply:
        """Send one request, `request_path` and `body` byte for byte, and read the answer.

        After `write_before_s`, of our monotonic clock, it is no longer written.

        Raises:
            RequestNotSentError: No connection could be had, or not in time; nothing was sent.
            ReplyLostError: It may have been sent; there is no whole answer.
        """
        session = self._sessions.get(_POOLS.get(endpoint, _Pool.READS))
        if session is None:
            raise RequestNotSentError("the client is closed")
        timeout = aiohttp.ClientTimeout(
            total=timeout_s,
            connect=min(_CONNECT_TIMEOUT_S, _CONNECT_SHARE * timeout_s),
            ceil_threshold=60,
        )
        limit = _LONG_BODY_BYTES_MAX if endpoint in _LONG_BODIES else _BODY_BYTES_MAX
        sent_s = time.monotonic()
        try:
            async with session.request(
                endpoint.method,
                self._origin.join(URL(request_path, encoded=True)),
                data=body or None,
                headers=headers,
                allow_redirects=False,
                timeout=timeout,
                middlewares=(_until(write_before_s),),
            ) as response:
                content = await _bounded(response, limit)
                return RawReply(response.status, content, sent_s, time.monotonic())
        except _HeldUpError as error:
            raise RequestNotSentError("held up on its way to the wire", late=True) from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise RequestNotSentError(type(error).__name__) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ReplyLostError(type(error).__name__) from error


def _until(write_before_s: float | None) -> aiohttp.ClientMiddlewareType:
    async def mark(
        request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if write_before_s is not None and isinstance(request, _Request):
            request.write_before_s = write_before_s
        return await send(request)

    return mark


async def _bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    chunks = bytearray()
    async for chunk in response.content.iter_any():
        chunks += chunk
        if len(chunks) > limit:
            response.close()
            raise ReplyLostError(f"a body of more than {limit} bytes")
    return bytes(chunks)
