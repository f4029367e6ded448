"""Against a small server on loopback that stands in for OKX's REST side."""

import base64
import hashlib
import hmac
import json

import pytest

from okx_gateway.domain.order import Placed
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.rest_client import RequestNotSentError
from tests.fakes.okx_http import OKX_MS, SECRETS, TAKEN, client_of, headers_of, requests_of, says
from tests.fakes.orders import an_instrument, an_order
from tests.fakes.raw_http import raw_server


async def test_an_order_is_signed_over_the_bytes_sent_and_bounded_by_its_expiry() -> None:
    async with raw_server(says("0", TAKEN)) as server, client_of(server) as exchange:
        placed = await exchange.place(an_order(), an_instrument(), expiry_ms=OKX_MS + 1_000)
    assert placed == Placed("77", OKX_MS)
    [(head, body)] = server.requests
    headers = headers_of(head)
    assert headers["exptime"] == str(OKX_MS + 1_000)
    assert headers["content-type"] == "application/json"
    assert headers["ok-access-key"] == SECRETS[0]
    message = f"{headers['ok-access-timestamp']}POST/api/v5/trade/order".encode() + body
    mac = hmac.new(SECRETS[1].encode(), message, hashlib.sha256).digest()
    assert headers["ok-access-sign"] == base64.b64encode(mac).decode()
    assert json.loads(body)["clOrdId"] == "a1"
    assert "x-simulated-trading" not in headers


async def test_a_query_is_signed_as_it_is_sent() -> None:
    async with raw_server(says("0", {"details": []})) as server, client_of(server) as exchange:
        await exchange.balance("main", ["BTC", "ETH"])
    [(head, _)] = server.requests
    path = "/api/v5/account/balance?ccy=BTC%2CETH"
    assert head.startswith(f"GET {path} HTTP/1.1")
    headers = headers_of(head)
    message = f"{headers['ok-access-timestamp']}GET{path}".encode()
    mac = hmac.new(SECRETS[1].encode(), message, hashlib.sha256).digest()
    assert headers["ok-access-sign"] == base64.b64encode(mac).decode()
    assert "exptime" not in headers


async def test_the_timestamp_is_of_the_clock_of_okx() -> None:
    clock = ExchangeClock()
    time_row = {"ts": str(OKX_MS)}
    answers = (says("0", time_row), says("0", {"details": []}))
    async with raw_server(*answers) as server, client_of(server, clock=clock) as exchange:
        await exchange.synchronise()
        assert clock.error_ms() < 1_000
        await exchange.balance("main", [])
    assert headers_of(server.requests[1][0])["ok-access-timestamp"].startswith("2023-09-20T06:14:5")


@pytest.mark.parametrize("demo", [True, False])
async def test_demo_trading_is_asked_for_on_public_and_private_requests(*, demo: bool) -> None:
    answer = says("0", {"details": [], "ts": str(OKX_MS)})
    async with raw_server(answer) as server, client_of(server, demo=demo) as exchange:
        await exchange.synchronise()
        await exchange.balance("main", [])
    for head, _ in server.requests:
        assert headers_of(head).get("x-simulated-trading") == ("1" if demo else None)
    assert "ok-access-key" not in headers_of(server.requests[0][0])


async def test_a_request_that_expires_says_when_and_others_do_not() -> None:
    async with raw_server(says("0")) as server, requests_of(server) as requests:
        await requests.send(
            Endpoint.AMEND_ORDER, account="main", body=b"{}", expiry_ms=17, timeout_s=2.0
        )
        await requests.send(Endpoint.CANCEL_ORDER, account="main", body=b"{}", timeout_s=2.0)
    amend, cancel = (headers_of(head) for head, _ in server.requests)
    assert amend["exptime"] == "17"
    assert "exptime" not in cancel


async def test_what_is_late_is_not_sent() -> None:
    async with raw_server(says("0")) as server, requests_of(server) as requests:
        with pytest.raises(RequestNotSentError) as raised:
            await requests.send(
                Endpoint.CANCEL_ORDER, account="main", body=b"{}", timeout_s=2.0, write_before_s=0.0
            )
    assert raised.value.late
    assert server.requests == []
