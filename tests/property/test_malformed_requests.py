"""Malformed or odd requests of every RPC: refused by name, nothing sent.

Every request is a right one in which at least one thing was made wrong, or bytes that are none.
Half of them go through each of the two doors.
"""

import asyncio
import copy
import json
import os
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import grpc
import pytest
from google.protobuf import any_pb2, json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from yarl import URL

from okx_gateway.api.v1 import gateway_service_pb2 as api
from tests.support.running import (
    ACCOUNT,
    make_vault,
    running_exchange,
    running_gateway,
    settings_for,
)

pytestmark = pytest.mark.timeout(300)

# For each call, half of them through each of the two doors; `make soak` asks for ten thousand.
REQUESTS_PER_RPC = int(os.environ.get("PROPERTY_REQUESTS", "2000")) // 2
TOGETHER = 250
SERVICE = "okx_gateway.api.v1.GatewayService"

# What people and machines send where a word, an amount or an id belongs.
ODD_TEXTS = [
    *(
        "",
        " ",
        "\n",
        "\x00",
        "a\n",
        "\u202e",
        "\u0663",
        "\uff11",
        "\U0001f4b8",
        "null",
        "undefined",
    ),
    *("../..", "a/b", "%2e%2e", "' OR 1=1 --", "<script>", "${x}", "{{7*7}}", "\r\nX: y", "-" * 40),
    *(
        "NaN",
        "Infinity",
        "-Infinity",
        "sNaN",
        "1e5",
        "1E400",
        "-1",
        "+1",
        "-0",
        "0",
        "0.0",
        "1_000",
    ),
    *("01", "1.", ".5", "0x10", "1,5", "1 ", " 1", "9" * 19, "0." + "0" * 19 + "1", "1" * 999),
]
odd_text = st.one_of(st.sampled_from(ODD_TEXTS), st.text(max_size=60))


def never_right(text: str) -> bool:
    """Whether the text is wrong for every field below, which all take ids or positive amounts."""
    return not text.isascii() or not text or not text.replace(".", "", 1).isalnum()


wrong_text = odd_text.filter(never_right)
wrong_amount = st.sampled_from([each for each in ODD_TEXTS if each not in ("", "1")])
wrong_enum = st.sampled_from([0, 99, -1, 2**31 - 1])


@dataclass(frozen=True)
class Rpc:
    """A call, a right request of it, and what makes it wrong: field path to bad values."""

    name: str
    kind: type[Message]
    right: dict[str, Any]
    wrong: dict[str, st.SearchStrategy[Any]]
    http: str
    path_fields: tuple[str, ...] = ("account",)


RPCS = [
    Rpc(
        "PlaceOrder",
        api.PlaceOrderRequest,
        {
            "account": ACCOUNT,
            "clientOrderId": "a1",
            "instrument": "BTC-USDT",
            "side": 1,
            "tradeMode": 1,
            "quantity": "0.001",
            "limit": {"price": "30000", "timeInForce": 1},
        },
        {
            "account": wrong_text,
            "clientOrderId": wrong_text,
            "instrument": wrong_text,
            "side": wrong_enum,
            "tradeMode": wrong_enum,
            "quantity": wrong_amount,
            "limit.price": wrong_amount,
            "limit.timeInForce": wrong_enum,
            "limit": st.none(),
            "marginCurrency": wrong_text.filter(bool),
            "tag": wrong_text.filter(bool),
            "positionSide": st.sampled_from([1, 2, 77]),
            "reduceOnly": st.just(True),
            "takeProfit": st.just({"triggerPrice": "0"}),
        },
        "POST /v1/accounts/{account}/orders",
    ),
    Rpc(
        "CancelOrder",
        api.CancelOrderRequest,
        {"account": ACCOUNT, "clientOrderId": "never-placed"},
        {"account": wrong_text, "clientOrderId": wrong_text, "instrument": wrong_text.filter(bool)},
        "POST /v1/accounts/{account}/orders/{clientOrderId}:cancel",
        ("account", "clientOrderId"),
    ),
    Rpc(
        "AmendOrder",
        api.AmendOrderRequest,
        {"account": ACCOUNT, "clientOrderId": "never-placed", "newPrice": "30000"},
        {
            "account": wrong_text,
            "clientOrderId": wrong_text,
            "instrument": wrong_text.filter(bool),
            "newQuantity": wrong_amount,
            "newPrice": wrong_amount,
        },
        "POST /v1/accounts/{account}/orders/{clientOrderId}:amend",
        ("account", "clientOrderId"),
    ),
    Rpc(
        "GetOrder",
        api.GetOrderRequest,
        {"account": ACCOUNT, "clientOrderId": "never-placed"},
        {"account": wrong_text, "clientOrderId": wrong_text, "instrument": wrong_text.filter(bool)},
        "GET /v1/accounts/{account}/orders/{clientOrderId}",
        ("account", "clientOrderId"),
    ),
    Rpc(
        "GetBalance",
        api.GetBalanceRequest,
        {"account": ACCOUNT},
        {
            "account": wrong_text,
            "currencies": st.one_of(
                st.lists(wrong_text, min_size=1, max_size=3),
                st.just(["BTC", "BTC"]),
                st.just([f"C{number}" for number in range(21)]),
            ),
        },
        "GET /v1/accounts/{account}/balance",
    ),
    Rpc(
        "StreamTicker",
        api.StreamTickerRequest,
        {"instruments": ["BTC-USDT"]},
        {
            "instruments": st.one_of(
                st.lists(wrong_text, min_size=1, max_size=3),
                st.just([]),
                st.just(["BTC-USDT", "BTC-USDT"]),
                st.just(["NOT-LISTED"]),
                st.just([f"A-{number}" for number in range(101)]),
            )
        },
        "GET /v1/tickers:stream",
        (),
    ),
]


def put(document: dict[str, Any], path: str, value: object) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        document = document.setdefault(parent, {})
    if value is None:
        document.pop(last, None)
    else:
        document[last] = value


@st.composite
def wrong_document(draw: st.DrawFn, rpc: Rpc) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(rpc.right))
    paths = draw(st.lists(st.sampled_from(sorted(rpc.wrong)), min_size=1, max_size=3, unique=True))
    for path in sorted(paths, reverse=True):
        put(document, path, draw(rpc.wrong[path]))
    return document


def wire_of(rpc: Rpc, document: dict[str, Any]) -> bytes:
    message = rpc.kind()
    json_format.ParseDict(document, message)
    return message.SerializeToString()


def requests_of(rpc: Rpc) -> st.SearchStrategy[list[Any]]:
    one = st.one_of(wrong_document(rpc), wrong_document(rpc), st.binary(min_size=1, max_size=40))
    return st.lists(one, min_size=TOGETHER, max_size=TOGETHER)


def in_batches(rpc: Rpc, check: Callable[[list[Any]], None]) -> None:
    """Draw REQUESTS_PER_RPC requests in batches, and have each batch checked."""

    @seed(20261122)
    @settings(
        max_examples=REQUESTS_PER_RPC // TOGETHER,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(requests_of(rpc))
    def drawn(batch: list[Any]) -> None:
        check(batch)

    drawn()


@dataclass(frozen=True)
class Refusal:
    """How a door refused: code and reason, and the fields it named."""

    code: str
    reason: str
    fields: tuple[str, ...]


def is_proper(refusal: Refusal | None) -> bool:
    if refusal is None:
        return False
    if refusal.code == "NOT_FOUND":
        return refusal.reason in ("ERROR_REASON_ACCOUNT_UNKNOWN", "ERROR_REASON_ORDER_NOT_FOUND")
    return refusal.code == "INVALID_ARGUMENT" and bool(refusal.fields) and all(refusal.fields)


# How many orders the account may send: the gateway reads it by itself, after the start and later.
_OWN = "/api/v5/trade/account-rate-limit"


class World:
    """Exchange and gateway, and a loop of their own for a test that is not asynchronous."""

    def __init__(self, folder: Path, valkey_url: str) -> None:
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._runner.run(self._start(folder, valkey_url))

    async def _start(self, folder: Path, valkey_url: str) -> None:
        self._exchange = await self._stack.enter_async_context(running_exchange(folder))
        own = {**settings_for(self._exchange.address, valkey_url), **make_vault(folder)}
        gateway = await self._stack.enter_async_context(running_gateway(own))
        self._channel = await self._stack.enter_async_context(
            grpc.aio.insecure_channel(gateway.grpc)
        )
        self._rest = await self._stack.enter_async_context(
            aiohttp.ClientSession(f"http://{gateway.rest}")
        )

    def close(self) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()

    def private_requests(self) -> int:
        """How many requests of the account reached the exchange, but those that nobody asks for."""
        entries = self._runner.run(self._exchange.requests())
        return sum(1 for entry in entries if entry["uid"] and _OWN not in entry["target"])

    def over_grpc(self, rpc: Rpc, batch: list[Any]) -> list[Refusal | None]:
        return self._runner.run(_all(self._one_over_grpc(rpc, each) for each in batch))

    def over_rest(self, rpc: Rpc, batch: list[Any]) -> list[Refusal | None]:
        return self._runner.run(_all(self._one_over_rest(rpc, each) for each in batch))

    async def _one_over_grpc(self, rpc: Rpc, request: Any) -> Refusal | None:
        content = request if isinstance(request, bytes) else wire_of(rpc, request)
        try:
            if rpc.name == "StreamTicker":
                many: Any = self._channel.unary_stream(f"/{SERVICE}/{rpc.name}")
                stream = many(content, timeout=10)
                await stream.read()
                stream.cancel()
            else:
                one: Any = self._channel.unary_unary(f"/{SERVICE}/{rpc.name}")
                await one(content, timeout=10)
        except grpc.aio.AioRpcError as error:
            status = rpc_status.from_call(error) or status_pb2.Status()
            return _refusal(error.code().name, status.details)
        return None

    async def _one_over_rest(self, rpc: Rpc, request: Any) -> Refusal | None:
        method, _, path = rpc.http.partition(" ")
        body, query = b"", b""
        if isinstance(request, bytes):
            filled = {name: str(rpc.right[name]) for name in rpc.path_fields}
            body, query = (request, b"") if method == "POST" else (b"", b"odd=" + request)
        else:
            filled = {name: str(request.pop(name, "")) for name in rpc.path_fields}
            if method == "POST":
                body = json.dumps(request).encode()
            else:
                query = urlencode(request, doseq=True).encode()
        for name, text in filled.items():
            path = path.replace(f"{{{name}}}", quote(text.encode("utf-8", "replace"), safe=""))
        url = URL(f"{path}?{quote(query, safe='=&%+')}" if query else path, encoded=True)
        headers = {"content-type": "application/json"}
        async with self._rest.request(method, url, data=body or None, headers=headers) as response:
            if response.status == 200:
                return None
            answer = await response.json()
            if response.status in (404, 405) and "details" not in answer:
                return Refusal("INVALID_ARGUMENT", "", ("path",))  # no call has such a path
            status = json_format.ParseDict(answer, status_pb2.Status())
            code = grpc_code(status.code)
            return _refusal(code, status.details)


async def _all(work: Iterable[Awaitable[Refusal | None]]) -> list[Refusal | None]:
    return await asyncio.gather(*work)


def grpc_code(number: int) -> str:
    return next(code.name for code in grpc.StatusCode if code.value[0] == number)


def _refusal(code: str, details: Iterable[any_pb2.Any]) -> Refusal:
    reason, fields = "", []
    for packed in details:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if packed.Unpack(info):
            reason = info.reason
        elif packed.Unpack(bad):
            fields = [each.field for each in bad.field_violations]
    return Refusal(code, reason, tuple(fields))


@pytest.fixture(scope="module")
def world(valkey_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("world"), valkey_url)
    yield world
    world.close()


@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: rpc.name)
@pytest.mark.parametrize("door", ["over_grpc", "over_rest"])
def test_what_is_malformed_is_refused_by_name_and_not_sent(
    world: World, rpc: Rpc, door: str
) -> None:
    before = world.private_requests()

    def check(batch: list[Any]) -> None:
        refusals = getattr(world, door)(rpc, copy.deepcopy(batch))
        for request, refusal in zip(batch, refusals, strict=True):
            # Bytes may by chance be a request that says nothing wrong; documents never are.
            if refusal is not None or not isinstance(request, bytes):
                assert is_proper(refusal), f"{request!r} was answered {refusal}"

    in_batches(rpc, check)
    assert world.private_requests() == before
