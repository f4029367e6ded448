"""Runs gateways that a test may kill, stop or watch end, each as a process with its output kept."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

from okx_gateway.api.v1.gateway_service_pb2_grpc import GatewayServiceStub

if TYPE_CHECKING:
    from okx_gateway.api.v1.gateway_service_pb2_grpc import GatewayServiceAsyncStub

_START_WAIT_S = 30.0
_POLL_S = 0.05


@dataclass(frozen=True)
class GatewayProcess:
    """A gateway that was ready; `stub` calls it over a channel of its own."""

    process: asyncio.subprocess.Process
    output: Path
    grpc: str
    rest: str
    stub: "GatewayServiceAsyncStub"


@asynccontextmanager
async def gateway_process(
    settings: Mapping[str, str], output: Path
) -> AsyncIterator[GatewayProcess]:
    """`okx-gateway serve` with its output in a file; killed at the end where it has not ended."""
    with output.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "okx_gateway", "serve"),
            env={**os.environ, **settings},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=written,
            stderr=written,
        )
    try:
        async with asyncio.timeout(_START_WAIT_S):
            told = await _until_ready(process, output)
        async with grpc.aio.insecure_channel(told["grpc"]) as channel:
            stub = GatewayServiceStub(channel)
            yield GatewayProcess(process, output, told["grpc"], told["rest"], stub)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _until_ready(process: asyncio.subprocess.Process, output: Path) -> dict[str, Any]:
    """What the line `serving` says, once the line `ready` is there."""
    while True:
        events = {event.get("event"): event for event in _events(output.read_text())}
        if "ready" in events:
            return events["serving"]
        assert process.returncode is None, output.read_text()
        await asyncio.sleep(_POLL_S)


def _events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line[:1] == "{" and line[-1:] == "}"]
