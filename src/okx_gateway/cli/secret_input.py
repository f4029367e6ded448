"""How does a secret get from a person or a program into this process?

Touches the terminal or a file descriptor. Never the command line, which every user of the machine
can read, nor the environment, which child processes inherit.
"""

import getpass
import os
import sys
import warnings

import click

_BYTES_MAX = 4_096
_NAMES = ("API key", "Secret key", "Passphrase")


def read_secrets(descriptor: int | None) -> tuple[str, str, str]:
    """Read API key, secret key and passphrase: from three lines of a descriptor, else by asking.

    Raises:
        click.ClickException: They cannot be read without being seen.
    """
    lines = _asked() if descriptor is None else _lines_of(descriptor)
    api_key, secret, passphrase = lines
    return api_key, secret, passphrase


def _asked() -> list[str]:
    if not sys.stdin.isatty():
        raise click.UsageError(
            "there is no terminal to ask on; hand the secrets over as three lines (API key, secret "
            "key, passphrase) with --secrets-fd, for example --secrets-fd 0 to take standard input"
        )
    with warnings.catch_warnings():
        # getpass falls back to echoing, with a warning.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return [getpass.getpass(f"{name} (not shown): ").strip() for name in _NAMES]
        except getpass.GetPassWarning:
            raise click.ClickException(
                "this terminal would show what is typed; use --secrets-fd"
            ) from None


def _lines_of(descriptor: int) -> list[str]:
    content = b""
    try:
        while len(content) <= _BYTES_MAX and (chunk := os.read(descriptor, _BYTES_MAX + 1)):
            content += chunk
    except OSError as error:
        raise click.UsageError(
            f"cannot read file descriptor {descriptor}: {error.strerror}"
        ) from None
    lines = content.decode("utf-8", "replace").splitlines()
    if len(content) > _BYTES_MAX or len(lines) != len(_NAMES):
        raise click.UsageError(
            f"file descriptor {descriptor} has to give three lines: API key, secret key, passphrase"
        )
    return lines
