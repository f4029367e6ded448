import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from okx_gateway.access.identity_document import Issuer
from okx_gateway.access.jwks_http import JwksHttp
from tests.support.identities import Signer


class Keys:
    """An issuer's server; `answer` makes what it says."""

    def __init__(self) -> None:
        self.jwks: Any = Signer().jwks()
        self.configuration: dict[str, Any] = {}
        self.asked = 0
        self.url = ""

    async def keys(self, _: web.Request) -> web.Response:
        self.asked += 1
        if isinstance(self.jwks, Exception):
            raise web.HTTPFound("/other")
        return web.json_response(self.jwks)

    async def other(self, _: web.Request) -> web.Response:
        return web.json_response(Signer().jwks())

    async def configured(self, _: web.Request) -> web.Response:
        return web.json_response(self.configuration)

    def issuer(self, **given: Any) -> Issuer:
        names = [{"value": "a", "name": "a"}]
        where = given or {"jwks_url": f"{self.url}/keys"}
        return Issuer.model_validate(
            {"issuer": self.url, "audience": "okx-gateway", "names": names, **where}
        )


@asynccontextmanager
async def serving() -> AsyncIterator[Keys]:
    keys = Keys()
    app = web.Application()
    app.router.add_get("/keys", keys.keys)
    app.router.add_get("/other", keys.other)
    app.router.add_get("/.well-known/openid-configuration", keys.configured)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    keys.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield keys
    finally:
        await runner.cleanup()


async def test_an_unknown_key_is_asked_for_once_within_the_pause() -> None:
    async with serving() as keys:
        source = JwksHttp(keys.issuer())
        found = await asyncio.gather(*(source.key(each) for each in ("RS256", "ES256", "k9")))
        assert [each is None for each in found] == [False, False, True]
        for _ in range(5):
            assert await source.key("k9") is None
        assert keys.asked == 1


async def test_keys_are_asked_for_again_and_kept_where_that_fails() -> None:
    async with serving() as keys:
        source = JwksHttp(keys.issuer(), pause_s=0.0)
        assert await source.key("RS256")
        assert await source.key("RS256")
        assert keys.asked == 1
        broken: Any
        for broken in ({}, {"keys": []}, [], ValueError(), {"keys": "x" * 300_000}):
            keys.jwks = broken
            assert await source.key("k9") is None
            assert await source.key("RS256")
        assert keys.asked == 6
        keys.jwks = {"keys": [{**Signer().jwks()["keys"][0], "kid": "k9"}]}
        assert await source.key("k9")
        assert await source.key("RS256") is None


async def test_no_redirect_is_followed() -> None:
    async with serving() as keys:
        keys.jwks = ValueError()
        assert await JwksHttp(keys.issuer()).key("RS256") is None


async def test_the_openid_configuration_says_where_the_keys_are() -> None:
    async with serving() as keys:
        issuer = keys.issuer(ca_file=None)
        keys.configuration = {"issuer": keys.url, "jwks_uri": f"{keys.url}/keys"}
        assert await JwksHttp(issuer).key("RS256")


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://other.example"},
        {"jwks_uri": "http://keys.example/keys"},
        {"jwks_uri": None},
        {"jwks_uri": "file:///etc/passwd"},
    ],
)
async def test_a_wrong_openid_configuration_is_refused(change: dict[str, Any]) -> None:
    async with serving() as keys:
        keys.configuration = {"issuer": keys.url, "jwks_uri": f"{keys.url}/keys", **change}
        assert await JwksHttp(keys.issuer(ca_file=None)).key("RS256") is None
        assert keys.asked == 0
