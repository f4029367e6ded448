"""How is a program of the benchmark started, asked and ended?  Touches processes and their pipes.

The other end of `conversation`. A program ends when its stdin does, so none outlives the run.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson

from bench.processor import on_cores

_ROOT_MODULE = "bench"
_STOP_WAIT_S = 5.0
_START_WAIT_S = 30.0


class BenchFailedError(Exception):
    """There is nothing to measure; says why."""


class TalkingProcess:
    """A program that has greeted; `greeting` is what it said."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self._name = name
        self._process = process
        self.greeting: dict[str, Any] = {}

    @property
    def pid(self) -> int:
        """The process' id."""
        return self._process.pid

    async def ask(self, question: dict[str, Any], *, wait_s: float) -> dict[str, Any]:
        """Ask and wait for the answer.

        Raises:
            BenchFailedError: There was no answer within `wait_s`.
        """
        assert self._process.stdin is not None  # noqa: S101  # a pipe was asked for
        self._process.stdin.write(orjson.dumps(question) + b"\n")
        return await self.hear(wait_s=wait_s)

    async def hear(self, *, wait_s: float) -> dict[str, Any]:
        """Wait for what the program says next.

        Raises:
            BenchFailedError: It said nothing within `wait_s`.
        """
        assert self._process.stdout is not None  # noqa: S101  # a pipe was asked for
        try:
            async with asyncio.timeout(wait_s):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise BenchFailedError(f"{self._name} said nothing for {wait_s:.0f} s") from None
        if not line:
            raise BenchFailedError(f"{self._name} ended before it answered")
        words: dict[str, Any] = orjson.loads(line)
        return words


@asynccontextmanager
async def talking_process(
    module: str, arguments: Sequence[str], *, cores: frozenset[int]
) -> AsyncIterator[TalkingProcess]:
    """Run `bench.module` on `cores` for the block, from its greeting on.

    Raises:
        BenchFailedError: It did not greet.
    """
    with on_cores(cores):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"{_ROOT_MODULE}.{module}", *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the one who started it
        )
    talking = TalkingProcess(" ".join((module, *arguments[:1])), process)
    try:
        talking.greeting = await talking.hear(wait_s=_START_WAIT_S)
        yield talking
    finally:
        await _stop(process)


async def _stop(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None  # noqa: S101  # a pipe was asked for
    process.stdin.close()
    try:
        async with asyncio.timeout(_STOP_WAIT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
