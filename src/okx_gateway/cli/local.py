"""The commands `demo` and `run`: the gateway with everything around it, on this machine alone."""

import os
import sys
from collections.abc import Coroutine
from typing import Any

import click
import uvloop
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from rich.console import Console

from okx_gateway import app, telemetry
from okx_gateway.cli.child_process import ChildFailedError
from okx_gateway.cli.demo_tour import DemoFailedError, DemoTour
from okx_gateway.cli.embedded_valkey import NoServerError
from okx_gateway.cli.local_set import ACCOUNT, surroundings, until_ready
from okx_gateway.cli.serve import stop_signal
from okx_gateway.settings import SettingsError

_EXIT_FAILED = 1
_seed = click.option(
    "--seed", default=1, show_default=True, help="Decides the simulated prices and books."
)


@click.command()
@_seed
def demo(seed: int) -> None:
    """Show the main job on a simulated exchange, then stop everything again.

    Needs nothing but this machine: starts the OKX simulator and a Valkey server, seals the
    simulator's key in a vault, and calls the gateway over gRPC and REST.
    """
    _run_to_end(_demo(seed))


@click.command()
@_seed
def run(seed: int) -> None:
    """Run the gateway on a simulated exchange until Ctrl-C, and say how to call it."""
    _run_to_end(_run(seed))


def _run_to_end(work: Coroutine[Any, Any, None]) -> None:
    try:
        uvloop.run(work)
    except (
        ChildFailedError,
        DemoFailedError,
        NoServerError,
        SettingsError,
        OSError,
        TimeoutError,
    ) as error:
        click.echo(f"okx-gateway: {error}", err=True)
        sys.exit(_EXIT_FAILED)


async def _demo(seed: int) -> None:
    console = Console(highlight=False)
    spans = InMemorySpanExporter()
    any_port = {"GRPC_LISTEN": "127.0.0.1:0", "REST_LISTEN": "127.0.0.1:0"}
    nowhere = {"ADMIN_LISTEN": "", "METRICS_LISTEN": ""}
    quiet = {"LOG_LEVEL": "error", "LOG_FORMAT": "console"}
    environ = {
        f"OKX_GATEWAY_{name}": value for name, value in {**any_port, **nowhere, **quiet}.items()
    }
    async with surroundings(environ, seed=seed, tell=console.print) as around:
        installed = telemetry.install(around.settings, span_processors=[SimpleSpanProcessor(spans)])
        try:
            console.print("Starting the gateway ...")
            async with app.serve(around.settings) as gateway:
                await until_ready(gateway)
                await DemoTour(console, gateway, ACCOUNT, spans).show()
        finally:
            installed.shutdown()
    console.print("\n[green]Done.[/] Everything that was started has been stopped.")
    console.print("Next: `make run` keeps the same set up for your own calls.")


async def _run(seed: int) -> None:
    console = Console(highlight=False)
    own = {name: value for name, value in os.environ.items() if name.startswith("OKX_GATEWAY_")}
    environ = {"OKX_GATEWAY_LOG_FORMAT": "console", **own}
    async with surroundings(environ, seed=seed, tell=console.print) as around:
        installed = telemetry.install(around.settings)
        try:
            stop = stop_signal()
            async with app.serve(around.settings) as gateway:
                await until_ready(gateway)
                console.print(_ready_lines(gateway), soft_wrap=True)
                await stop.wait()
        finally:
            installed.shutdown()


def _ready_lines(gateway: app.Gateway) -> str:
    order = (
        '{"clientOrderId": "first1", "instrument": "BTC-USDT", "side": "SIDE_BUY", '
        '"tradeMode": "TRADE_MODE_CASH", "quantity": "0.001", '
        '"limit": {"price": "20000", "timeInForce": "TIME_IN_FORCE_GOOD_TILL_CANCELLED"}}'
    )
    rest, grpc = f"http://{gateway.rest}", gateway.grpc
    service = "okx_gateway.api.v1.GatewayService"
    grpc_order = order.replace("{", f'{{"account": "{ACCOUNT}", ', 1)
    return f"""
The gateway serves gRPC at {grpc} and REST at {rest}, documented at {rest}/docs.
Ctrl-C stops it and everything around it. In another terminal:

curl:
  curl {rest}/v1/accounts/{ACCOUNT}/balance
  curl -X POST {rest}/v1/accounts/{ACCOUNT}/orders -H 'content-type: application/json' \\
    -d '{order}'
  curl -X POST {rest}/v1/accounts/{ACCOUNT}/orders/first1:cancel \\
    -H 'content-type: application/json' -d '{{}}'
  curl -N '{rest}/v1/tickers:stream?instruments=BTC-USDT'

grpcurl:
  grpcurl -plaintext -d '{grpc_order}' {grpc} {service}/PlaceOrder

Python:
  .venv/bin/python -c "
import grpc
from okx_gateway.api.v1 import gateway_service_pb2 as api, gateway_service_pb2_grpc as service
gateway = service.GatewayServiceStub(grpc.insecure_channel('{grpc}'))
print(gateway.GetBalance(api.GetBalanceRequest(account='{ACCOUNT}')))"

The command line:
  .venv/bin/okx-gateway balance
  .venv/bin/okx-gateway order buy 0.001 BTC-USDT --price 20000
  .venv/bin/okx-gateway ticker BTC-USDT ETH-USDT
"""
