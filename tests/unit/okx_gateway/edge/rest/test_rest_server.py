"""Does the REST server begin and end as it promises?"""

import asyncio
import logging
import socket
from contextlib import suppress

import aiohttp
import pytest

from okx_gateway.edge.rest.rest_server import RestServer
from okx_gateway.settings import ListenAddress
from tests.support.rest_edge import Edge, running_edge


async def test_stopping_lets_a_call_finish_and_lets_nothing_new_in() -> None:
    async with running_edge() as (edge, http):
        edge.calls.released.clear()
        held = asyncio.ensure_future(http.get("/v1/accounts/a/balance"))
        await edge.calls.entered.wait()
        stopping = asyncio.ensure_future(edge.stop(5))
        await asyncio.sleep(0.2)
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.get("/healthz")
        edge.calls.released.set()
        assert (await held).status == 200
        async with asyncio.timeout(3):
            await stopping


async def test_a_call_that_outlasts_the_grace_is_cut_off() -> None:
    async with running_edge() as (edge, http):
        edge.calls.released.clear()
        held = asyncio.ensure_future(http.get("/v1/accounts/a/balance"))
        await edge.calls.entered.wait()
        async with asyncio.timeout(4):
            await edge.stop(1)
            await edge.calls.left.wait()
            with suppress(aiohttp.ClientConnectionError):
                assert (await held).status == 500


async def test_a_taken_port_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        edge = Edge()
        edge.server = RestServer(
            edge.app,
            listen=ListenAddress("127.0.0.1", taken.getsockname()[1]),
            connections_max=10,
            tls=None,
        )
        with pytest.raises(OSError, match="in use"):
            await edge.server.start()
        await edge.server.stop(0)


async def test_no_uvicorn_log_tells_of_a_broken_app(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="uvicorn.error"):
        async with running_edge() as (edge, http):
            edge.calls.error = RuntimeError("broken")
            await http.get("/v1/accounts/a/balance")
            edge.calls.error = None
            edge.calls.released.clear()
            _, writer = await asyncio.open_connection("127.0.0.1", edge.port)
            writer.write(b"GET /v1/accounts/a/balance HTTP/1.1\r\nhost: a\r\n\r\n")
            await edge.calls.entered.wait()
            writer.close()
            await edge.calls.left.wait()
    assert not [each for each in caplog.records if each.name == "uvicorn.error"]
