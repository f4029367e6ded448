"""What can go wrong with Redis?  A server that a test may kill, pause, empty, or start from a file.

Touches processes, and files in the folder it is given.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as NotThereError
from redis.exceptions import RedisError

from okx_gateway.cli.embedded_valkey import server_program

_START_WAIT_S = 10.0
_POLL_S = 0.02


class ValkeyServer:
    """One server, on one socket; started again it has what its file holds, and a new run id."""

    def __init__(self, folder: Path, name: str = "valkey", options: Sequence[str] = ()) -> None:
        self.folder = folder / name
        self.folder.mkdir()
        self.socket = self.folder / "valkey.sock"
        self._options = options
        self._process: asyncio.subprocess.Process | None = None
        self._client = Redis(
            unix_socket_path=str(self.socket), decode_responses=True, socket_timeout=1
        )

    async def journal(self) -> "Redis":
        """A client of it, for tests that look into it."""
        return self._client

    @property
    def file(self) -> Path:
        """What it reads when it starts."""
        return self.folder / "dump.rdb"

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection, as a wire wants it."""
        return await asyncio.open_unix_connection(str(self.socket))

    @asynccontextmanager
    async def run(self) -> AsyncIterator["ValkeyServer"]:
        """Be there for the block, unless killed."""
        await self.start()
        try:
            yield self
        finally:
            await self.kill()
            await self._client.aclose()

    async def start(self) -> None:
        """Start, and wait until it answers."""
        self.socket.unlink(missing_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            server_program(),
            *("--port", "0", "--unixsocket", str(self.socket), "--dir", str(self.folder)),
            *("--save", "", "--appendonly", "no", "--enable-debug-command", "yes"),
            *self._options,
            stdout=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(_START_WAIT_S):
            while not await self._answers():  # noqa: ASYNC110  # another process is waited for
                await asyncio.sleep(_POLL_S)

    async def kill(self) -> None:
        """End it without a word; also where it is paused."""
        process = self._process
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    def pause(self) -> None:
        """Let it stand still: it takes what is sent, and answers nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    async def command(self, *words: str | int) -> Any:
        """Run one command.

        Raises:
            RedisError: It refuses, or is not there.
        """
        return await self._client.execute_command(*words)  # type: ignore[no-untyped-call]

    def _signal(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    async def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.returncode is None, "Valkey ended"
        try:
            return bool(await self.command("PING"))
        except (NotThereError, RedisError, OSError):
            return False
