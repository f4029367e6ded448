"""Tables by what they show, and the command on a real server of scripted events."""

import asyncio
import io
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence

import grpc
import pytest
from click.testing import CliRunner, Result
from grpc_status import rpc_status
from rich.console import Console

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import ticker_pb2
from okx_gateway.cli.ticker import TickerTable, ticker
from okx_gateway.domain.errors import OverloadedError
from okx_gateway.edge.status import status_of
from tests.fakes.messages import SERVICE

GREEN, RED = "\x1b[32m", "\x1b[31m"
TWO = ("BTC-USDT", "ETH-USDT")


def at(last_price: str, instrument: str = "BTC-USDT") -> api.StreamTickerResponse:
    return api.StreamTickerResponse(
        ticker=ticker_pb2.Ticker(
            instrument=instrument,
            last_price=last_price,
            bid_price="11.1",
            ask_price="11.2",
            low_price_24h="10.3",
            high_price_24h="12.4",
            volume_24h="555",
        )
    )


def gap(*instruments: str) -> api.StreamTickerResponse:
    return api.StreamTickerResponse(gap=ticker_pb2.Gap(instruments=instruments))


def heartbeat() -> api.StreamTickerResponse:
    return api.StreamTickerResponse(heartbeat=ticker_pb2.Heartbeat())


def shown(
    events: Sequence[api.StreamTickerResponse],
    *,
    instruments: Sequence[str] = TWO,
    colors: bool = False,
) -> str:
    table = TickerTable(instruments)
    for event in events:
        table.take(event)
    screen = io.StringIO()
    Console(
        file=screen,
        width=120,
        force_terminal=colors,
        color_system="standard" if colors else None,
        no_color=False,
    ).print(table)
    return screen.getvalue()


def rows(events: Sequence[api.StreamTickerResponse]) -> list[list[str]]:
    lines = [line for line in shown(events).splitlines() if "│" in line]
    return [[cell.strip() for cell in line[1:-1].split("│")] for line in lines]


def test_every_instrument_has_a_row_before_its_first_ticker() -> None:
    assert [row[:2] for row in rows([])] == [["BTC-USDT", "waiting"], ["ETH-USDT", "waiting"]]


def test_the_latest_ticker_is_shown_in_the_order_asked_for() -> None:
    events = [at("3000", "ETH-USDT"), at("60000"), heartbeat(), at("60001")]
    assert rows(events) == [
        ["BTC-USDT", "60001", "11.1", "11.2", "10.3", "12.4", "555"],
        ["ETH-USDT", "3000", "11.1", "11.2", "10.3", "12.4", "555"],
    ]


def test_a_gap_marks_its_instruments_until_their_next_ticker() -> None:
    events = [at("60000"), at("3000", "ETH-USDT"), gap("BTC-USDT")]
    assert [row[0] for row in rows(events)] == ["BTC-USDT (may be old)", "ETH-USDT"]
    assert [row[0] for row in rows([*events, at("60000")])] == ["BTC-USDT", "ETH-USDT"]


@pytest.mark.parametrize(
    ("prices", "color"),
    [
        (["9"], ""),
        (["9", "10"], GREEN),
        (["10", "9"], RED),
        (["9", "10", "10"], GREEN),
        (["9", "10", "10.0"], GREEN),
        (["", "10"], GREEN),
    ],
)
def test_the_price_has_the_color_of_its_last_move(prices: list[str], color: str) -> None:
    text = shown([at(price) for price in prices], instruments=["BTC-USDT"], colors=True)
    assert [each for each in (GREEN, RED) if each in text] == ([color] if color else [])


def test_an_old_price_has_no_color_of_a_move() -> None:
    text = shown([at("9"), at("10"), gap("BTC-USDT")], instruments=["BTC-USDT"], colors=True)
    assert GREEN not in text


class Gateway:
    """Sends `events`, then fails where it is told to or goes on until the caller has left."""

    def __init__(self) -> None:
        self.target = ""
        self.events: list[api.StreamTickerResponse] = []
        self.failure: OverloadedError | None = None
        self.requests: list[api.StreamTickerRequest] = []
        self.sent = asyncio.Event()
        self.left = asyncio.Event()

    async def stream(
        self,
        request: api.StreamTickerRequest,
        context: grpc.aio.ServicerContext[api.StreamTickerRequest, api.StreamTickerResponse],
    ) -> None:
        self.requests.append(request)
        for event in self.events:
            await context.write(event)
        if self.failure is not None:
            await context.abort_with_status(rpc_status.to_status(status_of(self.failure).proto))
        self.sent.set()
        try:
            await asyncio.sleep(60)
        finally:
            self.left.set()

    async def run(self, *arguments: str) -> Result:
        """Run the command in a thread, since it runs a loop of its own."""
        given = [*arguments, "--gateway", self.target]
        runner = CliRunner(env={"COLUMNS": "120"})
        return await asyncio.wait_for(asyncio.to_thread(runner.invoke, ticker, given), 30)


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    scripted = Gateway()
    calls = {
        "StreamTicker": grpc.unary_stream_rpc_method_handler(
            scripted.stream,
            request_deserializer=api.StreamTickerRequest.FromString,
            response_serializer=api.StreamTickerResponse.SerializeToString,
        )
    }
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, calls),))
    scripted.target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield scripted
    await server.stop(None)


async def test_it_shows_what_came_and_leaves_when_its_time_is_over(gateway: Gateway) -> None:
    gateway.events = [at("60000"), at("60001"), gap("ETH-USDT"), at("3000", "ETH-USDT")]
    result = await gateway.run(*TWO, "--for", "1")
    assert result.exit_code == 0
    assert gateway.requests == [api.StreamTickerRequest(instruments=TWO, together=True)]
    assert "60001" in result.stdout
    assert "3000" in result.stdout
    assert "waiting" not in result.stdout
    await asyncio.wait_for(gateway.left.wait(), 10)


async def test_an_error_is_told_behind_what_was_shown(gateway: Gateway) -> None:
    gateway.events = [at("60000")]
    gateway.failure = OverloadedError("streams", 100)
    result = await gateway.run("BTC-USDT")
    assert result.exit_code == 1
    assert "60000" in result.stdout
    assert result.stderr.splitlines()[:2] == [
        "Error: RESOURCE_EXHAUSTED: the gateway is at its limit of 100 streams",
        "  reason: ERROR_REASON_OVERLOADED",
    ]


@pytest.mark.parametrize("arguments", [(), ("BTC-USDT", "--for", "0")])
async def test_a_slip_asks_for_nothing(gateway: Gateway, arguments: tuple[str, ...]) -> None:
    result = await gateway.run(*arguments)
    assert result.exit_code == 2
    assert gateway.requests == []


async def test_people_end_it_with_an_interrupt(gateway: Gateway) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "okx_gateway", "ticker", "BTC-USDT", "--gateway", gateway.target),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "COLUMNS": "120"},
        # A program that a shell started in the background ignores it, and so do its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    await asyncio.wait_for(gateway.sent.wait(), 30)
    process.send_signal(signal.SIGINT)
    stdout, stderr = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, stderr) == (0, b"")
    assert b"BTC-USDT" in stdout  # the last state of the table stays
    await asyncio.wait_for(gateway.left.wait(), 10)
