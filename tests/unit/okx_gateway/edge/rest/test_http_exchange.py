"""Are deadline, body and answer of a request bounded, and is a client that has gone noticed?"""

import asyncio

import pytest

from okx_gateway.edge.rest import http_exchange
from tests.support.rest_edge import running_edge


async def test_the_callers_deadline_is_taken_or_refused_by_name() -> None:
    async with running_edge() as (edge, http):
        path = "/v1/accounts/a/balance"
        await http.get(path, headers={"x-deadline-ms": "60000"})
        deadline = edge.calls.seen[0][1].deadline
        assert deadline is not None
        assert 59 < deadline.remaining_s() <= 60
        for wrong in ("0", "60001", "-1", "1.5", "1e3", "x", "1_000", "٣", "1" * 5000, "1, 2"):
            answer = await http.get(path, headers={"x-deadline-ms": wrong})
            assert answer.status == 400, wrong
            assert "x-deadline-ms" in answer.text
        assert len(edge.calls.seen) == 1


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b" " * 65_537, "application/json", "must be at most 65536 bytes"),
        (b"{}", "text/plain", "must be application/json"),
        (b"{}", "application/x-www-form-urlencoded", "must be application/json"),
        (b"", "text/plain", ""),
        (b"{}", "Application/JSON; charset=utf-8", ""),
        (b'{"a":1,"a":2}', "application/json", "is given twice"),
        (b"\xff", "application/json", "must be UTF-8"),
        (b"[" * 60_000, "application/json", "nested too deeply"),
        (b"[]", "application/json", "must be an object"),
        (b'{"x":1}', "application/json", "is not a field of PlaceOrderRequest"),
    ],
)
async def test_bodies_are_bounded_and_said_to_be_json(body: bytes, kind: str, words: str) -> None:
    async with running_edge() as (edge, http):
        answer = await http.post("/v1/accounts/a/orders", data=body, headers={"content-type": kind})
        assert answer.status == (400 if words else 200)
        assert words in answer.text
        assert len(edge.calls.seen) == (0 if words else 1)
        if words:
            assert answer.reason == "INVALID_REQUEST"


async def test_a_read_takes_no_body() -> None:
    async with running_edge() as (edge, http):
        answer = await http.get("/v1/accounts/a/balance", json={})
        assert answer.status == 400
        assert "must be empty" in answer.text
        assert not edge.calls.seen


async def test_a_client_that_goes_cancels_its_call() -> None:
    async with running_edge() as (edge, _):
        edge.calls.released.clear()
        _, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        writer.write(b"GET /v1/accounts/a/balance HTTP/1.1\r\nhost: a\r\n\r\n")
        await edge.calls.entered.wait()
        writer.close()
        async with asyncio.timeout(2):
            await edge.calls.left.wait()


async def test_a_body_that_does_not_arrive_in_time_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_exchange, "_BODY_WAIT_S", 0.1)
    async with running_edge() as (edge, _):
        answer = await edge.raw(
            b"POST /v1/accounts/a/orders HTTP/1.1\r\nhost: a\r\nconnection: close\r\n"
            b"content-type: application/json\r\ncontent-length: 2\r\n\r\n{"
        )
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"must arrive within" in answer
        assert not edge.calls.seen


async def test_a_connection_whose_body_is_too_long_is_closed() -> None:
    async with running_edge() as (edge, _):
        chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
        answer = await edge.raw(
            b"POST /v1/accounts/a/orders HTTP/1.1\r\nhost: a\r\n"
            b"content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n" + chunk * 5
        )
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"connection: close" in answer.partition(b"\r\n\r\n")[0]
