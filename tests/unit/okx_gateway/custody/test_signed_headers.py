import pickle
from collections.abc import Mapping

import aiohttp
import pytest
from aiohttp import web

from okx_gateway.custody.signed_headers import SignedHeaders, SignedLogin

VALUES = {"OK-ACCESS-KEY": "key-value", "OK-ACCESS-PASSPHRASE": "phrase-value"}


def test_it_is_a_mapping() -> None:
    headers = SignedHeaders(VALUES)
    assert isinstance(headers, Mapping)
    assert dict(headers) == VALUES
    assert {**headers} == VALUES
    assert {"A": "1"} | dict(headers) == {"A": "1", **VALUES}
    assert len(headers) == 2
    assert headers["OK-ACCESS-KEY"] == "key-value"


@pytest.mark.parametrize("kind", [SignedHeaders, SignedLogin])
def test_printing_shows_names_only(kind: type[SignedHeaders]) -> None:
    shown = f"{kind(VALUES)} {kind(VALUES)!r}"
    assert "OK-ACCESS-KEY" in shown
    assert "value" not in shown.replace("values hidden", "")


def test_it_cannot_be_pickled() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(SignedHeaders(VALUES))


async def test_aiohttp_sends_it() -> None:
    seen: list[Mapping[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers)
        return web.Response()

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/", headers=SignedHeaders(VALUES)) as response,
        ):
            assert response.status == 200
    finally:
        await runner.cleanup()
    assert seen[0]["OK-ACCESS-KEY"] == "key-value"
