"""What has to run before anything can be measured?  Touches processes, files and the network.

The exchange, Valkey, a place for spans, and the gateway with everything on: vault, ledger, both
doors, metrics, and one call in a hundred traced. A second gateway sends orders over REST.
"""

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import orjson

from bench.order_plan import (
    Account,
    OrderPlan,
    accounts_file,
    new_accounts,
    plan_orders,
    write_plan,
)
from bench.processor import Cores, on_cores
from bench.talking_process import BenchFailedError, TalkingProcess, talking_process
from okx_gateway.cli.child_process import child_process
from okx_gateway.cli.embedded_valkey import server_program
from okx_gateway.custody.credential import Environment
from okx_gateway.custody.vault_file import VaultFile
from okx_gateway.custody.vault_key_file import create_vault_key

# The shell tells its process id and becomes the program.
_TELL_PID = ("/bin/sh", "-c", 'echo $$; exec "$@"', "sh")
_EXCHANGE_ADDRESS = re.compile(r"http and ws on (127\.0\.0\.1:\d+)")
_CONTROL_ADDRESS = re.compile(r"control on (127\.0\.0\.1:\d+)")
_START_WAIT_S = 30.0
_CONNECT_WAIT_S, _CONNECT_POLL_S = 60.0, 0.2
_TRACE_RATIO = "0.01"
# Instrument types whose tickers are streamed, in OKX's words.
_STREAMED = ("SPOT", "SWAP", "FUTURES")


@dataclass(frozen=True, slots=True)
class Child:
    """A program that is not of the benchmark; `lines` is what it said until it was ready."""

    pid: int
    lines: list[str]


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs; addresses are `127.0.0.1:` and a port.

    `by_post` is the gRPC of the gateway that sends orders over REST, `uids` are of the accounts of
    both.
    """

    plan_file: Path
    uids: frozenset[str]
    exchange: str
    control: str
    redis_url: str
    spans: TalkingProcess
    gateway: Child
    grpc: str
    rest: str
    by_post: str
    by_post_pid: int


@asynccontextmanager
async def stage(folder: Path, cores: Cores, tell: Callable[[str], None]) -> AsyncIterator[Stage]:
    """Run everything for the block; `folder` is for its files, and `tell` hears what happens.

    Raises:
        ChildFailedError, NoServerError, BenchFailedError: A part did not start; says why.
    """
    accounts = new_accounts()
    async with AsyncExitStack() as stack:
        tell("Starting the simulator")
        exchange, control = await _start_exchange(stack, folder, cores, accounts)
        plan = await _plan(exchange, accounts)
        plan_file = folder / "plan.json"
        write_plan(plan_file, plan)
        tell("Starting Valkey and a place for spans")
        redis_url = await _start_valkey(stack, folder, cores)
        spans = await stack.enter_async_context(talking_process("span_sink", [], cores=cores.load))
        tell("Starting the gateways")
        _make_vault(folder, accounts["gateway"])
        variables = _variables(folder, exchange, redis_url, spans.greeting["target"])
        gateway, told = await _start_gateway(stack, cores, accounts, variables)
        variables["OKX_GATEWAY_ORDER_ROUTE"] = "rest"
        by_post, told_by_post = await _start_gateway(stack, cores, accounts, variables)
        yield Stage(
            plan_file=plan_file,
            uids=frozenset(each.uid for each in accounts["gateway"]),
            exchange=exchange,
            control=control,
            redis_url=redis_url,
            spans=spans,
            gateway=gateway,
            grpc=told["grpc"],
            rest=told["rest"],
            by_post=told_by_post["grpc"],
            by_post_pid=by_post.pid,
        )


async def until_connected(stage: Stage) -> None:
    """Wait until every account of the gateway has its WebSocket.

    Raises:
        BenchFailedError: One was not made.
    """
    until_s = time.monotonic() + _CONNECT_WAIT_S
    async with aiohttp.ClientSession(f"http://{stage.control}") as session:
        while time.monotonic() < until_s:
            async with session.get("/sockets") as response:
                told = orjson.loads(await response.read())
            if stage.uids <= {each["uid"] for each in told["sockets"]}:
                return
            await asyncio.sleep(_CONNECT_POLL_S)
    raise BenchFailedError("not every account has a WebSocket")


async def _start_gateway(
    stack: AsyncExitStack,
    cores: Cores,
    accounts: dict[str, tuple[Account, ...]],
    variables: dict[str, str],
) -> tuple[Child, dict[str, str]]:
    watch = _GatewayWatch(len(accounts["gateway"]))
    with on_cores(cores.measured):
        child = await _start(
            stack,
            "the gateway",
            [sys.executable, "-m", "okx_gateway", "serve"],
            watch,
            variables,
        )
    return child, watch.told


class _GatewayWatch:
    """Takes the gateway's log until it is ready and every account is verified."""

    def __init__(self, accounts: int) -> None:
        self._unverified = accounts
        self._ready = False
        self.told: dict[str, str] = {}

    def __call__(self, line: str) -> bool:
        try:
            words = orjson.loads(line)
        except orjson.JSONDecodeError:
            return False
        match words:
            case {"event": "serving"}:
                self.told = words
            case {"event": "account verified"}:
                self._unverified -= 1
            case {"event": "ready"}:
                self._ready = True
        return self._ready and not self._unverified


async def _start(
    stack: AsyncExitStack,
    name: str,
    command: Sequence[str],
    is_ready: Callable[[str], bool],
    environ: dict[str, str] | None = None,
) -> Child:
    lines = await stack.enter_async_context(
        child_process(
            [*_TELL_PID, *command],
            is_ready=is_ready,
            wait_s=_START_WAIT_S,
            name=name,
            environ=environ,
        )
    )
    return Child(int(lines[0]), lines)


async def _start_exchange(
    stack: AsyncExitStack, folder: Path, cores: Cores, accounts: dict[str, tuple[Account, ...]]
) -> tuple[str, str]:
    path = folder / "accounts.yaml"
    path.write_bytes(orjson.dumps(accounts_file(accounts)))  # JSON is YAML
    command = [sys.executable, "-m", "okx_simulator", "--listen", "127.0.0.1:0"]
    with on_cores(cores.exchange):
        child = await _start(
            stack,
            "the simulator",
            [*command, "--control", "127.0.0.1:0", "--accounts", str(path)],
            lambda line: _CONTROL_ADDRESS.search(line) is not None,
        )
    said = "\n".join(child.lines)
    exchange, control = _EXCHANGE_ADDRESS.search(said), _CONTROL_ADDRESS.search(said)
    assert exchange is not None and control is not None  # noqa: S101, PT018  # they were said
    return exchange[1], control[1]


async def _plan(exchange: str, accounts: dict[str, tuple[Account, ...]]) -> OrderPlan:
    async with aiohttp.ClientSession(f"http://{exchange}") as session:
        spot = await _rows(session, "public/instruments", "SPOT")
        tickers = {kind: await _rows(session, "market/tickers", kind) for kind in _STREAMED}
    streamed = [row["instId"] for rows in tickers.values() for row in rows]
    return OrderPlan(accounts, plan_orders(spot, tickers["SPOT"]), tuple(streamed))


async def _rows(session: aiohttp.ClientSession, path: str, kind: str) -> list[dict[str, str]]:
    async with session.get(f"/api/v5/{path}", params={"instType": kind}) as response:
        rows: list[dict[str, str]] = orjson.loads(await response.read())["data"]
    return rows


async def _start_valkey(stack: AsyncExitStack, folder: Path, cores: Cores) -> str:
    socket = folder / "valkey.sock"
    command = [
        server_program(),
        *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
        *("--save", "", "--appendonly", "no", "--dir", str(folder)),
    ]
    with on_cores(cores.exchange):
        await _start(stack, "Valkey", command, lambda line: "eady to accept connections" in line)
    return f"unix://{socket}"


def _make_vault(folder: Path, accounts: tuple[Account, ...]) -> None:
    key = create_vault_key(folder / "vault.key")
    vault = VaultFile(folder / "vault.json")
    vault.create()
    for each in accounts:
        vault.add(each.name, Environment.LIVE, (each.key, each.secret, each.passphrase), key)


def _variables(folder: Path, exchange: str, redis_url: str, spans: str) -> dict[str, str]:
    own = {
        "REDIS_URL": redis_url,
        "REDIS_IS_NEW": "true",
        "ENVIRONMENT": "live",
        "OKX_REST_URL": f"http://{exchange}",
        "OKX_WS_PUBLIC_URL": f"ws://{exchange}/ws/v5/public",
        "OKX_WS_PRIVATE_URL": f"ws://{exchange}/ws/v5/private",
        "OKX_WS_BUSINESS_URL": f"ws://{exchange}/ws/v5/business",
        "VAULT_PATH": str(folder / "vault.json"),
        "VAULT_KEY_FILE": str(folder / "vault.key"),
        "GRPC_LISTEN": "127.0.0.1:0",
        "REST_LISTEN": "127.0.0.1:0",
        "ADMIN_LISTEN": "127.0.0.1:0",
        "METRICS_LISTEN": "127.0.0.1:0",
        "TRACE_SAMPLE_RATIO": _TRACE_RATIO,
    }
    named = {f"OKX_GATEWAY_{name}": value for name, value in own.items()}
    return {**named, "OTEL_EXPORTER_OTLP_ENDPOINT": spans}
