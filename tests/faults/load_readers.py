"""Do readers who keep up have fresh tickers while many others do not keep up, or not read at all?

A thousand readers follow two hundred pairs of ten tickers in a second each: some read all, some one
in a second, some nothing, who are ended.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from okx_gateway.cli.child_process import child_process
from okx_gateway.cli.embedded_valkey import embedded_valkey
from tests.faults.tally import FaultTest, Progress, Tally
from tests.support.gateway_process import GatewayProcess, gateway_process
from tests.support.running import make_vault, running_exchange, settings_for

_KINDS = {"fast": 50, "slow": 475, "stopped": 475}
_STALL_S = 10.0
_SETTINGS = {
    "OKX_GATEWAY_STREAMS_MAX": str(sum(_KINDS.values())),
    "OKX_GATEWAY_STREAM_STALL_MS": str(int(_STALL_S * 1_000)),
}
_ENDED = "RESOURCE_EXHAUSTED"
# What readers do not read fills their windows first, and costs as much as what they do.
_SETTLE_S = 15.0
_P99_MS_MAX = 50.0
_GROWTH_MIB_MAX = 150.0
_START_WAIT_S = 60.0
_END_WAIT_S = 60.0
_LOOK_EVERY_S = 1.0


async def crowd(seconds: int, seed: int, progress: Progress) -> Tally:
    """Read for `seconds`; what the readers saw, and how much memory they cost the gateway."""
    tally = Tally(runs=seconds)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="readers-")))
        gateway = await _gateway(stack, folder, seed)
        before_mib = worst_mib = _memory_mib(gateway)
        readers = {
            kind: await stack.enter_async_context(_readers(kind, count, gateway.grpc))
            for kind, count in _KINDS.items()
        }
        await asyncio.sleep(_SETTLE_S)
        for process in readers.values():
            _stdin(process).write(b"\n")
        for _ in range(seconds):
            await asyncio.sleep(_LOOK_EVERY_S)
            worst_mib = max(worst_mib, _memory_mib(gateway))
            progress.advance(1, f"{worst_mib - before_mib:.0f} MiB more than without readers")
        seen = {kind: await _end(process) for kind, process in readers.items()}
        output = gateway.output.read_text()
    growth_mib = round(worst_mib - before_mib, 1)
    tally.hits["reader stopped"] = _KINDS["stopped"]
    tally.figures |= {"growth_mib": growth_mib, **_figures(seen)}
    if growth_mib > _GROWTH_MIB_MAX:
        tally.blame([f"the gateway grew by {growth_mib} MiB"])
    tally.blame(_complaints(seen))
    tally.blame(line for line in output.splitlines() if '"level":"error"' in line)
    return tally


async def _gateway(stack: AsyncExitStack, folder: Path, seed: int) -> GatewayProcess:
    """Run a gateway on the lively exchange until `stack` ends."""
    redis_url = await stack.enter_async_context(embedded_valkey())
    exchange = await stack.enter_async_context(running_exchange(folder, seed=seed))
    lines = await stack.enter_async_context(
        child_process(
            [sys.executable, "-m", "tests.faults.ticker_source", exchange.address],
            is_ready=lambda line: line.startswith("listening at"),
            wait_s=_START_WAIT_S,
            name="the source of tickers",
        )
    )
    source = lines[-1].rpartition(" ")[2]
    settings = {
        **settings_for(exchange.address, redis_url),
        **make_vault(folder),
        **_SETTINGS,
        "OKX_GATEWAY_OKX_REST_URL": f"http://{source}",
        "OKX_GATEWAY_OKX_WS_PUBLIC_URL": f"ws://{source}/ws/v5/public",
    }
    return await stack.enter_async_context(gateway_process(settings, folder / "gateway.txt"))


@asynccontextmanager
async def _readers(
    kind: str, count: int, address: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run readers of one kind for the block, all of which have tickers."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.ticker_readers", kind, str(count), address),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_START_WAIT_S):
            line = await process.stdout.readline()
            assert line == b"reading\n", line
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _stdin(process: asyncio.subprocess.Process) -> asyncio.StreamWriter:
    assert process.stdin is not None
    return process.stdin


async def _end(process: asyncio.subprocess.Process) -> dict[str, Any]:
    async with asyncio.timeout(_END_WAIT_S):
        told, _ = await process.communicate(b"")
    seen: dict[str, Any] = json.loads(told)
    return seen


def _memory_mib(gateway: GatewayProcess) -> float:
    pages = Path(f"/proc/{gateway.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _figures(seen: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    fast = seen["fast"]
    return {
        "fast_p50_ms": fast["p50_ms"],
        "fast_p99_ms": fast["p99_ms"],
        **{f"{kind}_tickers": each["tickers"] for kind, each in seen.items()},
        **{f"{kind}_skipped": each["skipped"] for kind, each in seen.items()},
        "stopped_ended": sum(n for end, n in seen["stopped"]["ends"].items() if _ENDED in end),
    }


def _complaints(seen: Mapping[str, Mapping[str, Any]]) -> list[str]:
    fast, stopped = seen["fast"], seen["stopped"]
    said = [
        f"{kind} readers had {each['out_of_order']} tickers out of order"
        for kind, each in seen.items()
        if each["out_of_order"]
    ]
    if fast["p99_ms"] > _P99_MS_MAX:
        said.append(f"p99 of fast readers is {fast['p99_ms']} ms")
    if set(fast["ends"]) != {"read to the end of the test"}:
        said.append(f"fast readers ended: {fast['ends']}")
    if not all(_ENDED in end for end in stopped["ends"]):
        said.append(f"readers who took nothing ended: {stopped['ends']}")
    return said


TESTS = (
    FaultTest(
        "a thousand readers of tickers",
        quick=0,
        full=600,
        run=crowd,
        faults=("reader stopped",),
    ),
)
