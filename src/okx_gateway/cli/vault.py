"""How do people keep the vault?  Commands that touch the vault, its key and, to check, OKX."""

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec

import click

from okx_gateway.cli.secret_input import read_secrets
from okx_gateway.cli.vault_check import check_offline, check_online
from okx_gateway.cli.vault_report import check_fact, check_lines, record_fact, record_table
from okx_gateway.custody.credential import (
    Environment,
    MalformedCredentialError,
    check_account_name,
)
from okx_gateway.custody.vault_file import VaultFile
from okx_gateway.custody.vault_key import VaultError, VaultKey, vault_key_from_text
from okx_gateway.custody.vault_key_file import create_vault_key, read_vault_key
from okx_gateway.settings import Settings, SettingsError, load_settings

_P = ParamSpec("_P")
_PATH = click.Path(path_type=Path)


class Place:
    """Where the vault and its key are: by option, else as set."""

    def __init__(self, vault: Path | None, key_file: Path | None) -> None:
        self.settings = _settings()
        self._vault = vault or self.settings.vault_path
        self._key_file = key_file or self.settings.vault_key_file
        self._key_text = None if key_file else self.settings.vault_key

    @property
    def vault(self) -> VaultFile:
        """The vault, which may have to be made first."""
        if self._vault is None:
            raise click.UsageError(
                "say where the vault is: --vault PATH or OKX_GATEWAY_VAULT_PATH=PATH"
            )
        return VaultFile(self._vault)

    @property
    def key_file(self) -> Path | None:
        """The key's file; None where the key itself was set."""
        if self._key_file is None and self._key_text is None:
            raise click.UsageError(
                "say where the vault key is: --key-file PATH or OKX_GATEWAY_VAULT_KEY_FILE=PATH"
            )
        return self._key_file

    def key(self) -> VaultKey:
        """Read the key."""
        if self.key_file is not None:
            return read_vault_key(self.key_file)
        text = self._key_text.get_secret_value() if self._key_text else ""
        return vault_key_from_text(text, origin="OKX_GATEWAY_VAULT_KEY")


def _settings() -> Settings:
    try:
        return load_settings(os.environ)
    except SettingsError as error:
        raise click.UsageError(str(error)) from None


def _placed(command: Callable[Concatenate[Place, _P], None]) -> Callable[..., None]:
    """Give a command the options that say where the vault is, and tell errors in one line."""

    @click.option("--vault", type=_PATH, help="The vault; else OKX_GATEWAY_VAULT_PATH.")
    @click.option("--key-file", type=_PATH, help="Its key; else OKX_GATEWAY_VAULT_KEY_FILE.")
    @wraps(command)
    def placed(
        vault: Path | None, key_file: Path | None, *args: _P.args, **kwargs: _P.kwargs
    ) -> None:
        try:
            command(Place(vault, key_file), *args, **kwargs)
        except (VaultError, MalformedCredentialError) as error:
            raise click.ClickException(str(error)) from None

    return placed


@click.group()
def vault() -> None:
    """Keep the credentials that the gateway signs with, encrypted at rest."""


@vault.command()
@_placed
def init(place: Place) -> None:
    """Make a key file and an empty vault; neither is ever overwritten."""
    if place.vault.path.exists():
        raise click.ClickException(f"{place.vault.path} exists already; nothing was changed")
    key_file = place.key_file
    if key_file is None:
        place.key()
    else:
        create_vault_key(key_file)
    try:
        place.vault.create()
    except VaultError:
        if key_file is not None:
            key_file.unlink()
        raise
    click.echo(f"made the vault {place.vault.path}")
    if key_file is not None:
        click.echo(
            f"made its key {key_file}; back it up apart from the vault: without it the vault is "
            "lost, and with both anybody can use the keys inside"
        )
    click.echo("next: okx-gateway vault add ACCOUNT --environment demo (or live)")


@vault.command()
@click.argument("account")
@click.option(
    "--environment",
    type=click.Choice([str(each) for each in Environment]),
    required=True,
    help="live moves real funds.",
)
@click.option(
    "--secrets-fd",
    type=click.IntRange(min=0),
    help="Read three lines from this file descriptor: API key, secret key, passphrase.",
)
@_placed
def add(place: Place, account: str, environment: str, secrets_fd: int | None) -> None:
    """Add the credential of ACCOUNT, or a newer version of it, which is used from then on.

    Asks for the three secrets without showing them. A running gateway takes it with its next start.
    """
    check_account_name(account)
    key = place.key()
    place.vault.records()  # before anybody types a secret in vain
    record = place.vault.add(account, Environment(environment), read_secrets(secrets_fd), key)
    click.echo(f"added {record.name}, key {record.key_fingerprint}")
    click.echo(f"next: okx-gateway vault check {account}")


@vault.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@_placed
def list_records(place: Place, as_json: bool) -> None:  # noqa: FBT001  # click passes it by name
    """List the credentials, without opening them."""
    records = place.vault.records()
    if as_json:
        click.echo(json.dumps([record_fact(record) for record in records], indent=2))
        return
    if not records:
        click.echo("the vault is empty; okx-gateway vault add ACCOUNT adds to it", err=True)
        return
    _echo_lines(record_table(records))


@vault.command()
@click.argument("account")
@click.option("--version", type=click.IntRange(min=1), help="This version alone; else all.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_placed
def remove(place: Place, account: str, version: int | None, yes: bool) -> None:  # noqa: FBT001  # click passes it by name
    """Remove the credentials of ACCOUNT."""
    going = [
        record
        for record in place.vault.records()
        if record.account == account and version in {None, record.version}
    ]
    if going and not yes:
        _echo_lines([f"{record.name}, key {record.key_fingerprint}" for record in going])
        click.confirm("Remove for good?", abort=True)
    for record in place.vault.remove(account, version):
        click.echo(f"removed {record.name}, key {record.key_fingerprint}")
    left = [record for record in place.vault.records() if record.account == account]
    if left:
        click.echo(f"version {left[-1].version} is used from the next start on")


@vault.command()
@click.argument("new_key_file", type=_PATH)
@_placed
def rekey(place: Place, new_key_file: Path) -> None:
    """Lock the vault with a new key, made at NEW_KEY_FILE, in place of the present one."""
    old = place.key()
    new = create_vault_key(new_key_file)
    try:
        records = place.vault.rewrap(old=old, new=new)
    except VaultError:
        new_key_file.unlink()
        raise
    count = f"{len(records)} record{'' if len(records) == 1 else 's'}"
    click.echo(f"locked {count} with the key {new_key_file}")
    click.echo(
        f"next: set OKX_GATEWAY_VAULT_KEY_FILE={new_key_file.resolve()}; "
        "backups made before need the old key"
    )


@vault.command()
@click.argument("account", required=False)
@click.option("--offline", is_flag=True, help="Only open the records; do not ask OKX.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@_placed
def check(place: Place, account: str | None, offline: bool, as_json: bool) -> None:  # noqa: FBT001  # click passes them by name
    """Open the records, of ACCOUNT or all, and ask OKX whether their keys work.

    Ends with 1 where a key must not or cannot be used; warnings alone end with 0.
    """
    records = [each for each in place.vault.records() if account in {None, each.account}]
    if not records:
        raise click.ClickException(
            f"the vault has no account {account!r}" if account else "the vault is empty"
        )
    if offline:
        checks = check_offline(records, place.key())
    else:
        checks = asyncio.run(check_online(records, place.key(), place.settings))
    if as_json:
        click.echo(json.dumps([check_fact(each) for each in checks], indent=2))
    else:
        for each in checks:
            _echo_lines(check_lines(each))
    if any(each.faults for each in checks):
        click.get_current_context().exit(1)


def _echo_lines(lines: Sequence[str]) -> None:
    for line in lines:
        click.echo(line)
