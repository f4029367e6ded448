"""How does one signed request reach OKX, and what is known when it fails?

Touches the network through aiohttp. It follows no redirect, reads no proxy from the environment,
sends no request twice, and speaks to the one host it was made for.
"""

import ssl
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.reply import RawReply

_CONNECTIONS_MAX = 100
# Below the idle time after which OKX's side closes, so that a request rarely meets a dead socket.
_KEEPALIVE_S = 15.0
_CONNECT_TIMEOUT_S = 3.0
# Less than all of the time for a request: a connection that never comes must end as such, because
# then nothing was sent, and not as a request without an answer.
_CONNECT_SHARE = 0.7
_BODY_BYTES_MAX = 1 << 20
# All instruments of one type come in one body.
_LONG_BODY_BYTES_MAX = 16 << 20


class RequestNotSentError(Exception):
    """Not one byte of the request left this process."""


class ReplyLostError(Exception):
    """The request may have been sent, and there is no usable answer."""


class RestClient:
    """Connections to OKX's REST host `url`, such as https://www.okx.com."""

    def __init__(self, url: str, *, tls: ssl.SSLContext | None = None) -> None:
        self._origin = URL(url).origin()
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            limit=_CONNECTIONS_MAX,
            keepalive_timeout=_KEEPALIVE_S,
            ssl=self._tls if self._tls is not None else True,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            trust_env=False,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "okx-gateway", "Accept-Encoding": "identity"},
        )
        # aiohttp sends a GET again when a kept connection turns out to be closed; OKX may have
        # counted the first one. There is no public switch.
        self._session._retry_connection = False  # noqa: SLF001
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(
        self,
        endpoint: Endpoint,
        *,
        request_path: str,
        body: bytes,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> RawReply:
        """Send one request, `request_path` and `body` byte for byte, and read the answer.

        Raises:
            RequestNotSentError: No connection could be had; nothing was sent.
            ReplyLostError: It may have been sent; there is no whole answer.
        """
        if self._session is None:
            raise RequestNotSentError("the client is closed")
        timeout = aiohttp.ClientTimeout(
            total=timeout_s,
            connect=min(_CONNECT_TIMEOUT_S, _CONNECT_SHARE * timeout_s),
            ceil_threshold=60,
        )
        limit = _LONG_BODY_BYTES_MAX if endpoint is Endpoint.GET_INSTRUMENTS else _BODY_BYTES_MAX
        sent_s = time.monotonic()
        try:
            async with self._session.request(
                endpoint.method,
                self._origin.join(URL(request_path, encoded=True)),
                data=body or None,
                headers=headers,
                allow_redirects=False,
                timeout=timeout,
            ) as response:
                content = await _bounded(response, limit)
                return RawReply(response.status, content, sent_s, time.monotonic())
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise RequestNotSentError(type(error).__name__) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ReplyLostError(type(error).__name__) from error


async def _bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    chunks = bytearray()
    async for chunk in response.content.iter_any():
        chunks += chunk
        if len(chunks) > limit:
            response.close()
            raise ReplyLostError(f"a body of more than {limit} bytes")
    return bytes(chunks)
