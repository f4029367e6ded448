"""Which commands are there?"""

import click

from okx_gateway.cli.budget import budget
from okx_gateway.cli.config import config
from okx_gateway.cli.identity import identity
from okx_gateway.cli.local import demo, run
from okx_gateway.cli.policy import policy
from okx_gateway.cli.serve import serve
from okx_gateway.cli.ticker import ticker
from okx_gateway.cli.trade import amend, balance, cancel, order
from okx_gateway.cli.vault import vault


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="okx-gateway")
def cli() -> None:
    """A gateway between many services and OKX.

    `demo` shows what it does on this machine alone. `serve` runs it, set up by OKX_GATEWAY_*
    variables (see `config check`) and a vault of credentials (see `vault`). `order`, `cancel`,
    `amend`, `balance` and `ticker` call a gateway that runs; `budget` shows operators how much of
    OKX's rate limits it uses.
    """


for command in (
    *(serve, demo, run, order, cancel, amend, balance, ticker, budget),
    *(vault, identity, policy, config),
):
    cli.add_command(command)
