"""How does a server of another program run beside this process and end with it?

Touches processes: starts them, passes their lines on, ends those it started and no others.
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

_STOP_WAIT_S = 5.0
_OUTPUT_LINE_BYTES_MAX = 1 << 20
_PR_SET_PDEATHSIG = 1


class ChildFailedError(Exception):
    """A child process ended, or did not become ready in time."""


@asynccontextmanager
async def child_process(
    command: Sequence[str],
    *,
    is_ready: Callable[[str], bool],
    wait_s: float,
    name: str,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[list[str]]:
    """Run `command` for the block; the lines it printed until `is_ready` took one of them.

    `environ` is put over this process's own environment.

    Raises:
        ChildFailedError: It ended first, or no line was taken within `wait_s`.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **(environ or {})},
            limit=_OUTPUT_LINE_BYTES_MAX,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
    except OSError as error:
        raise ChildFailedError(f"{name} cannot be started: {error}") from error
    assert process.stdout is not None  # noqa: S101  # a pipe was asked for
    lines: list[str] = []
    try:
        try:
            async with asyncio.timeout(wait_s):
                await _until_ready(process.stdout, is_ready, lines)
        except (TimeoutError, EOFError, ValueError):  # the last of a line without an end
            printed = "\n".join(lines[-20:])
            raise ChildFailedError(f"{name} did not start:\n{printed}") from None
        drain = asyncio.get_running_loop().create_task(_discard(process.stdout))
        try:
            yield lines
        finally:
            drain.cancel()
    finally:
        await _stop(process)


async def _until_ready(
    output: asyncio.StreamReader, is_ready: Callable[[str], bool], lines: list[str]
) -> None:
    while True:
        line = await output.readline()
        if not line:
            raise EOFError
        lines.append(line.decode(errors="replace").rstrip())
        if is_ready(lines[-1]):
            return


async def _discard(output: asyncio.StreamReader) -> None:
    """Keep the pipe empty: a child that cannot write stands still."""
    while await output.read(1 << 16):
        pass


async def _stop(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(_STOP_WAIT_S):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _end_with_parent() -> None:
    """Have the kernel end the child when this process dies without a word."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
