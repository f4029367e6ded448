"""How is one way of placing orders put to work?  A program of its own: calls a server, and counts.

    python -m bench.load CALLER PLAN_FILE TARGET

CALLER is a file of `callers`. It greets with what it learnt by a first call, then does each `Work`
it is asked for.
"""

import importlib
import sys
from pathlib import Path
from typing import Any

import uvloop

from bench.conversation import converse
from bench.order_plan import read_plan
from bench.pace import Tally, Work


async def _main(caller: str, plan_file: str, target: str) -> None:
    module = importlib.import_module(f"bench.callers.{caller}")
    async with module.connected(read_plan(Path(plan_file)), target) as (pace, learnt):

        async def answer(question: dict[str, Any]) -> dict[str, Any]:
            tally: Tally = await pace.run(Work(**question))
            return tally.in_short()

        await converse(learnt, answer)


if __name__ == "__main__":
    uvloop.run(_main(*sys.argv[1:]))
