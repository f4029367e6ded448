"""A client of a small server on loopback that stands in for OKX's REST side."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from okx_gateway.custody.credential import Credential, Environment
from okx_gateway.custody.signer import Signer
from okx_gateway.okx.exchange_client import ExchangeClient
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.rest_client import RestClient
from okx_gateway.okx.signed_requests import SignedRequests
from tests.fakes.raw_http import Answer, RawServer, ok, replies

OKX_MS = 1695190491421
SECRETS = ("an-example-key", "an-example-secret", "an example phrase")
TAKEN = {"ordId": "77", "clOrdId": "a1", "ts": str(OKX_MS), "sCode": "0", "sMsg": ""}


def says(code: str, *rows: Mapping[str, object], status: str = "200 OK", **more: str) -> Answer:
    body = {"code": code, "msg": "told", "data": list(rows), **more}
    return replies(ok(json.dumps(body).encode(), status))


def signer_of(environment: Environment) -> Signer:
    credential = Credential(account="main", environment=environment, version=1, secrets=SECRETS)
    return Signer([credential], environment=environment)


@asynccontextmanager
async def requests_of(server: RawServer) -> AsyncIterator[SignedRequests]:
    async with RestClient(server.url) as rest:
        yield SignedRequests(rest, signer_of(Environment.LIVE), ExchangeClock(), demo=False)


@asynccontextmanager
async def client_of(
    server: RawServer, *, clock: ExchangeClock | None = None, demo: bool = False
) -> AsyncIterator[ExchangeClient]:
    environment = Environment.DEMO if demo else Environment.LIVE
    async with RestClient(server.url) as rest:
        yield ExchangeClient(rest, signer_of(environment), clock or ExchangeClock(), demo=demo)


def headers_of(head: str) -> dict[str, str]:
    lines = head.strip().split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
