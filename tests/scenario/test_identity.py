"""Whoever calls over TLS is known by a token or a certificate, over gRPC and REST, or refused."""

import asyncio
import hashlib
import json
import ssl
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest
import pytest_asyncio

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import instrument_pb2
from okx_gateway.api.v1.gateway_service_pb2_grpc import GatewayServiceStub
from tests.support.identities import AUDIENCE, ISSUER, SUBJECT, Authority, Shown, Signer, forged
from tests.support.running import (
    Exchange,
    Gateway,
    make_vault,
    running_gateway,
    settings_for,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

STATIC = "web-token-of-high-entropy-0123456789"
OPERATOR = "operator-token-of-high-entropy-0123456789"
RISK = "spiffe://example.org/ns/trading/sa/risk"
REASON = "ERROR_REASON_UNAUTHENTICATED"
SPOT = instrument_pb2.INSTRUMENT_TYPE_SPOT
_RELOAD_WAIT_S = 5.0


@dataclass
class Walled:
    """A gateway on TLS that wants to know who calls, and all that its callers have."""

    gateway: Gateway
    folder: Path
    servers: Authority
    clients: Authority
    signer: Signer

    async def over_grpc(
        self, headers: list[tuple[str, str]], shown: Shown | None, ca: bytes | None = None
    ) -> str:
        """OK, or the code that ends the call."""
        credentials = grpc.ssl_channel_credentials(
            ca or self.servers.certificate,
            shown.key if shown else None,
            shown.certificate if shown else None,
        )
        async with grpc.aio.secure_channel(self.gateway.grpc, credentials) as channel:
            try:
                request = api.ListInstrumentsRequest(type=SPOT)
                await GatewayServiceStub(channel).ListInstruments(
                    request, timeout=5, metadata=headers
                )
            except grpc.aio.AioRpcError as error:
                return error.code().name
        return "OK"

    async def over_rest(
        self, headers: list[tuple[str, str]], shown: Shown | None
    ) -> tuple[int, str]:
        """Status and text."""
        try:
            async with (
                aiohttp.ClientSession(f"https://{self.gateway.rest}") as session,
                session.get(
                    "/v1/instruments?type=INSTRUMENT_TYPE_SPOT",
                    headers=headers,
                    ssl=self.context(shown),
                ) as response,
            ):
                if response.status == 401:
                    assert response.headers["www-authenticate"].startswith("Bearer")
                return response.status, await response.text()
        except (aiohttp.ClientError, OSError):
            return 0, "no connection"

    def context(self, shown: Shown | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.servers.certificate.decode())
        if shown is not None:
            context.load_cert_chain(*shown.write(self.folder, "client"))
        return context


def bearer(token: str) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {token}")]


def identities(folder: Path, *names: str) -> str:
    hashed = [
        {"name": name, "sha256": hashlib.sha256(token.encode()).hexdigest()}
        for name, token in zip(names, (STATIC, "second-" + STATIC), strict=False)
    ]
    issuer = {
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "jwks_path": str(folder / "jwks.json"),
        "names": [{"value": SUBJECT, "name": "algo"}],
    }
    shown = [{"spiffe_id": RISK, "name": "risk"}]
    operator = {"name": "ops", "sha256": hashlib.sha256(OPERATOR.encode()).hexdigest()}
    return json.dumps(
        {
            "callers": {"tokens": hashed, "jwt": [issuer], "certificates": shown},
            "operators": {"tokens": [operator]},
        }
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def walled(
    exchange: Exchange, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Walled]:
    folder = tmp_path_factory.mktemp("walled")
    servers, clients, signer = Authority("servers"), Authority("clients"), Signer()
    certificate, key = servers.issue("127.0.0.1").write(folder, "server")
    (folder / "clients.pem").write_bytes(clients.certificate)
    (folder / "jwks.json").write_text(json.dumps(signer.jwks()))
    (folder / "identities.yaml").write_text(identities(folder, "web"))
    settings = {
        **settings_for(exchange.address, valkey_url),
        **make_vault(folder),
        "OKX_GATEWAY_IDENTITY_PATH": str(folder / "identities.yaml"),
        "OKX_GATEWAY_ADMIN_LISTEN": "127.0.0.1:0",
        "OKX_GATEWAY_TLS_CERTIFICATE_FILE": str(certificate),
        "OKX_GATEWAY_TLS_KEY_FILE": str(key),
        "OKX_GATEWAY_TLS_CLIENT_CA_FILE": str(folder / "clients.pem"),
    }
    async with running_gateway(settings) as gateway:
        yield Walled(gateway, folder, servers, clients, signer)


async def test_every_way_to_be_known_is_accepted_over_both(walled: Walled) -> None:
    anybody = walled.clients.issue("spiffe://example.org/mesh")
    for headers, shown in (
        (bearer(STATIC), anybody),
        (bearer(walled.signer.token("ES256")), anybody),
        ([*bearer(STATIC), ("x-caller", "web")], anybody),
        ([], walled.clients.issue(RISK)),
    ):
        assert await walled.over_grpc(headers, shown) == "OK"
        assert (await walled.over_rest(headers, shown))[0] == 200
    # REST takes connections without a certificate, for probes: a token is enough there.
    assert (await walled.over_rest(bearer(STATIC), None))[0] == 200


async def test_none_of_many_forged_identities_is_accepted(walled: Walled) -> None:
    anybody = walled.clients.issue("spiffe://example.org/mesh")
    tried: list[tuple[list[tuple[str, str]], Shown]] = [
        (bearer(token), anybody) for token in forged(walled.signer).values()
    ]
    tried += [
        (headers, anybody)
        for headers in (
            [],
            [("x-caller", "web")],
            bearer(STATIC[:-1]),
            bearer(STATIC.swapcase()),
            bearer(STATIC) * 2,
            [("authorization", f"Basic {STATIC}")],
            [*bearer(STATIC), ("x-caller", "algo")],
            [("x-forwarded-client-cert", f"URI={RISK}")],
        )
    ]
    tried += [
        ([], walled.clients.issue("spiffe://other.org/ns/trading/sa/risk")),
        ([], walled.clients.issue(RISK, "spiffe://example.org/2")),
        ([], walled.clients.issue()),
        (bearer(STATIC), walled.clients.issue(RISK)),
    ]
    assert len(tried) >= 60
    told = set()
    for headers, shown in tried:
        code = await walled.over_grpc(headers, shown)
        # What is near the bound on metadata, gRPC refuses by chance before it comes here.
        long = sum(len(value) for _, value in headers) > 8_000
        assert code == "UNAUTHENTICATED" or (long and code == "RESOURCE_EXHAUSTED"), headers
        status, text = await walled.over_rest(headers, shown)
        assert status == 401, headers
        told.add(text)
    # Whatever is wrong, the words are the same.
    assert len(told) == 1
    assert REASON in told.pop()


async def test_no_certificate_of_others_opens_a_connection(walled: Walled) -> None:
    for shown in (
        Authority("clients").issue(RISK),
        walled.servers.issue(RISK),
        walled.clients.issue(RISK, from_days=-2, days=-1),
        walled.clients.issue(RISK, from_days=1, days=2),
        None,
    ):
        assert await walled.over_grpc([], shown) == "UNAVAILABLE"
        status, _ = await walled.over_rest([], shown)
        assert status == (401 if shown is None else 0)


async def command(walled: Walled, token: str, *arguments: str) -> tuple[int, str]:
    """Run the command line as who has this token; its exit code and what it printed."""
    certificate, key = walled.clients.issue("spiffe://example.org/mesh").write(
        walled.folder, "command"
    )
    (walled.folder / "token").write_text(f"{token}\n")
    (walled.folder / "servers.pem").write_bytes(walled.servers.certificate)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "okx_gateway", *arguments),
        *("--token-file", str(walled.folder / "token")),
        *("--ca-file", str(walled.folder / "servers.pem")),
        *("--certificate", str(certificate), "--key", str(key)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(30):
        printed, _ = await process.communicate()
    assert process.returncode is not None
    assert token not in printed.decode()
    return process.returncode, printed.decode()


async def test_operators_and_callers_have_a_port_each(walled: Walled) -> None:
    event = next(line for line in walled.gateway.log_lines if '"event":"serving"' in line)
    admin = ("budget", "--once", "--admin", json.loads(event)["admin"])
    call = ("balance", "--account", "main", "--gateway", walled.gateway.grpc)
    for token, arguments, code in (
        (OPERATOR, admin, 0),
        (STATIC, admin, 1),
        (STATIC, call, 0),
        (OPERATOR, call, 1),
    ):
        ended, printed = await command(walled, token, *arguments)
        assert ended == code, printed
        assert (REASON in printed) == (code == 1), printed


async def test_nothing_is_served_in_clear(walled: Walled) -> None:
    request = api.ListInstrumentsRequest(type=SPOT)
    async with grpc.aio.insecure_channel(walled.gateway.grpc) as channel:
        stub = GatewayServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.ListInstruments(request, timeout=2, metadata=bearer(STATIC))
    async with aiohttp.ClientSession(f"http://{walled.gateway.rest}") as session:
        with pytest.raises(aiohttp.ClientError):
            await session.get("/healthz")


async def test_the_state_of_health_is_told_to_everybody(walled: Walled) -> None:
    async with aiohttp.ClientSession(f"https://{walled.gateway.rest}") as session:
        for path in ("/healthz", "/readyz"):
            async with session.get(path, ssl=walled.context(None)) as response:
                assert response.status == 200


async def test_who_is_known_changes_without_a_restart(walled: Walled) -> None:
    path = walled.folder / "identities.yaml"
    second = bearer("second-" + STATIC)
    assert (await walled.over_rest(second, None))[0] == 401
    path.write_text(identities(walled.folder, "web", "desk"))
    await until(200, lambda: walled.over_rest(second, None))
    path.write_text(identities(walled.folder, "web"))
    await until(401, lambda: walled.over_rest(second, None))


async def test_the_certificate_and_the_authority_change_without_a_restart(walled: Walled) -> None:
    servers, clients = Authority("new servers"), Authority("new clients")
    before, old = walled.servers, walled.clients.issue(RISK)
    walled.servers = servers
    assert (await walled.over_rest(bearer(STATIC), None))[0] == 0
    servers.issue("127.0.0.1").write(walled.folder, "server")
    (walled.folder / "clients.pem").write_bytes(clients.certificate)
    await until(200, lambda: walled.over_rest(bearer(STATIC), None))
    new = clients.issue(RISK)
    await until(200, lambda: walled.over_rest([], new))
    assert await walled.over_grpc([], new) == "OK"
    # Whom the old authority has vouched for is nobody now.
    assert await walled.over_grpc([], old) == "UNAVAILABLE"
    assert (await walled.over_rest([], old))[0] == 0
    assert await walled.over_grpc([], new, before.certificate) == "UNAVAILABLE"


async def until(status: int, ask: Any) -> None:
    async with asyncio.timeout(_RELOAD_WAIT_S):
        while (await ask())[0] != status:  # noqa: ASYNC110  # of another process
            await asyncio.sleep(0.05)
