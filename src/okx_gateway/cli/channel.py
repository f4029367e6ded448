"""How does the command line show who it is?  Touches files and grpc.aio."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
import grpc

_FILE_BYTES_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class ChannelOptions:
    """What to show a gateway, and by what to know it; in clear without `ca`."""

    token: str = ""
    ca: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = None

    def metadata(self) -> list[tuple[str, str]]:
        """What goes with every call."""
        return [("authorization", f"Bearer {self.token}")] if self.token else []

    def open(self, target: str) -> grpc.aio.Channel:
        """Connect, when the first call is made."""
        if self.ca is None:
            return grpc.aio.insecure_channel(target)
        credentials = grpc.ssl_channel_credentials(self.ca, self.key, self.certificate)
        return grpc.aio.secure_channel(target, credentials)


_Command = TypeVar("_Command", bound=Callable[..., None])


def _option(name: str, variable: str, help_text: str) -> Callable[[_Command], _Command]:
    return click.option(
        name,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        default=lambda: os.environ.get(variable) or None,
        show_default=variable,
        metavar="FILE",
        help=help_text,
    )


def channel_options(command: Callable[..., None]) -> Callable[..., None]:
    """Options that say who calls; `command` gets them as `channel`."""

    @_option("--token-file", "OKX_GATEWAY_TOKEN_FILE", "File with the token to call with.")
    @_option("--ca-file", "OKX_GATEWAY_CA_FILE", "Authority to know the gateway by; then TLS.")
    @_option(
        "--certificate",
        "OKX_GATEWAY_CLIENT_CERTIFICATE_FILE",
        "Certificate to show the gateway; needs --key and --ca-file.",
    )
    @_option("--key", "OKX_GATEWAY_CLIENT_KEY_FILE", "Key of that certificate.")
    @wraps(command)
    def with_channel(
        *,
        token_file: Path | None,
        ca_file: Path | None,
        certificate: Path | None,
        key: Path | None,
        **given: Any,
    ) -> None:
        if (certificate is None) != (key is None) or (certificate is not None and ca_file is None):
            raise click.UsageError("--certificate needs --key and --ca-file, and --key both")
        token = (_content(token_file) or b"").decode("ascii", "replace").strip()
        if not token.isascii() or not token.isprintable():
            raise click.UsageError("--token-file must hold one token and nothing else")
        channel = ChannelOptions(token, _content(ca_file), _content(certificate), _content(key))
        command(channel=channel, **given)

    return with_channel


def _content(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            return file.read(_FILE_BYTES_MAX)
    except OSError as error:
        raise click.UsageError(f"cannot read {path}: {error.strerror}") from None
