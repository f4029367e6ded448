"""Against a small server on loopback that stands in for OKX's REST side."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from okx_gateway.custody.credential import Credential, Environment
from okx_gateway.custody.signer import Signer
from okx_gateway.domain.errors import (
    CredentialUnusableError,
    ExchangeRefusedError,
    ExchangeThrottledError,
    ExchangeUnavailableError,
    GatewayError,
)
from okx_gateway.domain.instrument import InstrumentType
from okx_gateway.domain.order import OrderName, Placed
from okx_gateway.okx.exchange_client import ExchangeClient
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.rest_client import RestClient
from okx_gateway.okx.verdict import Absent, CancelTaken, InDoubt, NoEvidence, Unsent
from tests.fakes.orders import an_instrument, an_order
from tests.fakes.raw_http import Answer, RawServer, ok, raw_server, replies

OKX_MS = 1695190491421
SECRETS = ("an-example-key", "an-example-secret", "an example phrase")
TAKEN = {"ordId": "77", "clOrdId": "a1", "ts": str(OKX_MS), "sCode": "0", "sMsg": ""}


def says(code: str, *rows: Mapping[str, object], status: str = "200 OK", **more: str) -> Answer:
    body = {"code": code, "msg": "told", "data": list(rows), **more}
    return replies(ok(json.dumps(body).encode(), status))


@asynccontextmanager
async def client_of(
    server: RawServer, *, clock: ExchangeClock | None = None, demo: bool = False
) -> AsyncIterator[ExchangeClient]:
    environment = Environment.DEMO if demo else Environment.LIVE
    credential = Credential(account="main", environment=environment, version=1, secrets=SECRETS)
    signer = Signer([credential], environment=environment)
    async with RestClient(server.url) as rest:
        yield ExchangeClient(rest, signer, clock or ExchangeClock(), demo=demo)


def headers_of(head: str) -> dict[str, str]:
    lines = head.strip().split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


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


async def test_every_answer_to_an_order_tells_the_time() -> None:
    clock = ExchangeClock()
    times = {"inTime": f"{OKX_MS}339", "outTime": f"{OKX_MS}340"}
    answer = says("0", TAKEN, **times)
    async with raw_server(answer) as server, client_of(server, clock=clock) as exchange:
        await exchange.place(an_order(), an_instrument(), expiry_ms=OKX_MS)
    assert clock.earliest_ms() - 2_000 < OKX_MS < clock.latest_ms() + 1
    assert clock.error_ms() < 1_000


@pytest.mark.parametrize("demo", [True, False])
async def test_demo_trading_is_asked_for_on_public_and_private_requests(*, demo: bool) -> None:
    answer = says("0", {"details": [], "ts": str(OKX_MS)})
    async with raw_server(answer) as server, client_of(server, demo=demo) as exchange:
        await exchange.synchronise()
        await exchange.balance("main", [])
    for head, _ in server.requests:
        assert headers_of(head).get("x-simulated-trading") == ("1" if demo else None)
    assert "ok-access-key" not in headers_of(server.requests[0][0])


async def test_an_order_is_written_once_and_lost_replies_leave_doubt() -> None:
    async with raw_server(replies(b"garbage\r\n\r\n")) as server, client_of(server) as exchange:
        placed = await exchange.place(an_order(), an_instrument(), expiry_ms=OKX_MS)
        assert isinstance(placed, InDoubt)
        assert len(server.requests) == 1
        cancelled = await exchange.cancel("main", "BTC-USDT", OrderName("a1"))
        assert isinstance(cancelled, InDoubt)
        seen = await exchange.look_up("main", "BTC-USDT", OrderName("a1"))
        assert isinstance(seen, NoEvidence)
    assert len(server.requests) == 3


async def test_without_a_connection_nothing_was_sent() -> None:
    async with raw_server(says("0")) as server:
        pass
    async with client_of(server) as exchange:
        placed = await exchange.place(an_order(), an_instrument(), expiry_ms=OKX_MS)
        assert isinstance(placed, Unsent)
        cancelled = await exchange.cancel("main", "BTC-USDT", OrderName("a1"))
        assert isinstance(cancelled, Unsent)
        with pytest.raises(ExchangeUnavailableError):
            await exchange.balance("main", [])


async def test_a_cancel_names_the_order_as_it_was_named() -> None:
    async with raw_server(says("0", TAKEN)) as server, client_of(server) as exchange:
        taken = await exchange.cancel("main", "BTC-USDT", OrderName(exchange_order_id="77"))
    assert taken == CancelTaken("77", "a1", OKX_MS)
    [(head, body)] = server.requests
    assert head.startswith("POST /api/v5/trade/cancel-order ")
    assert json.loads(body) == {"instId": "BTC-USDT", "ordId": "77"}
    assert "exptime" not in headers_of(head)


async def test_an_order_is_looked_up_by_its_name() -> None:
    async with raw_server(says("51603")) as server, client_of(server) as exchange:
        assert await exchange.look_up("main", "BTC-USDT", OrderName("a1")) == Absent()
    path = "/api/v5/trade/order?instId=BTC-USDT&clOrdId=a1"
    assert server.requests[0][0].startswith(f"GET {path} HTTP/1.1")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (says("50011", status="429 Too Many Requests"), ExchangeThrottledError),
        (says("50061"), ExchangeThrottledError),
        (says("50113", status="401 Unauthorized"), CredentialUnusableError),
        (says("50119"), CredentialUnusableError),
        (says("51001"), ExchangeRefusedError),
        (says("50102", status="401 Unauthorized"), ExchangeRefusedError),
        (says("0", {"details": []}, status="503 Service Unavailable"), ExchangeUnavailableError),
        (replies(ok(b"<html>", "502 Bad Gateway")), ExchangeUnavailableError),
        (replies(ok(b"<html>")), ExchangeUnavailableError),
        (says("0"), ExchangeUnavailableError),
        (says("0", {"details": []}, {"details": []}), ExchangeUnavailableError),
        (says("0", {"details": [{"ccy": 5}]}), ExchangeUnavailableError),
    ],
)
async def test_a_read_that_fails_says_whose_fault_it_is(
    answer: Answer, error: type[GatewayError]
) -> None:
    async with raw_server(answer) as server, client_of(server) as exchange:
        with pytest.raises(error) as raised:
            await exchange.balance("main", [])
    assert type(raised.value) is error
    assert len(server.requests) == 1


async def test_the_configuration_of_an_account_is_one_row() -> None:
    answers = (says("0", {"uid": "1"}), says("0"))
    async with raw_server(*answers) as server, client_of(server) as exchange:
        assert await exchange.account_config("main") == {"uid": "1"}
        with pytest.raises(ExchangeUnavailableError):
            await exchange.account_config("main")


async def test_instruments_are_read_by_type_and_options_by_family() -> None:
    row: dict[str, object] = {"instId": "BTC-USDT", "instType": "SPOT", "tickSz": "0.1"}
    answers = (says("0", row), says("0"), says("0", {"instId": "X", "instType": "NEW"}))
    async with raw_server(*answers) as server, client_of(server) as exchange:
        [instrument] = await exchange.instruments(InstrumentType.SPOT)
        assert instrument.name == "BTC-USDT"
        assert await exchange.instruments(InstrumentType.OPTION, "BTC-USD") == []
        with pytest.raises(ExchangeUnavailableError):
            await exchange.instruments(InstrumentType.SPOT)
    paths = [head.split(" ")[1] for head, _ in server.requests]
    assert paths[:2] == [
        "/api/v5/public/instruments?instType=SPOT",
        "/api/v5/public/instruments?instType=OPTION&instFamily=BTC-USD",
    ]


@pytest.mark.parametrize("row", [{"ts": "soon"}, {"ts": 5}, {}])
async def test_a_time_that_cannot_be_read_teaches_nothing(row: dict[str, object]) -> None:
    clock = ExchangeClock()
    async with raw_server(says("0", row)) as server, client_of(server, clock=clock) as exchange:
        with pytest.raises(ExchangeUnavailableError):
            await exchange.synchronise()
    assert clock.error_ms() > 3_600_000
