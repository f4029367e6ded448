"""Which command line starts the simulated exchange? Listens on TCP and reads the accounts file."""

from pathlib import Path
from typing import Literal

import click
from aiohttp import web

from okx_simulator.accounts_file import DEFAULT_ACCOUNTS, read_accounts
from okx_simulator.check import Keys
from okx_simulator.clock import Clock
from okx_simulator.exchange import Exchange
from okx_simulator.http_server import HttpServer, application
from okx_simulator.limits import Limits
from okx_simulator.rest_gate import RestGate


@click.command()
@click.option("--listen", default="127.0.0.1:8800", show_default=True, metavar="HOST:PORT")
@click.option("--seed", default=1, show_default=True, help="Decides prices, books and trades.")
@click.option("--accounts", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--window", type=click.Choice(["sliding", "fixed"]), default="sliding")
def main(
    listen: str, seed: int, accounts: Path | None, window: Literal["sliding", "fixed"]
) -> None:
    """Run a simulated OKX on one port: REST below /api/v5."""
    host, _, port = listen.rpartition(":")
    settings = read_accounts(accounts) if accounts else DEFAULT_ACCOUNTS
    clock = Clock()
    exchange = Exchange(seed, clock, settings)
    limits = Limits(window, find=exchange.market.listing.find)
    gate = RestGate(exchange, Keys(settings), limits)
    web.run_app(application(HttpServer(gate, clock), exchange), host=host, port=int(port))


if __name__ == "__main__":
    main()
