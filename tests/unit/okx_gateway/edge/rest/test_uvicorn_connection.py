"""Is a connection that sends too much, too slowly or nonsense answered and closed?"""

import asyncio
import json
from contextlib import suppress

import pytest

from okx_gateway.edge.rest import uvicorn_connection
from tests.support.rest_edge import running_edge


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET /h\xff HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nbad header\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}",
        b"POST /v1/accounts/a/orders HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_answered_and_closed(content: bytes) -> None:
    async with running_edge() as (edge, _):
        answer = await edge.raw(content)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == 3
        assert not edge.calls.seen


@pytest.mark.parametrize("pieces", [1, 40])
async def test_a_head_that_is_too_long_is_refused(pieces: int) -> None:
    async with running_edge() as (edge, _):
        head = b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        writer.write(head)
        for piece in range(pieces):
            writer.write(b"x-%d: " % piece + b"y" * (34_000 // pieces) + b"\r\n")
            await asyncio.sleep(0.001)
        answer = await reader.read(65536) if pieces > 1 else b""
        with suppress(ConnectionError):
            writer.write(b"\r\n")
            answer = answer or await reader.read(65536)
            writer.close()
            await writer.wait_closed()
        assert answer.startswith(b"HTTP/1.1 431 ")


async def test_one_endless_header_is_refused() -> None:
    async with running_edge() as (edge, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nx-long: ")
        with suppress(ConnectionError):
            for _ in range(100):
                writer.write(b"y" * 4096)
                await writer.drain()
                await asyncio.sleep(0.001)
        answer = b""
        async with asyncio.timeout(5):
            with suppress(ConnectionError):
                answer = await reader.read()
        assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_more_connections_than_the_bound_are_closed() -> None:
    async with running_edge(connections_max=2) as (edge, _):
        held = [await asyncio.open_connection("127.0.0.1", edge.port) for _ in range(2)]
        await asyncio.sleep(0.05)
        assert (await edge.raw(b"")).startswith(b"HTTP/1.1 429 ")
        for _, writer in held:
            writer.close()
        await asyncio.sleep(0.05)
        answer = await edge.raw(b"GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 ")


async def test_requests_on_one_connection_are_answered_in_turn() -> None:
    async with running_edge() as (edge, _):
        one = b"GET /v1/accounts/a%d/balance HTTP/1.1\r\nhost: a\r\n"
        answer = await edge.raw(
            one % 1 + b"\r\n" + one % 2 + b"\r\n" + one % 3 + b"connection: close\r\n\r\n"
        )
        assert answer.count(b"HTTP/1.1 200 ") == 3
        accounts = [request.account for request, _ in edge.calls.seen]  # type: ignore[attr-defined]
        assert accounts == ["a1", "a2", "a3"]


async def test_a_head_that_does_not_end_in_time_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uvicorn_connection, "_HEAD_WAIT_S", 0.1)
    async with running_edge() as (edge, _), asyncio.timeout(3):
        assert await edge.raw(b"GET /healthz HTTP/1.1\r\nx-a: b\r\n") == b""
        whole = b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n"
        assert (await edge.raw(whole + b"GET /heal")).count(b"HTTP/1.1 200 ") == 1


async def test_a_connection_that_says_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uvicorn_connection, "_FIRST_BYTE_WAIT_S", 0.1)
    async with running_edge() as (edge, _), asyncio.timeout(3):
        assert await edge.raw(b"") == b""


async def test_the_wait_for_a_head_does_not_end_a_slow_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(uvicorn_connection, "_HEAD_WAIT_S", 0.05)
    async with running_edge() as (edge, http):
        edge.calls.released.clear()
        asked = asyncio.ensure_future(http.get("/v1/accounts/a/balance"))
        await asyncio.sleep(0.15)
        edge.calls.released.set()
        assert (await asked).status == 200
