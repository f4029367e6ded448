"""Does any of many simulated schedules break a promise?  Plays them with `tests.simulation`."""

import asyncio
import os
import time
from functools import partial

from tests.faults.tally import FaultTest, Progress, Tally
from tests.simulation import runner
from tests.simulation.runner import COVERING, fault_points

_PART = 50_000
# Seeds of one part do not reach into those of the next.
_SEEDS_APART = 1_000_000


async def schedules(runs: int, seed: int, progress: Progress) -> Tally:
    """Play `runs` schedules on all processors."""
    told = 0

    def tell(played: runner.Tally, wanted: int) -> None:
        nonlocal told
        progress.advance(played.schedules - told, "schedules")
        told = played.schedules

    began_s = time.monotonic()
    played = await asyncio.to_thread(
        partial(
            runner.run,
            runs,
            seed=seed * _SEEDS_APART,
            jobs=os.cpu_count() or 1,
            progress=tell,
        )
    )
    tally = Tally(runs=played.schedules, hits=played.hits)
    tally.figures["schedules_per_s"] = played.schedules / (time.monotonic() - began_s)
    for first, texts in sorted(played.violations.items()):
        tally.contradicted += 1
        tally.blame([f"seed {first}: {text}" for text in texts])
    return tally


TESTS = (
    FaultTest(
        "simulated schedules",
        quick=COVERING,
        full=1_000_000,
        run=schedules,
        part=_PART,
        faults=tuple(fault_points()),
    ),
)
