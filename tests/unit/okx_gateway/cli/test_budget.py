"""Tables by what they show, and the command on a real server of scripted answers."""

import asyncio
import io
import json
import os
import signal
import sys
from collections.abc import AsyncIterator

import grpc
import pytest
from click.testing import CliRunner, Result
from google.protobuf import json_format
from grpc_status import rpc_status
from rich.console import Console

from okx_gateway.api.v1 import admin_service_pb2 as api
from okx_gateway.api.v1 import budget_pb2
from okx_gateway.cli.budget import budget, shown
from okx_gateway.domain.errors import GatewayError, LedgerUnavailableError
from okx_gateway.edge.status import status_of

ADMIN = "okx_gateway.api.v1.AdminService"
RED, YELLOW, GREEN = "\x1b[31m", "\x1b[33m", "\x1b[32m"
CALLERS = [{"caller": name, "used": 5} for name in ("a", "b", "c", "d", "e")]
RESPONSE = json_format.ParseDict(
    {
        "mode": "BUDGET_MODE_ENFORCE",
        "budgets": [
            {
                "accounts": ["main", "spare"],
                "windows": [
                    {
                        "name": "place_order:BTC-USDT",
                        "limit": 60,
                        "used": 25,
                        "waiting": 5,
                        "granted_count": 904,
                        "refused_count": 33,
                        "callers": CALLERS,
                    },
                    {"name": "get_order:BTC-USDT", "limit": 60, "used": 6},
                ],
            },
            {"address": "nat-1", "windows": [{"name": "get_time", "limit": 10, "used": 9}]},
        ],
    },
    api.ListBudgetsResponse(),
)


def screen_of(response: api.ListBudgetsResponse, *, colors: bool = False) -> str:
    screen = io.StringIO()
    console = Console(
        file=screen, width=160, force_terminal=colors, color_system="standard" if colors else None
    )
    console.print(shown(response))
    return screen.getvalue()


def rows_of(screen: str) -> list[list[str]]:
    lines = [line for line in screen.splitlines() if "│" in line]
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines]


def test_the_fullest_window_stands_first_whoever_it_is_of() -> None:
    rows = rows_of(screen_of(RESPONSE))
    assert [row[1] for row in rows] == ["get_time", "place_order:BTC-USDT", "get_order:BTC-USDT"]
    assert rows[0][0] == "address nat-1"
    assert rows[1] == [
        "main, spare",
        "place_order:BTC-USDT",
        "█" * 10 + "·" * 10,
        "25 of 60",
        "5",
        "904",
        "33",
        "a 5, b 5, c 5, d 5, ...",
    ]


def test_a_full_window_and_a_frozen_one_stand_out() -> None:
    assert GREEN in screen_of(RESPONSE, colors=True)
    full = api.ListBudgetsResponse()
    full.budgets.add().windows.add(name="w", limit=60, used=60, waiting=90)
    assert YELLOW in screen_of(full, colors=True)
    assert f"{'█' * 20} " in screen_of(full)
    full.budgets[0].windows[0].freeze_duration.FromMilliseconds(1_900)
    assert RED in screen_of(full, colors=True)
    assert "full for 1.9 s" in screen_of(full)


def test_what_holds_for_more_than_a_window_stands_below() -> None:
    odd = api.ListBudgetsResponse(mode=budget_pb2.BUDGET_MODE_SHADOW, truncated=True)
    odd.budgets.add(accounts=["main"]).recovery_duration.FromMilliseconds(8_300)
    assert screen_of(odd).splitlines()[-3:] == [
        "Budgets only count: nothing waits and nothing is refused.",
        "No order of main is placed for another 8.3 s: some may be lost.",
        "There are more windows; name an --account.",
    ]


class Gateway:
    """Answers every call; what came stands in `requests`."""

    def __init__(self) -> None:
        self.target = ""
        self.failure: GatewayError | None = None
        self.requests: list[api.ListBudgetsRequest] = []
        self.asked_twice = asyncio.Event()

    async def take(
        self,
        request: api.ListBudgetsRequest,
        context: grpc.aio.ServicerContext[api.ListBudgetsRequest, api.ListBudgetsResponse],
    ) -> api.ListBudgetsResponse:
        self.requests.append(request)
        if len(self.requests) == 2:
            self.asked_twice.set()
        if self.failure is not None:
            await context.abort_with_status(rpc_status.to_status(status_of(self.failure).proto))
        return RESPONSE

    async def run(self, *arguments: str) -> Result:
        """Run the command in a thread, since it runs a loop of its own."""
        given = [*arguments, "--admin", self.target]
        runner = CliRunner(env={"COLUMNS": "160"})
        return await asyncio.wait_for(asyncio.to_thread(runner.invoke, budget, given), 30)


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    scripted = Gateway()
    calls = {
        "ListBudgets": grpc.unary_unary_rpc_method_handler(
            scripted.take,
            request_deserializer=api.ListBudgetsRequest.FromString,
            response_serializer=api.ListBudgetsResponse.SerializeToString,
        )
    }
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(ADMIN, calls),))
    scripted.target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield scripted
    await server.stop(None)


async def test_it_is_shown_once(gateway: Gateway) -> None:
    result = await gateway.run("--once", "--account", "main")
    assert result.exit_code == 0
    assert len(rows_of(result.stdout)) == 3
    assert gateway.requests == [api.ListBudgetsRequest(account="main")]


async def test_it_is_told_as_json(gateway: Gateway) -> None:
    result = await gateway.run("--json")
    assert json_format.ParseDict(json.loads(result.stdout), api.ListBudgetsResponse()) == RESPONSE
    assert len(gateway.requests) == 1


@pytest.mark.parametrize("arguments", [(), ("--once",), ("--json",)])
async def test_an_error_is_told(gateway: Gateway, arguments: tuple[str, ...]) -> None:
    gateway.failure = LedgerUnavailableError("timeout")
    result = await gateway.run(*arguments)
    assert result.exit_code == 1
    assert "ERROR_REASON_LEDGER_UNAVAILABLE" in result.stderr


async def test_it_goes_on_until_people_end_it_with_an_interrupt(gateway: Gateway) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "okx_gateway", "budget", "--admin", gateway.target),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "COLUMNS": "160"},
        # A program that a shell started in the background ignores it, and so do its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    await asyncio.wait_for(gateway.asked_twice.wait(), 30)
    process.send_signal(signal.SIGINT)
    stdout, stderr = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, stderr) == (0, b"")
    assert b"get_time" in stdout  # the last state of the table stays
