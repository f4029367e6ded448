"""Against a real server on loopback that misbehaves as told."""

import asyncio
import socket
import struct

import pytest

from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.reply import RawReply
from okx_gateway.okx.rest_client import ReplyLostError, RequestNotSentError, RestClient
from tests.fakes.raw_http import Answer, ok, raw_server, replies

BODY = b'{"px":"2.15",  "sz":"2","x":"\xc3\xa9"}'
QUERY = "/api/v5/account/balance?ccy=BTC%2CETH"


async def post(client: RestClient, *, timeout_s: float = 2.0) -> RawReply:
    return await client.send(
        Endpoint.PLACE_ORDER,
        request_path=Endpoint.PLACE_ORDER.path,
        body=BODY,
        headers={"OK-ACCESS-SIGN": "abc=", "expTime": "1597026383085"},
        timeout_s=timeout_s,
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
