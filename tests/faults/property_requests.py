"""Are ten thousand odd requests of every call refused by name?  Runs `tests/property` at length."""

import asyncio
import os
import sys

from tests.faults.runner import ROOT
from tests.faults.tally import FaultTest, Progress, Tally

_LINES_TOLD = 20


async def odd_requests(runs: int, seed: int, progress: Progress) -> Tally:
    """Send `runs` odd requests of each call; hypothesis has seeds of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "tests/property"),
        cwd=ROOT,
        env={**os.environ, "PROPERTY_REQUESTS": str(runs)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    progress.advance(runs)
    tally = Tally(runs=runs)
    if process.returncode:
        tally.blame(["\n".join(told.decode().splitlines()[-_LINES_TOLD:])])
    return tally


# `make test` sends a few thousand.
TESTS = (FaultTest("odd requests", quick=0, full=10_000, run=odd_requests),)
