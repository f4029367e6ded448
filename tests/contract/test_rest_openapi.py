"""Does a running gateway keep what its OpenAPI document says?"""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
import schemathesis
from anyio.from_thread import start_blocking_portal
from google.protobuf.message import Message
from hypothesis import HealthCheck, Phase, settings
from openapi_spec_validator import validate
from schemathesis.checks import CheckContext
from schemathesis.config import SchemathesisConfig
from schemathesis.core.transport import Response
from schemathesis.generation import GenerationMode

from okx_gateway.api.v1 import gateway_service_pb2
from okx_gateway.edge import translate
from okx_gateway.edge.openapi.document import openapi_document
from okx_gateway.edge.rest.route import Matched, RouteTable
from okx_gateway.edge.rest.transcode import request_message
from tests.support.running import (
    ACCOUNT,
    Gateway,
    make_vault,
    running_exchange,
    running_gateway,
    settings_for,
)

EXAMPLES_MAX = 12
DEADLINE_MS_MIN = 5000
STREAM_MS_MAX = 150
ROUTES = RouteTable(gateway_service_pb2.DESCRIPTOR.services_by_name["GatewayService"])
Case = schemathesis.Case[Any]
CONFIG = SchemathesisConfig.from_dict(
    {
        "generation": {"deterministic": True, "database": "none"},
        "checks": {
            # That a request is well formed does not oblige OKX to take the order; the check
            # `well_formed_is_accepted` looks at what this one then leaves open.
            "positive_data_acceptance": {
                "expected-statuses": ["2xx", "400", "404", "409", "429"],
            },
        },
    }
)
schema = schemathesis.openapi.from_dict(openapi_document(), config=CONFIG)


@asynccontextmanager
async def _gateway(folder: Path, valkey_url: str) -> AsyncIterator[Gateway]:
    async with running_exchange(folder) as exchange:
        environ = {**settings_for(exchange.address, valkey_url), **make_vault(folder)}
        async with running_gateway(environ) as gateway:
            yield gateway


@pytest.fixture(scope="module")
def rest(valkey_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("gateway")
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(_gateway(folder, valkey_url)) as gateway,
    ):
        yield f"http://{gateway.rest}"


def test_the_document_is_served_and_valid(rest: str) -> None:
    with urlopen(f"{rest}/openapi.json", timeout=10) as answer:  # noqa: S310  # loopback
        served = json.load(answer)
    assert served == openapi_document()
    validate(served)


def well_formed_is_accepted(_: CheckContext, response: Response, case: Case) -> None:
    """A request that fits the document breaks no rule that the document should have had."""
    meta = case.meta
    if meta is None or meta.generation.mode is not GenerationMode.POSITIVE:
        return
    if response.status_code == 400:
        translate.check(_as_the_gateway_reads(response))


def _as_the_gateway_reads(response: Response) -> Message:
    parts = urlsplit(str(response.request.url))
    matched = ROUTES.match(str(response.request.method), parts.path)
    assert isinstance(matched, Matched)
    body = response.request.body or b""
    return request_message(
        matched, parts.query.encode(), body if isinstance(body, bytes) else str(body).encode()
    )


def _with_bounds(case: Case) -> None:
    """Let calls have the time that they need, and streams end; aim at what there is."""
    headers, path = case.headers, case.path_parameters
    given = str(headers.get("x-deadline-ms", DEADLINE_MS_MIN))
    if given.isdigit() and 1 <= int(given) <= 60_000:
        wait_ms = max(int(given), DEADLINE_MS_MIN)
        streams = case.operation.path.endswith(":stream")
        headers["x-deadline-ms"] = str(min(wait_ms, STREAM_MS_MAX) if streams else wait_ms)
    if case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE:
        if "account" in path:
            path["account"] = ACCOUNT
        if isinstance(case.body, dict) and "clientOrderId" in case.body:
            case.body["instrument"] = "BTC-USDT"


@schema.parametrize()
@settings(
    max_examples=EXAMPLES_MAX,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
def test_every_answer_is_as_documented(case: Case, rest: str) -> None:
    _with_bounds(case)
    case.call_and_validate(base_url=rest, additional_checks=[well_formed_is_accepted], timeout=20)
