"""Plays schedules from the command line: `python -m tests.simulation --schedules 10000`."""

import argparse
import json
import os
import sys
import time
from pathlib import Path

from tests.simulation import mutants, runner
from tests.simulation.scenes import draw_plan
from tests.simulation.schedule import Schedule


def main() -> int:
    """Play, or replay; the exit code is 0 where every promise was kept."""
    arguments = _parse()
    if arguments.replay is not None:
        return _replay(arguments.replay)
    if arguments.mutants is not None:
        return _hunt(arguments)
    if arguments.until_violation:
        return _play_until_violation(arguments.seed, arguments.schedules)
    until_s = time.monotonic() + arguments.minutes * 60 if arguments.minutes else float("inf")
    if not arguments.resume and arguments.state is not None:
        arguments.state.unlink(missing_ok=True)
    tally = runner.run(
        arguments.schedules,
        seed=arguments.seed,
        jobs=arguments.jobs,
        state=arguments.state,
        until_s=until_s,
        progress=runner.tell,
    )
    report = {"seed": arguments.seed, **tally.report()}
    for seed, texts in list(tally.violations.items())[:20]:
        _say(f"seed {seed}: {texts[0]}")
    if tally.schedules >= runner.COVERING and tally.never_hit():
        _say("never hit:", ", ".join(tally.never_hit()))
    if arguments.out is not None:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(report, indent=2) + "\n")
    return 0 if tally.passed else 1


def _say(*parts: object) -> None:
    sys.stdout.write(" ".join(map(str, parts)) + "\n")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--schedules", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0, help="the first one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--minutes", type=float, help="stop after these, to be resumed")
    parser.add_argument("--state", type=Path, help="file that keeps the parts that were played")
    parser.add_argument("--resume", action="store_true", help="go on from the state")
    parser.add_argument("--out", type=Path, help="JSON file for the result")
    parser.add_argument("--replay", type=int, help="play one seed and print all that happens")
    parser.add_argument("--mutants", nargs="*", help="break the gateway on purpose; all, or those")
    parser.add_argument("--until-violation", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _hunt(arguments: argparse.Namespace) -> int:
    wanted = arguments.mutants or [mutant.name for mutant in mutants.MUTANTS]
    chosen = [each for each in mutants.MUTANTS if any(word in each.name for word in wanted)]

    def tell(hunt: mutants.Hunt) -> None:
        how = hunt.violation or "NOT CAUGHT"
        _say(f"{hunt.mutant}: {hunt.schedules} schedules: {how[:120]}")

    hunts = mutants.hunt_all(
        chosen,
        seed=arguments.seed,
        schedules=arguments.schedules,
        jobs=arguments.jobs,
        progress=tell,
    )
    return 0 if all(hunt.caught for hunt in hunts) else 1


def _play_until_violation(seed: int, schedules: int) -> int:
    """For one mutant: which schedule noticed it, as JSON."""
    played, violation = runner.play_until_violation(seed, schedules)
    _say(json.dumps({"schedules": played, "violation": violation}))
    return 0


def _replay(seed: int) -> int:
    plan = draw_plan(seed)
    _say(plan)
    verdict = Schedule(plan).play()
    _say("\n".join(verdict.trace))
    for text in verdict.violations:
        _say("VIOLATED:", text)
    return 1 if verdict.violations else 0


if __name__ == "__main__":
    sys.exit(main())
