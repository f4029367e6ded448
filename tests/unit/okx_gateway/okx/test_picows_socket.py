"""Against a real WebSocket server on loopback."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from okx_gateway.okx import picows_socket
from okx_gateway.okx.picows_socket import ConnectFailedError, PicowsSocket, connect
from okx_simulator.tls import server_context

WAIT_S = 5.0
Serve = Callable[[web.WebSocketResponse], Awaitable[None]]


class Heard:
    def __init__(self) -> None:
        self.texts: asyncio.Queue[bytes] = asyncio.Queue()
        self.begun = False
        self.closed: asyncio.Queue[int | None] = asyncio.Queue()

    async def text(self) -> bytes:
        return await asyncio.wait_for(self.texts.get(), WAIT_S)

    async def end(self) -> int | None:
        return await asyncio.wait_for(self.closed.get(), WAIT_S)


@asynccontextmanager
async def server(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    async def accept(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=0.2)
        await socket.prepare(request)
        await serve(socket)
        return socket

    app = web.Application()
    app.router.add_get("/ws", accept)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        yield f"{'ws' if tls is None else 'wss'}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def opened(url: str, heard: Heard, tls: ssl.SSLContext | None = None) -> PicowsSocket:
    return await connect(
        f"{url}/ws", tls=tls, on_text=heard.texts.put_nowait, on_closed=heard.closed.put_nowait
    )


async def test_text_both_ways_and_an_end_of_ours() -> None:
    async def echo(socket: web.WebSocketResponse) -> None:
        async for message in socket:
            await socket.send_str(message.data)

    heard = Heard()
    async with server(echo) as url:
        socket = await opened(url, heard)
        for text in ("ping", '{"op":"é"}', "x" * 100_000):
            assert socket.send(text)
            assert await heard.text() == text.encode()
        socket.close()
        await heard.end()
        assert not socket.is_open
        assert not socket.send("late")
        socket.close()


async def test_over_tls_only_a_known_authority_is_believed(tmp_path: Path) -> None:
    async def echo(socket: web.WebSocketResponse) -> None:
        async for message in socket:
            await socket.send_str(message.data)

    heard, authority = Heard(), tmp_path / "authority.pem"
    async with server(echo, server_context("127.0.0.1", authority)) as url:
        known = ssl.create_default_context(cafile=str(authority))
        socket = await opened(url, heard, known)
        assert socket.send("x" * 100_000)
        assert len(await heard.text()) == 100_000
        socket.close()
        await heard.end()
        with pytest.raises(ConnectFailedError, match="SSLCertVerificationError"):
            await opened(url, heard)


async def test_the_code_of_a_close_is_told() -> None:
    async def close(socket: web.WebSocketResponse) -> None:
        await socket.send_str("last")
        await socket.close(code=4004, message=b"No data received in 30s")

    heard = Heard()
    async with server(close) as url:
        await opened(url, heard)
        assert await heard.text() == b"last"
        assert await heard.end() == 4004
        assert heard.closed.empty()


async def test_a_connection_that_breaks_has_no_code() -> None:
    async def break_(socket: web.WebSocketResponse) -> None:
        transport = socket._req.transport  # type: ignore[union-attr]
        assert transport is not None
        transport.abort()

    heard = Heard()
    async with server(break_) as url:
        await opened(url, heard)
        assert await heard.end() is None


async def test_messages_in_parts_are_put_together_and_other_frames_do_no_harm() -> None:
    async def parts(socket: web.WebSocketResponse) -> None:
        writer = socket._writer
        assert writer is not None
        await socket.ping(b"there?")
        await socket.send_bytes(b"\x00\x01")
        for byte, part in ((0x01, b"one "), (0x00, b"and "), (0x80, b"two")):
            assert writer.transport is not None
            writer.transport.write(bytes([byte, len(part)]) + part)
        await socket.send_str("whole")
        await socket.receive()

    heard = Heard()
    async with server(parts) as url:
        socket = await opened(url, heard)
        assert await heard.text() == b"one and two"
        assert await heard.text() == b"whole"
        socket.close()
        await heard.end()


@pytest.mark.parametrize("in_parts", [True, False])
async def test_a_message_without_end_closes_the_connection(
    monkeypatch: pytest.MonkeyPatch, *, in_parts: bool
) -> None:
    monkeypatch.setattr(picows_socket, "_MESSAGE_BYTES_MAX", 1000)

    heard = Heard()

    async def flood(socket: web.WebSocketResponse) -> None:
        writer = socket._writer
        assert writer is not None
        assert writer.transport is not None
        if not in_parts:
            await socket.send_str("x" * 1001)
        for _ in range(11 if in_parts else 0):
            writer.transport.write(bytes([0x00 if heard.begun else 0x01, 100]) + b"x" * 100)
            heard.begun = True
        await socket.receive()

    async with server(flood) as url:
        await opened(url, heard)
        await heard.end()


async def test_who_cannot_take_a_message_loses_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.send_str("unbearable")
        await socket.receive()

    ended: asyncio.Queue[int | None] = asyncio.Queue()

    def fail(_: bytes) -> None:
        raise ValueError("no")

    def fail_too(code: int | None) -> None:
        ended.put_nowait(code)
        raise ValueError("no")

    async with server(talk) as url:
        await connect(f"{url}/ws", tls=None, on_text=fail, on_closed=fail_too)
        await asyncio.wait_for(ended.get(), WAIT_S)
    assert caplog.records == []


async def test_nothing_is_taken_for_sending_that_would_leave_late() -> None:
    async def deaf(_: web.WebSocketResponse) -> None:
        await asyncio.sleep(WAIT_S)

    heard = Heard()
    async with server(deaf) as url:
        socket = await opened(url, heard)
        for _ in range(2_000):
            if not socket.send("x" * 60_000):
                break
        else:
            pytest.fail("all of it was taken")
        socket.close()
        # Who takes nothing does not answer a close, either.
        assert await heard.end() is None


@pytest.mark.parametrize("url", ["ws://127.0.0.1:1", "ws://nowhere.invalid"])
async def test_where_nobody_listens_there_is_no_connection(url: str) -> None:
    with pytest.raises(ConnectFailedError):
        await opened(url, Heard())


async def test_an_answer_that_is_no_upgrade_is_no_connection() -> None:
    async def never(_: web.WebSocketResponse) -> None: ...

    async with server(never) as url:
        with pytest.raises(ConnectFailedError):
            await opened(f"{url}/elsewhere", Heard())


async def test_a_redirect_is_not_followed() -> None:
    async def away(_: web.Request) -> web.Response:
        raise web.HTTPFound("ws://127.0.0.1:1/ws")

    app = web.Application()
    app.router.add_get("/ws", away)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with pytest.raises(ConnectFailedError, match="WSInvalidStatus"):
        await opened(f"ws://127.0.0.1:{runner.addresses[0][1]}", Heard())
    await runner.cleanup()


async def test_a_connection_that_is_not_made_in_time_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(picows_socket, "_CONNECT_TIMEOUT_S", 0.1)

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1)
        writer.close()

    listening = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    with pytest.raises(ConnectFailedError, match="Timeout"):
        await opened(f"ws://127.0.0.1:{port}", Heard())
    listening.close()
    await asyncio.sleep(1)
