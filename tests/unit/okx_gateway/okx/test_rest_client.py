"""Against a real server on loopback that misbehaves as told."""

import asyncio
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.reply import RawReply
from okx_gateway.okx.rest_client import ReplyLostError, RequestNotSentError, RestClient
from okx_simulator.tls import server_context
from tests.fakes.raw_http import Answer, ok, raw_server, replies

BODY = b'{"px":"2.15",  "sz":"2","x":"\xc3\xa9"}'
QUERY = "/api/v5/account/balance?ccy=BTC%2CETH"


async def post(
    client: RestClient,
    *,
    endpoint: Endpoint = Endpoint.PLACE_ORDER,
    timeout_s: float = 2.0,
    write_before_s: float | None = None,
) -> RawReply:
    return await client.send(
        endpoint,
        request_path=endpoint.path,
        body=BODY,
        headers={"OK-ACCESS-SIGN": "abc=", "expTime": "1597026383085"},
        timeout_s=timeout_s,
        write_before_s=write_before_s,
    )


async def get(client: RestClient, endpoint: Endpoint = Endpoint.GET_BALANCE) -> RawReply:
    return await client.send(endpoint, request_path=QUERY, body=b"", headers={}, timeout_s=2.0)


async def test_the_bytes_sent_are_the_bytes_given() -> None:
    async with raw_server(replies(ok(b"{}"))) as server, RestClient(server.url) as client:
        await post(client)
        await get(client)
    (post_head, post_body), (get_head, get_body) = server.requests
    assert post_head.startswith("POST /api/v5/trade/order HTTP/1.1\r\n")
    assert post_body == BODY
    assert "OK-ACCESS-SIGN: abc=\r\n" in post_head
    assert "expTime: 1597026383085\r\n" in post_head
    assert get_head.startswith(f"GET {QUERY} HTTP/1.1\r\n")
    assert get_body == b""


async def test_an_answer_comes_as_it_is_with_the_times_around_it() -> None:
    compressed = ok(b"\x1f\x8b not really", "418 Odd", "Content-Encoding: gzip")
    async with raw_server(replies(compressed)) as server, RestClient(server.url) as client:
        reply = await get(client)
    assert (reply.status, reply.body) == (418, b"\x1f\x8b not really")
    assert 0 <= reply.received_s - reply.sent_s < 2


async def test_a_redirect_is_not_followed() -> None:
    async with raw_server(replies(ok(b"stolen"))) as other:
        moved = ok(b"", "307 Temporary Redirect", f"Location: {other.url}/api/v5/trade/order")
        async with raw_server(replies(moved)) as server, RestClient(server.url) as client:
            assert (await post(client)).status == 307
    assert other.requests == []
    assert len(server.requests) == 1


async def test_cookies_are_neither_kept_nor_sent() -> None:
    setting = ok(b"{}", "200 OK", "Set-Cookie: session=1")
    async with raw_server(replies(setting)) as server, RestClient(server.url) as client:
        await get(client)
        await get(client)
    assert "cookie" not in server.requests[1][0].lower()


async def test_proxies_in_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_server(replies(ok(b"stolen"))) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        async with raw_server(replies(ok(b"{}"))) as server, RestClient(server.url) as client:
            assert (await post(client)).body == b"{}"
    assert proxy.requests == []


async def test_a_connection_refused_means_that_nothing_was_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with RestClient(f"http://127.0.0.1:{taken.getsockname()[1]}") as client:
            with pytest.raises(RequestNotSentError):
                await post(client)


async def test_a_host_without_an_address_means_that_nothing_was_sent() -> None:
    async with RestClient("http://no-such-host.invalid") as client:
        with pytest.raises(RequestNotSentError):
            await post(client)


async def test_a_handshake_that_hangs_means_that_nothing_was_sent() -> None:
    async with (
        raw_server(replies(ok(b"{}"))) as server,
        RestClient(server.url.replace("http://", "https://")) as client,
    ):
        with pytest.raises(RequestNotSentError):
            await post(client, timeout_s=0.3)
    assert server.requests == []


async def test_a_closed_client_sends_nothing() -> None:
    with pytest.raises(RequestNotSentError):
        await post(RestClient("http://127.0.0.1:1"))


async def _close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def _hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def _half(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(ok(b'{"code":"0","data":[{"ordId":"1"}]}')[:-8])
    await writer.drain()
    writer.close()


async def _half_then_hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(ok(b'{"code":"0"}')[:-3])
    await writer.drain()
    await reader.read()


LOSSES = {
    "closes": _close,
    "resets": _reset,
    "hangs": _hang,
    "sends half and closes": _half,
    "sends half and hangs": _half_then_hang,
    "speaks another protocol": replies(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    "sends too much": replies(ok(b" " * ((1 << 20) + 1))),
    "sends a chunk that is none": replies(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    ),
}


@pytest.mark.parametrize("answer", LOSSES.values(), ids=LOSSES)
async def test_without_a_whole_answer_the_reply_is_lost_and_the_request_sent_once(
    answer: Answer,
) -> None:
    async with raw_server(answer) as server, RestClient(server.url) as client:
        with pytest.raises(ReplyLostError):
            await post(client, timeout_s=0.4)
        await asyncio.sleep(0.02)
    assert len(server.requests) == 1


@pytest.mark.parametrize("answer", [_close, _reset])
@pytest.mark.parametrize("request_kind", [post, get])
async def test_a_request_on_a_kept_connection_that_breaks_is_not_sent_again(
    answer: Answer, request_kind: object
) -> None:
    send = post if request_kind is post else get
    first = replies(ok(b"{}"))
    async with raw_server(first, answer, first) as server, RestClient(server.url) as client:
        await send(client)
        with pytest.raises(ReplyLostError):
            await send(client)
        await asyncio.sleep(0.02)
        assert len(server.requests) == 2
        assert server.connections == 1
        assert (await send(client)).status == 200


async def test_a_connection_is_kept_for_the_next_request() -> None:
    async with raw_server(replies(ok(b"{}"))) as server, RestClient(server.url) as client:
        for _ in range(3):
            await post(client)
    assert server.connections == 1


async def test_the_time_for_an_answer_is_kept() -> None:
    async with raw_server(_hang) as server, RestClient(server.url) as client:
        started_s = asyncio.get_running_loop().time()
        with pytest.raises(ReplyLostError):
            await post(client, timeout_s=0.1)
        assert 0.09 < asyncio.get_running_loop().time() - started_s < 0.6


async def test_all_instruments_of_a_type_may_come_in_one_body() -> None:
    long = b" " * (5 << 20)
    async with raw_server(replies(ok(long))) as server, RestClient(server.url) as client:
        assert len((await get(client, Endpoint.GET_INSTRUMENTS)).body) == len(long)


async def test_the_way_to_another_host_is_closed() -> None:
    async with raw_server(replies(ok(b"stolen"))) as other:
        async with raw_server(replies(ok(b"{}"))) as server, RestClient(server.url) as client:
            await client.send(
                Endpoint.GET_TIME,
                request_path=f"/{other.url}/api",
                body=b"",
                headers={},
                timeout_s=1.0,
            )
        assert other.requests == []
        assert len(server.requests) == 1


@asynccontextmanager
async def slow_way(port: int, delay_s: float) -> AsyncIterator[int]:
    """Listen, and pass on what comes once `delay_s` is over."""
    pipes: list[asyncio.Task[None]] = []

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(1 << 16):
            writer.write(chunk)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(delay_s)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        loop = asyncio.get_running_loop()
        pipes.append(loop.create_task(pipe(reader, far_writer)))
        pipes.append(loop.create_task(pipe(far_reader, writer)))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*pipes, return_exceptions=True)


async def test_a_connection_that_takes_too_long_is_not_written_to_and_kept_for_the_next_attempt(
    tmp_path: Path,
) -> None:
    server_tls = server_context("127.0.0.1", tmp_path / "authority.pem")
    client_tls = ssl.create_default_context(cafile=str(tmp_path / "authority.pem"))
    async with raw_server(replies(ok(b"{}")), tls=server_tls) as server:
        port = int(server.url.rpartition(":")[2])
        async with (
            slow_way(port, 0.15) as slow,
            RestClient(f"https://127.0.0.1:{slow}", tls=client_tls) as client,
        ):
            with pytest.raises(RequestNotSentError) as raised:
                await post(client, write_before_s=time.monotonic() + 0.05)
            assert raised.value.late
            assert server.requests == []
            assert (await post(client, write_before_s=time.monotonic() + 0.05)).status == 200
            assert (len(server.requests), server.connections) == (1, 1)


async def test_nothing_is_written_late_however_often_and_the_connection_stays_good() -> None:
    async with raw_server(replies(ok(b"{}"))) as server, RestClient(server.url) as client:
        for _ in range(120):  # more than there may be connections
            with pytest.raises(RequestNotSentError) as raised:
                await post(client, write_before_s=time.monotonic() - 0.001)
            assert raised.value.late
        assert server.requests == []
        for _ in range(3):
            await post(client, write_before_s=time.monotonic() + 5)
        assert (len(server.requests), server.connections) == (3, 1)


async def test_a_loop_that_is_busy_at_the_last_moment_writes_nothing_late() -> None:
    async def be_busy() -> None:
        while True:
            time.sleep(0.05)  # noqa: ASYNC251  the loop has to stand still
            await asyncio.sleep(0)

    async with raw_server(replies(ok(b"{}"))) as server, RestClient(server.url) as client:
        await post(client)
        busy = asyncio.create_task(be_busy())
        await asyncio.sleep(0)
        with pytest.raises(RequestNotSentError) as raised:
            await post(client, write_before_s=time.monotonic() + 0.02)
        busy.cancel()
        assert raised.value.late
        assert len(server.requests) == 1
        assert (await post(client)).status == 200


async def test_without_a_connection_a_request_is_unsent_but_not_late() -> None:
    async with raw_server(replies(ok(b"{}"))) as server:
        pass
    async with RestClient(server.url) as client:
        with pytest.raises(RequestNotSentError) as raised:
            await post(client, write_before_s=time.monotonic() + 5)
    assert not raised.value.late


async def test_orders_that_wait_for_an_answer_hold_up_no_cancel_and_no_look_up() -> None:
    hanging = [_hang] * 100
    async with (
        raw_server(*hanging, replies(ok(b"{}"))) as server,
        RestClient(server.url) as client,
    ):
        orders = [asyncio.create_task(post(client, timeout_s=20.0)) for _ in hanging]
        async with asyncio.timeout(10):
            while len(server.requests) < len(hanging):  # noqa: ASYNC110  it tells nobody
                await asyncio.sleep(0.01)
        with pytest.raises(RequestNotSentError):
            await post(client, timeout_s=0.2)
        await post(client, endpoint=Endpoint.CANCEL_ORDER, timeout_s=0.5)
        await get(client, Endpoint.GET_ORDER)
        await get(client, Endpoint.GET_BALANCE)
        for order in orders:
            order.cancel()
        await asyncio.gather(*orders, return_exceptions=True)
