"""Does any of many simulated schedules break a promise, and would they notice?

Plays them with `tests.simulation`, on the gateway as it is and on ones that are broken by hand.
"""

import asyncio
import os
import time
from functools import partial

from tests.faults.tally import FaultTest, Progress, Tally
from tests.simulation import mutants, runner
from tests.simulation.runner import COVERING, fault_points

_PART = 50_000
# The first of them are noticed soon.
_MUTANTS_QUICK = 6
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
        _count(tally, texts)
        tally.blame([f"seed {first}: {text}" for text in texts])
    return tally


def _count(tally: Tally, texts: list[str]) -> None:
    """Note which kind of promise a schedule has broken."""
    told = " ".join(texts)
    if " times" in told:
        tally.duplicates += 1
    elif "open long after" in told or "not on record" in told or "sending still" in told:
        tally.lost += 1
    else:
        tally.contradicted += 1


async def broken_by_hand(runs: int, seed: int, progress: Progress) -> Tally:
    """Hunt the first `runs` mutants: each has to be noticed by the schedules."""
    hunts = await asyncio.to_thread(
        partial(
            mutants.hunt_all,
            mutants.MUTANTS[:runs],
            seed=seed * _SEEDS_APART,
            jobs=os.cpu_count() or 1,
            progress=lambda hunt: progress.advance(1, hunt.mutant),
        )
    )
    tally = Tally(runs=len(hunts))
    tally.figures["mutants"] = len(hunts)
    tally.figures["mutants_caught"] = sum(hunt.caught for hunt in hunts)
    tally.figures["schedules_to_catch_worst"] = max(hunt.schedules for hunt in hunts)
    tally.blame([f"not noticed: {hunt.mutant}" for hunt in hunts if not hunt.caught])
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
    FaultTest(
        "promises broken by hand",
        quick=_MUTANTS_QUICK,
        full=len(mutants.MUTANTS),
        run=broken_by_hand,
    ),
)
