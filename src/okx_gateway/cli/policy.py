"""How do people see whether a policy is right, and what it allows?  Commands that read its file."""

import json
import sys
from decimal import Decimal
from pathlib import Path

import click
from google.protobuf.descriptor import ServiceDescriptor

from okx_gateway.access.policy import Denied, Policy, decide
from okx_gateway.access.policy_document import (
    DOCUMENT_BYTES_MAX,
    PolicyError,
    policy_from_text,
    policy_schema,
)
from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.cli.table import lines_of
from okx_gateway.edge.permission import calls_of

_EXIT_WRONG = 2
_EXIT_DENIED = 1
_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group()
def policy() -> None:
    """See whether a policy is right, and what its callers may do."""


@policy.command()
@_FILE
def check(file: Path) -> None:
    """Check FILE, and show what every caller may do.

    Ends with 2 and everything that is wrong, where something is.
    """
    found = _read(file)
    rows = [("CALLER", "ACCOUNT", "CALLS", "INSTRUMENTS", "ORDERS"), *_rows(found)]
    click.echo("\n".join(lines_of(rows)))
    mode = "enforced" if found.enforced else "a dry run: what it denies is let through and counted"
    click.echo(f"right; {found.revision} is {mode}")


@policy.command()
@_FILE
@click.option("--caller", required=True)
@click.option("--call", required=True, help="Such as PlaceOrder.")
@click.option("--account", help="Where the call is about one.")
@click.option("--instrument", "instruments", multiple=True, help="May be given several times.")
def explain(
    file: Path, caller: str, call: str, account: str | None, instruments: tuple[str, ...]
) -> None:
    """Tell whether FILE allows a call, and why not.

    Ends with 1 where it does not.
    """
    found = _read(file)
    on_account, on_market = calls_of(_service())
    if call not in on_account | on_market:
        raise click.UsageError(f"{call} is none of {', '.join(sorted(on_account | on_market))}")
    if (call in on_account) != (account is not None):
        about = "is about an account: give --account" if call in on_account else "is about none"
        raise click.UsageError(f"{call} {about}")
    decision = decide(found, caller, call, account, instruments)
    if isinstance(decision, Denied):
        click.echo(f"denied: {decision.cause}")
        sys.exit(_EXIT_DENIED)
    click.echo("allowed")


@policy.command()
def schema() -> None:
    """Print the form of a policy as a JSON Schema, for editors."""
    click.echo(json.dumps(policy_schema(), indent=2))


def _read(file: Path) -> Policy:
    on_account, on_market = calls_of(_service())
    with file.open("rb") as opened:
        content = opened.read(DOCUMENT_BYTES_MAX + 1)
    try:
        return policy_from_text(content, on_account=on_account, on_market=on_market)
    except PolicyError as error:
        click.echo(f"{file} is wrong:", err=True)
        for problem in error.problems:
            click.echo(f"  {problem}", err=True)
        sys.exit(_EXIT_WRONG)


def _service() -> ServiceDescriptor:
    return api.DESCRIPTOR.services_by_name["GatewayService"]


def _rows(found: Policy) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for caller, rights in sorted(found.callers.items()):
        if rights.market or not rights.accounts:
            rows.append((caller, "-", _names(rights.market), "", ""))
        for account, grant in sorted(rights.accounts.items()):
            limits = grant.limits
            orders = [f"{amount:f} {name}" for name, amount in sorted(limits.largest.items())]
            if limits.collar_percent is not None:
                orders.append(_within(limits.collar_percent))
            if not limits.market_orders:
                orders.append("no market orders")
            row = (caller, account, _names(grant.calls), _names(grant.instruments))
            rows.append((*row, ", ".join(orders)))
    return rows


def _within(percent: Decimal) -> str:
    return f"within {percent:f} %"


def _names(names: frozenset[str]) -> str:
    return " ".join(sorted(names)) or "none"
