"""Which keys does an issuer sign with?  Touches HTTP through aiohttp.

Keys are kept for a while where the issuer is not reached, and asked for once more where a token is
signed with another one; no token makes the gateway ask more often than the pause allows.
"""

import asyncio
import json
import ssl
import time
from functools import partial

import aiohttp
import structlog

from okx_gateway.access.identity_document import Issuer, safe_url
from okx_gateway.access.jwt_token import Jwk, keys_from_text

_LOG = structlog.get_logger()
_REFRESH_S = 300.0
_PAUSE_S = 10.0
_WAIT_S = 3.0
_KEPT_S = 86_400.0
_ANSWER_BYTES_MAX = 256 << 10
_DISCOVERY = "/.well-known/openid-configuration"


class JwksHttp:
    """The keys of `issuer`: at its `jwks_url`, or where its OpenID configuration says.

    Made in the event loop that it runs in. Nothing is taken from a redirect or through a proxy.
    """

    def __init__(self, issuer: Issuer, *, pause_s: float = _PAUSE_S) -> None:
        self._issuer = issuer
        self._pause_s = pause_s
        self._keys: dict[str, Jwk] = {}
        self._read_s = self._asked_s = -float("inf")
        self._asking: asyncio.Task[None] | None = None

    async def key(self, key_id: str) -> Jwk | None:
        """The key of this id; asks for the keys again where it is not among them."""
        if time.monotonic() - self._read_s > _KEPT_S:
            self._keys = {}
        if key_id not in self._keys:
            await self._ask_shared()
        return self._keys.get(key_id)

    async def keep(self) -> None:
        """Ask now and again, for ever."""
        while True:
            await self._ask_shared()
            await asyncio.sleep(_REFRESH_S if self._keys else self._pause_s)

    async def _ask_shared(self) -> None:
        """Ask, or wait for who asks already; not again within the pause."""
        if self._asking is None or self._asking.done():
            if time.monotonic() - self._asked_s < self._pause_s:
                return
            self._asked_s = time.monotonic()
            self._asking = asyncio.get_running_loop().create_task(self._ask())
        await asyncio.shield(self._asking)

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(_WAIT_S):
                self._keys = await self._read()
                self._read_s = time.monotonic()
        except (aiohttp.ClientError, OSError, ValueError, RecursionError, TimeoutError) as error:
            because = str(error) or type(error).__name__
            _LOG.warning("keys of an issuer are not read", issuer=self._issuer.issuer, why=because)

    async def _read(self) -> dict[str, Jwk]:
        ca_file = self._issuer.ca_file
        tls = await asyncio.to_thread(partial(ssl.create_default_context, cafile=ca_file))
        async with aiohttp.ClientSession(
            trust_env=False, connector=aiohttp.TCPConnector(ssl=tls)
        ) as session:
            url = self._issuer.jwks_url or await self._discovered(session)
            return keys_from_text(await _content(session, url))

    async def _discovered(self, session: aiohttp.ClientSession) -> str:
        url = self._issuer.issuer.rstrip("/") + _DISCOVERY
        told = json.loads(await _content(session, url))
        if not isinstance(told, dict) or told.get("issuer") != self._issuer.issuer:
            raise ValueError("the OpenID configuration is of another issuer")
        return str(told.get("jwks_uri"))


async def _content(session: aiohttp.ClientSession, url: str) -> bytes:
    async with session.get(safe_url(url), allow_redirects=False) as response:
        if response.status != 200:
            raise ValueError(f"HTTP {response.status}")
        content = await response.content.read(_ANSWER_BYTES_MAX + 1)
        while len(content) <= _ANSWER_BYTES_MAX and (more := await response.content.readany()):
            content += more
    if len(content) > _ANSWER_BYTES_MAX:
        raise ValueError(f"more than {_ANSWER_BYTES_MAX} bytes")
    return content
