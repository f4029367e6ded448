"""How do people see what is set?  Commands that read the settings and print them."""

import json
import os

import click

from okx_gateway.cli.table import lines_of
from okx_gateway.settings import (
    SettingsError,
    describe,
    effective_values,
    load_effective,
    missing_for_serving,
)

_EXIT_WRONG = 2


@click.group()
def config() -> None:
    """See what can be set, and whether what is set is right."""


@config.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def check(context: click.Context, as_json: bool) -> None:  # noqa: FBT001  # click passes it by name
    """Check the settings, and show those in force and where each comes from.

    Ends with 2 and everything that is wrong, where something is.
    """
    try:
        effective = load_effective(os.environ)
    except SettingsError as error:
        if as_json:
            click.echo(json.dumps({"problems": list(error.problems)}, indent=2))
        click.echo(str(error), err=True)
        context.exit(_EXIT_WRONG)
    values = effective_values(effective.settings)
    missing = missing_for_serving(effective.settings)
    if as_json:
        rows = {
            name: {"value": text, "origin": str(effective.origins[name])}
            for name, text in values.items()
        }
        click.echo(json.dumps({"settings": rows, "missing_for_serving": missing}, indent=2))
        return
    table = [
        (fact.variable, values[fact.name], str(effective.origins[fact.name])) for fact in describe()
    ]
    click.echo("\n".join(lines_of([("SETTING", "VALUE", "FROM"), *table])))
    for need in missing:
        click.echo(f"right, but serving needs also {need}", err=True)


@config.command(name="list")
def list_settings() -> None:
    """List everything that can be set."""
    for fact in describe():
        click.echo(f"{fact.variable}  ({fact.kind}{f', {fact.unit}' if fact.unit else ''})")
        click.echo(f"    {fact.meaning}")
        click.echo(f"    Default: {fact.default or 'none'}. Example: {fact.example}")
