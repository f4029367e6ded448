"""Which command line starts the simulated exchange? Reads files, listens on TCP until stopped."""

import asyncio
import signal
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal

import click
import orjson

from okx_simulator.account.accounts_file import DEFAULT_ACCOUNTS, AccountSettings, read_accounts
from okx_simulator.fault.rule import FaultRule, read_rule
from okx_simulator.simulator import Options, Simulator
from okx_simulator.tls import server_context
from okx_simulator.websocket.server import IDLE_MS

_SAME_AS_LISTEN = ("", 0)
_AUTHORITY = "authority.pem"


class _Address(click.ParamType[tuple[str, int]]):
    """HOST:PORT, where an IPv6 host stands in brackets; port 0 picks a free one."""

    name = "HOST:PORT"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Return host and port."""
        if isinstance(value, tuple):
            return value
        host, _, port = str(value).rpartition(":")
        if not host or not port.isdigit() or int(port) > 65_535:
            self.fail(f"{value!r} is not HOST:PORT, such as 127.0.0.1:8800", param, ctx)
        return host.strip("[]"), int(port)


class _OtherAddress(_Address):
    """HOST:PORT, or nothing for the same address as --listen."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Return host and port, or `_SAME_AS_LISTEN`."""
        return super().convert(value, param, ctx) if value else _SAME_AS_LISTEN


ADDRESS = _Address()


@click.command(context_settings={"show_default": True})
@click.option("--listen", type=ADDRESS, default="127.0.0.1:8800", help="REST and WebSockets.")
@click.option(
    "--tls",
    type=_OtherAddress(),
    is_flag=False,
    flag_value="",
    metavar="[HOST:PORT]",
    help="Serve them with TLS on another address too, or without one use TLS on --listen.",
)
@click.option(
    "--tls-cert-out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the certificate to trust.  [default: a file that is gone at the end]",
)
@click.option("--control", type=ADDRESS, help="The control API for tests. Keep it private.")
@click.option("--seed", default=1, help="Decides prices, books, trades and faults.")
@click.option(
    "--accounts",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML file of accounts and keys.  [default: one account with a well-known key]",
)
@click.option(
    "--window",
    type=click.Choice(["sliding", "fixed"]),
    default="sliding",
    help="How rate limits count: over any span of time, or from one full second to another.",
)
@click.option(
    "--count-refused/--forgive-refused",
    default=True,
    help="Whether a request refused for a rate limit uses up the limit.",
)
@click.option(
    "--faults",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='JSON file {"faults": [...]} of faults that are on from the start.',
)
@click.option(
    "--idle-ms", default=IDLE_MS, type=click.IntRange(1), help="Closes sockets silent for so long."
)
def main(  # noqa: PLR0913 - one parameter per option
    *,
    listen: tuple[str, int],
    tls: tuple[str, int] | None,
    tls_cert_out: Path | None,
    control: tuple[str, int] | None,
    seed: int,
    accounts: Path | None,
    window: Literal["sliding", "fixed"],
    count_refused: bool,
    faults: Path | None,
    idle_ms: int,
) -> None:
    """Run a simulated OKX: REST below /api/v5, WebSockets below /ws/v5.

    Prints one line per listening address when it is ready, and ends on SIGTERM or Ctrl-C.
    """
    options = Options(
        seed=seed,
        accounts=_read_accounts(accounts),
        window=window,
        count_refused=count_refused,
        idle_ms=idle_ms,
        faults=_read_faults(faults),
    )
    tls_only = tls == _SAME_AS_LISTEN
    plain = None if tls_only else listen
    encrypted = listen if tls_only else tls
    try:
        asyncio.run(_run(options, plain, encrypted, tls_cert_out, control))
    except OSError as error:
        raise click.ClickException(str(error)) from error


async def _run(
    options: Options,
    plain: tuple[str, int] | None,
    encrypted: tuple[str, int] | None,
    certificate: Path | None,
    control: tuple[str, int] | None,
) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(Simulator(options))
        if plain:
            port = await simulator.listen(simulator.public, *plain)
            _tell("http and ws", plain[0], port)
        if encrypted:
            path = certificate or Path(stack.enter_context(_temporary_folder())) / _AUTHORITY
            context = server_context(encrypted[0], path)
            port = await simulator.listen(simulator.public, *encrypted, context)
            _tell("https and wss", encrypted[0], port, f"trust {path}")
        if control:
            port = await simulator.listen(simulator.control, *control)
            _tell("control", control[0], port)
        await stopped.wait()


def _temporary_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="okx-simulator-")


def _tell(what: str, host: str, port: int, more: str = "") -> None:
    shown = f"[{host}]" if ":" in host else host
    words = [f"okx-simulator: {what} on {shown}:{port}", *([more] if more else [])]
    sys.stdout.write(", ".join(words) + "\n")
    sys.stdout.flush()


def _read_accounts(path: Path | None) -> tuple[AccountSettings, ...]:
    try:
        return read_accounts(path) if path else DEFAULT_ACCOUNTS
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--accounts") from error


def _read_faults(path: Path | None) -> tuple[FaultRule, ...]:
    if path is None:
        return ()
    try:
        written = orjson.loads(path.read_bytes())["faults"]
        return tuple(read_rule(one, f"fault-{number}") for number, one in enumerate(written, 1))
    except (ValueError, KeyError, TypeError) as error:
        raise click.BadParameter(f"{path}: {error}", param_hint="--faults") from error


if __name__ == "__main__":
    main()
