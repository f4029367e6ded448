"""A gateway with planted credentials meets every failure: none of them shows anywhere."""

import asyncio
import json
import os
import signal
import socket
import sys
import uuid
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest
from redis.asyncio import Redis

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from okx_gateway.custody.credential import Environment
from okx_gateway.custody.vault_file import VaultFile
from okx_gateway.custody.vault_key_file import create_vault_key
from tests.plugins.canary import PLANTED, Canaries
from tests.support.doors import GrpcDoor, RefusedError, RestDoor
from tests.support.running import ACCOUNT, running_exchange, settings_for
from tests.support.span_sink import span_sink

pytestmark = pytest.mark.timeout(120)

SECRETS = (PLANTED["API key"], PLANTED["secret key"], PLANTED["passphrase"])
FAILURES: list[dict[str, Any]] = [
    {"kind": "html_before"},
    {"kind": "garbled"},
    {"kind": "truncated"},
    {"kind": "drop_before"},
    {"kind": "drop_after"},
    {"kind": "code_before", "code": "50113"},
    {"kind": "code_before", "code": "50102"},
    {"kind": "code_after", "code": "50004"},
]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def plant(folder: Path) -> dict[str, str]:
    """A vault with the planted credential, and one more whose passphrase is wrong."""
    key = create_vault_key(folder / "vault.key")
    vault = VaultFile(folder / "vault.json")
    vault.create()
    vault.add(ACCOUNT, Environment.LIVE, SECRETS, key)
    wrong = (SECRETS[0], SECRETS[1], f"{SECRETS[2]}-not")
    vault.add("wrong", Environment.LIVE, wrong, key)
    return {
        "OKX_GATEWAY_VAULT_PATH": str(folder / "vault.json"),
        "OKX_GATEWAY_VAULT_KEY_FILE": str(folder / "vault.key"),
    }


async def serving(output: Path, process: asyncio.subprocess.Process) -> dict[str, str]:
    """Where the gateway serves, as it says once it is ready."""
    for _ in range(300):
        events = [json.loads(line) for line in output.read_text().splitlines() if line[:1] == "{"]
        if any(event.get("event") == "ready" for event in events):
            return next(event for event in events if event.get("event") == "serving")
        assert process.returncode is None, output.read_text()
        await asyncio.sleep(0.1)
    raise AssertionError(output.read_text())


def an_order(account: str = ACCOUNT) -> api.PlaceOrderRequest:
    return api.PlaceOrderRequest(
        account=account,
        client_order_id=uuid.uuid4().hex,
        instrument="BTC-USDT",
        side=order_pb2.SIDE_BUY,
        trade_mode=order_pb2.TRADE_MODE_CASH,
        quantity="0.001",
        limit=order_pb2.LimitOrder(
            price="90000", time_in_force=order_pb2.TIME_IN_FORCE_GOOD_TILL_CANCELLED
        ),
    )


async def told(work: Any) -> str:
    """What a caller is told, answer or refusal, in words."""
    try:
        return str(await work)
    except RefusedError as error:
        return f"{error} {error.reason} {error.metadata} {error.fields}"


async def keys_and_values(url: str) -> str:
    redis = Redis.from_url(url)
    try:
        return "".join(
            [f"{key!r} {await redis.dump(key)!r}\n" async for key in redis.scan_iter(count=1000)]
        )
    finally:
        await redis.aclose()


async def test_no_planted_secret_shows_and_a_planted_leak_is_found(
    tmp_path: Path, valkey_url: str
) -> None:
    seen = {"output": tmp_path / "output.txt"}
    metrics = f"127.0.0.1:{free_port()}"
    texts: dict[str, str | bytes] = {}
    async with AsyncExitStack() as stack:
        key, secret, passphrase = SECRETS
        exchange = await stack.enter_async_context(
            running_exchange(
                tmp_path, keys=[{"key": key, "secret": secret, "passphrase": passphrase}]
            )
        )
        sink, collector = await stack.enter_async_context(span_sink())
        environ = {
            **os.environ,
            **settings_for(exchange.address, valkey_url),
            **plant(tmp_path),
            "OKX_GATEWAY_LOG_LEVEL": "debug",
            "OKX_GATEWAY_TRACE_SAMPLE_RATIO": "1",
            "OKX_GATEWAY_METRICS_LISTEN": metrics,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "PYTHONFAULTHANDLER": "1",
        }
        with seen["output"].open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-X", "dev", "-m", "okx_gateway", "serve"),
                env=environ,
                stdout=output,
                stderr=output,
            )
        try:
            at = await serving(seen["output"], process)
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(at["grpc"]))
            session = await stack.enter_async_context(aiohttp.ClientSession(f"http://{at['rest']}"))
            answers = []
            for fault in FAILURES:
                await exchange.put_faults({**fault, "match": {"path": "/api/v5/*"}})
                for door in (GrpcDoor(channel), RestDoor(session)):
                    for account in (ACCOUNT, "wrong"):
                        order = an_order(account)
                        answers.append(await told(door.call("PlaceOrder", order, deadline_s=0.5)))
                        balance = api.GetBalanceRequest(account=account)
                        answers.append(await told(door.call("GetBalance", balance)))
            await exchange.put_faults()
            answers.append(await told(GrpcDoor(channel).call("PlaceOrder", an_order())))
            assert "exchange_order_id" in answers[-1]
            texts["answers"] = "\n".join(answers)
            async with session.get(f"http://{metrics}/metrics") as response:
                texts["metrics"] = await response.text()
            await asyncio.sleep(0.6)
            texts["spans"] = bytes(sink.received)
        finally:
            process.send_signal(signal.SIGABRT)
            await process.wait()
        texts["ledger"] = await keys_and_values(valkey_url)
    texts["output and crash"] = seen["output"].read_bytes()
    assert b"Fatal Python error: Aborted" in texts["output and crash"]
    canaries = Canaries(PLANTED)
    for name, text in texts.items():
        assert len(text) > 200, f"{name} has nothing to search"
        assert canaries.leaks_in(text) == [], name
        half = secret[: len(secret) // 2]
        leaking = text + (half if isinstance(text, str) else half.encode())  # type: ignore[operator]
        assert canaries.leaks_in(leaking), f"a leak into {name} is not found"
