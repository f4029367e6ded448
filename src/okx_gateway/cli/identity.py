"""The commands `identity`: is a file of identities right, and how is a token made?"""

import hashlib
import re
import secrets
from pathlib import Path

import click

from okx_gateway.access.identity_document import (
    DOCUMENT_BYTES_MAX,
    NAME_PATTERN,
    IdentityError,
    document_from_text,
)

_TOKEN_BYTES = 32


@click.group()
def identity() -> None:
    """See to the file that says how callers and operators are known."""


@identity.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """Check FILE, and show whom it names. Ends with 1 and everything that is wrong."""
    try:
        with file.open("rb") as opened:
            document = document_from_text(opened.read(DOCUMENT_BYTES_MAX + 1))
    except OSError as error:
        raise click.ClickException(f"cannot read {file}: {error.strerror}") from None
    except IdentityError as error:
        raise click.ClickException("\n  ".join((f"{file} is wrong:", *error.problems))) from None
    for kind, section in (("callers", document.callers), ("operators", document.operators)):
        click.echo(f"{kind}: {', '.join(sorted(section.names())) or 'nobody'}")


@identity.command()
@click.argument("name")
def token(name: str) -> None:
    """Make a new token for NAME: the token, which is shown this once, and its line for the file."""
    if not re.fullmatch(NAME_PATTERN, name, re.ASCII):
        raise click.BadParameter("must be 1 to 32 small letters, digits and -, a letter first")
    made = secrets.token_urlsafe(_TOKEN_BYTES)
    click.echo(made)
    click.echo(f"- {{name: {name}, sha256: {hashlib.sha256(made.encode()).hexdigest()}}}", err=True)
