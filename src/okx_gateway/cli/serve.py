"""How does the gateway run until it is told to stop?  Touches signals and the event loop."""

import asyncio
import os
import signal
import sys

import click
import uvloop

from okx_gateway import app, telemetry
from okx_gateway.access.identity_document import IdentityError
from okx_gateway.access.policy_document import PolicyError
from okx_gateway.custody.vault_key import VaultError
from okx_gateway.parts import UnfitSettingsError
from okx_gateway.settings import Settings, SettingsError, load_settings

# As sysexits.h has it: the settings are at fault, and starting again will not help.
_EXIT_CONFIG = 78


@click.command()
def serve() -> None:
    """Serve gRPC and REST until SIGTERM or SIGINT.

    Set up by OKX_GATEWAY_* variables or the file that OKX_GATEWAY_CONFIG names; `config check`
    shows what is in force.
    """
    try:
        settings = load_settings(os.environ)
        uvloop.run(_serve(settings))
    except (
        *(SettingsError, UnfitSettingsError, IdentityError, PolicyError),
        *(VaultError, OSError),
    ) as error:
        click.echo(f"okx-gateway: {error}", err=True)
        sys.exit(_EXIT_CONFIG)


async def _serve(settings: Settings) -> None:
    app.require_servable(settings)
    installed = telemetry.install(settings)
    try:
        stop = stop_signal()
        async with app.serve(settings):
            await stop.wait()
    finally:
        installed.shutdown()


def stop_signal() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
