"""Breaks things and tells what came of it: `python -m tests.faults quick`, or `soak`.

Every part of a test runs in a process of its own, which ends with all it started, whatever it does.
The exit code is 0 where every promise was kept and, of the tests that are through, every fault
struck.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.faults.registry import TESTS
from tests.faults.runner import ROOT, Kept, Part, Report, run, source_name
from tests.faults.tally import FaultTest, Tally

_SEED = 20261123
_PART_MINUTES_MAX = 45
_TOLD_EVERY_S = 10.0


def main() -> int:
    """Run what is asked for."""
    asked = _parse()
    if asked.command == "part":
        return _run_here(asked)
    tests = [test for test in TESTS if all(word in test.name for word in asked.only)]
    source = source_name()
    # A part of the tests is for a person who looks for something, and no record of them all.
    name = asked.command if not asked.only else f"{asked.command}-some"
    report = run(
        tests,
        kind=asked.command,
        seed=asked.seed,
        source=source,
        kept=Kept(ROOT / "build/soak/parts.json", source) if name == "soak" else None,
        run_part=_run_in_a_process,
        until_s=time.monotonic() + asked.minutes * 60,
    )
    path = ROOT / "build" / f"{'faults' if name == 'quick' else name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(report.document(), indent=2) + "\n")
    _tell(report, path)
    return 0 if report.passed else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=_SEED)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in (
        ("quick", "a few runs of each"),
        ("soak", "all runs; goes on where it was"),
    ):
        command = commands.add_parser(name, help=words)
        command.add_argument("--only", nargs="*", default=[], help="words in the test's name")
        command.add_argument("--minutes", type=float, default=float("inf"))
    part = commands.add_parser("part", help="some runs of one test, in this process")
    part.add_argument("name")
    part.add_argument("runs", type=int)
    part.add_argument("--into", type=Path, help="file for what came of it")
    return parser.parse_args()


def _run_in_a_process(part: Part) -> Tally:
    """What came of a part, also where it failed or took too long."""
    _say(f"{part.name}: {part.runs} runs")
    with tempfile.TemporaryDirectory(prefix="okx-gateway-faults-") as folder:
        into = Path(folder) / "tally.json"
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.faults", "--seed", str(part.seed)),
                *("part", part.test.name, str(part.runs), "--into", str(into)),
            ],
            cwd=ROOT,
            # Its children become other programs at once; gRPC would have them poll before that.
            env={**os.environ, "TMPDIR": folder, "GRPC_ENABLE_FORK_SUPPORT": "0"},
            start_new_session=True,
        )
        try:
            process.wait(timeout=_PART_MINUTES_MAX * 60)
        except subprocess.TimeoutExpired:
            return Tally(wrong=[f"took longer than {_PART_MINUTES_MAX} minutes"])
        finally:
            # Also what it stopped and never let go on.
            if process.poll() is None or _group_lives(process.pid):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if not into.exists():
            return Tally(wrong=[f"ended with exit code {process.returncode} and no result"])
        tally = Tally.of_state(json.loads(into.read_text()))
    for words in tally.wrong:
        _say(f"    {words}")
    return tally


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _run_here(asked: argparse.Namespace) -> int:
    [test] = (test for test in TESTS if test.name == asked.name)
    tally = asyncio.run(_tally(test, asked.runs, asked.seed))
    if asked.into is None:
        _say(json.dumps(tally.row(), indent=2))
    else:
        asked.into.write_text(json.dumps(tally.state()))
    return 0 if tally.passed else 1


async def _tally(test: FaultTest, runs: int, seed: int) -> Tally:
    try:
        return await test.run(runs, seed, _Told(runs))
    except Exception:  # noqa: BLE001  # a test that fails has not shown anything
        return Tally(wrong=[traceback.format_exc(limit=-6)])


class _Told:
    """Tells people on the terminal how far a test is."""

    def __init__(self, runs: int) -> None:
        self._runs = runs
        self._done = 0
        self._told_s = 0.0

    def advance(self, runs: int = 1, words: str = "") -> None:
        """Tell it, but not too often."""
        self._done += runs
        if time.monotonic() - self._told_s >= _TOLD_EVERY_S or self._done == self._runs:
            self._told_s = time.monotonic()
            _say(f"    {self._done:>9,} of {self._runs:,} {words}")


def _tell(report: Report, path: Path) -> None:
    for row in report.document()["tests"]:
        missed = f", never struck: {'; '.join(row['never_hit'])}" if row["never_hit"] else ""
        _say(
            f"{'ok  ' if row['passed'] else 'FAIL'} {row['name']}: {row['runs']:,} runs in "
            f"{row['seconds']:,.0f} s, {sum(row['hits'].values()):,} faults struck, "
            f"{row['duplicates']} duplicates, {row['lost']} lost, {row['contradicted']} "
            f"contradicted, worst {row['worst_window'] or '-'}{missed}"
        )
    if report.missing:
        _say(f"{report.missing} parts are left; run it again to go on")
    _say(f"written to {path.relative_to(ROOT)}")


def _say(words: str) -> None:
    print(words, flush=True)  # noqa: T201  # people wait for it


if __name__ == "__main__":
    sys.exit(main())
