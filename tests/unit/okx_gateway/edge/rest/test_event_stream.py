"""Do streams reach their readers as Server-Sent Events, and end in every way they may?"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress

import aiohttp
import pytest

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_event_pb2, ticker_pb2
from okx_gateway.domain.errors import InvalidRequestError, LedgerUnavailableError, Violation
from okx_gateway.edge.rest import event_stream
from tests.fakes.metering import Metered
from tests.support.rest_edge import Client, Edge, running_edge

PATH = "/v1/tickers:stream?instruments=BTC-USDT"
ORDERS = "/v1/accounts/main/orders:stream"


def ticker(last_price: str) -> api.StreamTickerResponse:
    return api.StreamTickerResponse(
        ticker=ticker_pb2.Ticker(instrument="BTC-USDT", last_price=last_price)
    )


async def blocks(answer: aiohttp.ClientResponse) -> AsyncIterator[dict[str, str]]:
    """Comments and events as they come: {"": comment} or {"event": ..., "data": ...}."""
    block: dict[str, str] = {}
    async for line in answer.content:
        if line == b"\n":
            yield block
            block = {}
        else:
            name, _, content = line.decode().rstrip("\n").partition(":")
            block[name] = content.strip()


async def status_in(block: dict[str, str]) -> str:
    assert block["event"] == "error"
    reason: str = json.loads(block["data"])["details"][0]["reason"]
    return reason.removeprefix("ERROR_REASON_")


async def test_events_are_named_after_what_they_hold() -> None:
    async with running_edge() as (edge, http):
        edge.calls.events = [
            ticker("30000.1"),
            api.StreamTickerResponse(gap=ticker_pb2.Gap(instruments=["BTC-USDT"])),
            api.StreamTickerResponse(heartbeat=ticker_pb2.Heartbeat()),
            api.StreamTickerResponse(),
        ]
        edge.calls.open_end = False
        async with http.session.get(PATH) as answer:
            assert answer.status == 200
            assert answer.headers["content-type"] == "text/event-stream"
            assert answer.headers["cache-control"] == "no-store"
            assert len(answer.headers["x-trace-id"]) == 32
            opened, *events = [block async for block in blocks(answer)]
        assert opened == {"": "open"}
        assert [each["event"] for each in events] == ["ticker", "gap", "heartbeat", "message"]
        data = [json.loads(each["data"]) for each in events]
        assert data[0]["ticker"]["lastPrice"] == "30000.1"
        assert data[1]["gap"]["reason"] == "GAP_REASON_UNSPECIFIED"
        assert data[2:] == [{"heartbeat": {}}, {}]


async def test_an_event_with_a_token_has_it_as_its_id() -> None:
    async with running_edge() as (edge, http):
        edge.calls.events = [
            api.StreamOrdersResponse(change=order_event_pb2.OrderChange(), resume_token="a1-7"),
            api.StreamOrdersResponse(heartbeat=ticker_pb2.Heartbeat()),
        ]
        edge.calls.open_end = False
        async with http.session.get(ORDERS) as answer:
            _, change, heartbeat = [block async for block in blocks(answer)]
        assert (change["id"], change["event"]) == ("a1-7", "change")
        assert json.loads(change["data"])["resumeToken"] == "a1-7"
        assert "id" not in heartbeat


@pytest.mark.parametrize(
    ("path", "token"), [(ORDERS, "a1-7"), (f"{ORDERS}?resumeToken=b2-3", "b2-3")]
)
async def test_a_reader_that_comes_back_says_where_it_was(path: str, token: str) -> None:
    async with running_edge() as (edge, http):
        edge.calls.open_end = False
        async with http.session.get(path, headers={"Last-Event-ID": "a1-7"}) as answer:
            assert answer.status == 200
        request, _ = edge.calls.seen[0]
        assert isinstance(request, api.StreamOrdersRequest)
        assert request.resume_token == token


async def test_a_stream_that_cannot_go_on_begins_anew() -> None:
    async with running_edge() as (edge, http):
        edge.calls.open_end = False
        async with http.session.get(PATH, headers={"Last-Event-ID": "a1-7"}) as answer:
            assert answer.status == 200


async def test_a_stream_without_events_opens_and_ends() -> None:
    async with running_edge() as (edge, http):
        edge.calls.open_end = False
        answer = await http.get(PATH)
        assert (answer.status, answer.text) == (200, ": open\n\n")


async def test_what_fails_before_the_first_event_is_answered_as_any_call() -> None:
    async with running_edge() as (edge, http):
        edge.calls.events = [InvalidRequestError([Violation("instruments", "is unknown")])]
        answer = await http.get(PATH)
        assert (answer.status, answer.reason) == (400, "INVALID_REQUEST")
        edge.calls.events = [RuntimeError("a secret")]
        answer = await http.get(PATH)
        assert (answer.status, answer.reason) == (500, "INTERNAL")
        assert (await http.get("/v1/tickers:stream?x=1")).status == 400


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (LedgerUnavailableError("timeout"), "LEDGER_UNAVAILABLE"),
        (RuntimeError("a secret"), "INTERNAL"),
        (TimeoutError(), "INTERNAL"),
        (asyncio.CancelledError(), "INTERNAL"),
    ],
)
async def test_what_fails_later_is_told_in_the_stream(error: Exception, reason: str) -> None:
    async with running_edge() as (edge, http):
        edge.calls.events = [ticker("1"), error]
        async with http.session.get(PATH) as answer:
            _, event, failure = [block async for block in blocks(answer)]
        assert event["event"] == "ticker"
        assert await status_in(failure) == reason
        assert "secret" not in failure["data"]


async def test_a_stream_with_nothing_to_tell_yet_is_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_stream, "_FIRST_EVENT_WAIT_S", 0.05)
    monkeypatch.setattr(event_stream, "_KEEP_ALIVE_S", 0.05)
    async with running_edge() as (edge, http):
        edge.calls.released.clear()
        async with http.session.get(PATH) as answer:
            assert answer.status == 200
            seen = blocks(answer)
            assert [await anext(seen) for _ in range(3)] == [
                {"": "open"},
                {"": "still here"},
                {"": "still here"},
            ]
            edge.calls.events = [ticker("1")]
            edge.calls.released.set()
            async with asyncio.timeout(2):
                while "event" not in (block := await anext(seen)):
                    pass
            assert block["event"] == "ticker"


async def test_a_stream_ends_at_its_deadline() -> None:
    async with running_edge() as (edge, http):
        edge.calls.events = [ticker("1")]
        async with asyncio.timeout(2):
            answer = await http.get(PATH, headers={"x-deadline-ms": "80"})
        assert answer.status == 200
        assert "event: error" not in answer.text
        await edge.calls.left.wait()
        deadline = edge.calls.seen[0][1].deadline
        assert deadline is not None
        assert deadline.remaining_s() <= 0


async def test_a_stream_has_no_deadline_of_its_own() -> None:
    async with running_edge() as (edge, http), http.session.get(PATH):
        assert edge.calls.seen[0][1].deadline is None


async def test_a_reader_that_goes_ends_its_stream() -> None:
    async with running_edge() as (edge, http):
        edge.calls.events = [ticker("1")]
        async with http.session.get(PATH) as answer:
            await anext(blocks(answer))
        async with asyncio.timeout(2):
            await edge.calls.left.wait()


async def test_more_streams_than_the_bound_are_refused_at_once() -> None:
    async with running_edge(streams_max=1) as (edge, http):
        edge.calls.events = [ticker("1")]
        async with http.session.get(PATH):
            answer = await http.get(PATH)
            assert (answer.status, answer.reason) == (429, "OVERLOADED")
            assert (await http.get("/v1/accounts/a/balance")).status == 200
        await edge.calls.left.wait()


@pytest.mark.parametrize("begun", [True, False])
async def test_stopping_is_told_in_every_stream(
    begun: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    async with running_edge() as (edge, http):
        edge.calls.events = [ticker("1")]
        if not begun:
            edge.calls.released.clear()
        asked = asyncio.ensure_future(read_all(http, edge))
        await edge.calls.entered.wait()
        await asyncio.sleep(0.05)
        async with asyncio.timeout(4):
            await edge.stop(3)
            last = (await asked)[-1]
        assert await status_in(last) == "STOPPING"


async def read_all(http: Client, edge: Edge) -> list[dict[str, str]]:
    del edge
    async with http.session.get(PATH) as answer:
        return [block async for block in blocks(answer)]


async def test_a_reader_that_reads_nothing_is_dropped(metered: Metered) -> None:
    async with running_edge(stall_s=0.2) as (edge, _):
        edge.calls.events = [ticker("1" * 1000)] * 20_000
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port, limit=1024)
        writer.write(b"GET %b HTTP/1.1\r\nhost: a\r\n\r\n" % PATH.encode())
        async with asyncio.timeout(10):
            await edge.calls.left.wait()
            content = b""
            with suppress(ConnectionError):
                content = await reader.read()
        assert not content.endswith(b"0\r\n\r\n")
        writer.close()
    assert metered.told("stream.readers_stalled") == {"StreamTicker": 1}
