"""Does every request get the answer that HTTP and the proto want?"""

import asyncio
import json

import pytest

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from okx_gateway.domain.errors import (
    BudgetExhaustedError,
    InvalidRequestError,
    LedgerUnavailableError,
    OrderOutcomeUnknownError,
    Violation,
)
from okx_gateway.edge.caller import UNNAMED
from tests.support.rest_edge import running_edge

ORDER = {"clientOrderId": "a1", "instrument": "BTC-USDT", "side": "SIDE_BUY", "quantity": "1.5"}
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


async def test_a_call_reaches_the_same_function_as_over_grpc() -> None:
    async with running_edge() as (edge, http):
        answer = await http.post("/v1/accounts/desk-1/orders", json=ORDER)
        assert answer.status == 200
        assert json.loads(answer.text) == {
            "outcome": "ORDER_OUTCOME_UNSPECIFIED",
            "clientOrderId": "",
            "exchangeOrderId": "",
            "replayed": False,
        }
        [(request, call)] = edge.calls.seen
        assert request == api.PlaceOrderRequest(
            account="desk-1",
            client_order_id="a1",
            instrument="BTC-USDT",
            side=order_pb2.SIDE_BUY,
            quantity="1.5",
        )
        assert call.deadline is not None
        assert 4 < call.deadline.remaining_s() <= 5


async def test_the_name_of_the_caller_reaches_the_call_and_a_wrong_one_does_not() -> None:
    async with running_edge() as (edge, http):
        for path in ("/v1/accounts/a/balance", "/v1/tickers:stream?instruments=BTC-USDT"):
            answer = await http.get(path, headers={"x-caller": "Desk"})
            assert (answer.status, answer.reason) == (400, "INVALID_REQUEST")
            assert "x-caller" in answer.text
        await http.get("/v1/accounts/a/balance", headers={"x-caller": "desk-7"})
        await http.get("/v1/accounts/a/balance")
        assert [call.caller for _, call in edge.calls.seen] == ["desk-7", UNNAMED]


async def test_headers_of_an_answer() -> None:
    async with running_edge() as (_, http):
        answer = await http.get(
            "/v1/accounts/a/balance", headers={"traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01"}
        )
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-trace-id"] == TRACE_ID
        assert "server" not in answer.headers


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (InvalidRequestError([Violation("quantity", "is wrong")]), 400, "INVALID_REQUEST"),
        (LedgerUnavailableError("timeout"), 503, "LEDGER_UNAVAILABLE"),
        (OrderOutcomeUnknownError("a1"), 500, "ORDER_OUTCOME_UNKNOWN"),
        (BudgetExhaustedError("place:BTC-USDT", 1200), 429, "BUDGET_EXHAUSTED"),
    ],
)
async def test_an_error_is_told_as_a_status(error: Exception, status: int, reason: str) -> None:
    async with running_edge() as (edge, http):
        edge.calls.error = error
        answer = await http.post("/v1/accounts/a/orders", json=ORDER)
        assert (answer.status, answer.reason) == (status, reason)
        wait_s = "2" if reason == "BUDGET_EXHAUSTED" else None
        assert answer.headers.get("retry-after") == wait_s
        assert "x-trace-id" in answer.headers


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("a secret"),
        TimeoutError("a secret"),
        ConnectionError(),
        asyncio.CancelledError(),
    ],
)
async def test_a_defect_is_answered_without_its_inside(error: BaseException) -> None:
    async with running_edge() as (edge, http):
        edge.calls.error = error
        answer = await http.get("/v1/accounts/a/balance")
        assert (answer.status, answer.reason) == (500, "INTERNAL")
        assert "secret" not in answer.text
        assert [each["exc_info"] for each in edge.logs] == [error]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/v1/accounts/a/orders", "POST, OPTIONS"),
        ("GET", "/v1/accounts/a/orders/a1:cancel", "POST, OPTIONS"),
        ("DELETE", "/v1/accounts/a/orders/a1", "GET, HEAD, OPTIONS"),
        ("POST", "/v1/tickers:stream", "GET, HEAD, OPTIONS"),
        ("POST", "/healthz", "GET, HEAD, OPTIONS"),
        ("DELETE", "/docs", "GET, HEAD, OPTIONS"),
    ],
)
async def test_another_method_is_told_which_are_allowed(method: str, path: str, allow: str) -> None:
    async with running_edge() as (_, http):
        answer = await http.ask(method, path)
        assert (answer.status, answer.headers["allow"]) == (405, allow)
        options = await http.ask("OPTIONS", path)
        assert (options.status, options.headers["allow"]) == (204, allow)
        assert "content-length" not in options.headers


async def test_head_is_answered_as_get_without_the_body() -> None:
    async with running_edge() as (edge, http):
        for path in ("/healthz", "/v1/accounts/a/balance"):
            whole, head = await http.get(path), await http.ask("HEAD", path)
            assert head.status == 200
            assert head.text == ""
            assert head.headers["content-length"] == whole.headers["content-length"]
        calls = len(edge.calls.seen)
        stream = await http.ask("HEAD", "/v1/tickers:stream?instruments=A")
        assert stream.headers["content-type"] == "text/event-stream"
        assert len(edge.calls.seen) == calls


async def test_paths_that_only_look_like_ours_are_unknown() -> None:
    targets = (
        b"/",
        b"//v1/accounts/a/balance",
        b"/v1/accounts/a/../a/balance",
        b"/v1/accounts/a/balance/",
        b"/v1%2Faccounts/a/balance",
        b"/./healthz",
        b"/healthz/",
        b"//healthz",
        b"/docs/../healthz",
        b"/docs/%2e%2e/asgi_app.py",
        b"/docs/index.html",
        b"/docs/",
        b"http://evil.example/",
    )
    async with running_edge() as (edge, _):
        for target in targets:
            answer = await edge.raw(
                b"GET %b HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n" % target
            )
            assert answer.startswith(b"HTTP/1.1 404 "), target
        assert not edge.calls.seen


async def test_a_path_cannot_put_anything_into_headers() -> None:
    async with running_edge() as (edge, http):
        for path in ("/v1/accounts/a%0d%0ax-evil:1/balance", "/%0d%0ax-evil:1"):
            answer = await edge.raw(
                b"GET %b HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n" % path.encode()
            )
            head = answer.partition(b"\r\n\r\n")[0]
            assert b"x-evil" not in head
        assert (await http.get("/healthz")).status == 200


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        (None, "evil.example", 200),
        ("http://localhost:8080", "localhost:8080", 200),
        ("http://127.0.0.1:8080", "127.0.0.1:8080", 200),
        ("http://evil.example", "127.0.0.1:8080", 400),
        ("http://rebound.example:8080", "rebound.example:8080", 400),
        ("null", "127.0.0.1:8080", 400),
    ],
)
async def test_a_web_page_of_others_cannot_cancel(
    origin: str | None, host: str, status: int
) -> None:
    async with running_edge() as (edge, http):
        headers = {"host": host} | ({"origin": origin} if origin else {})
        answer = await http.post("/v1/accounts/a/orders/a1:cancel", headers=headers)
        assert answer.status == status
        assert len(edge.calls.seen) == (status == 200)
        assert (await http.get("/v1/accounts/a/balance", headers=headers)).status == 200


async def test_health_and_readiness() -> None:
    async with running_edge() as (edge, http):
        assert json.loads((await http.get("/healthz")).text) == {"status": "ok"}
        assert (await http.get("/readyz")).status == 200
        edge.reasons = ["no instruments are known"]
        answer = await http.get("/readyz")
        assert answer.status == 503
        assert json.loads(answer.text) == {"ready": False, "because": edge.reasons}
        assert (await http.get("/healthz")).status == 200


async def test_more_calls_than_the_bound_are_refused_at_once() -> None:
    async with running_edge(calls_max=2) as (edge, http):
        edge.calls.released.clear()
        path = "/v1/accounts/a/balance"
        held = []
        for _ in range(2):
            edge.calls.entered.clear()
            held.append(asyncio.ensure_future(http.get(path)))
            await edge.calls.entered.wait()
        answer = await http.get(path)
        assert (answer.status, answer.reason) == (429, "OVERLOADED")
        edge.calls.released.set()
        assert [(await each).status for each in held] == [200, 200]
        assert (await http.get(path)).status == 200
