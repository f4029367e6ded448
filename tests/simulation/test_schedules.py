"""A schedule is a function of its seed, and what was played is kept and counted."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.simulation import runner
from tests.simulation.plan import without
from tests.simulation.scenes import draw_plan
from tests.simulation.schedule import Schedule, play

ROOT = Path(__file__).resolve().parents[2]
SEEDS = range(40)
_DIGESTS = (
    "from tests.simulation.schedule import play\n"
    f"print(*(play(seed, tells=True).digest for seed in {SEEDS!r}))"
)


def digests(hash_seed: str) -> str:
    """Of everything that happens in some schedules, played by a process of their own."""
    played = subprocess.run(
        [sys.executable, "-c", _DIGESTS],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    return played.stdout


def test_one_seed_is_one_trace_in_every_process() -> None:
    first = digests("1")
    assert first == digests("2")
    assert len(set(first.split())) == len(SEEDS)


def test_whether_a_trace_is_kept_changes_nothing() -> None:
    quiet = [Schedule(draw_plan(seed), tells=False) for seed in range(5)]
    loud = [Schedule(draw_plan(seed)) for seed in range(5)]
    for one, other in zip(quiet, loud, strict=True):
        assert one.play().hits == other.play().hits
        assert one.steps == other.steps


def test_a_plan_can_be_played_without_one_of_its_troubles() -> None:
    plan = next(plan for plan in map(draw_plan, range(100)) if len(plan.troubles) > 1)
    less = without(plan, 0)
    assert less.troubles == plan.troubles[1:]
    assert Schedule(less).play().seed == plan.seed


def test_a_replay_tells_what_happened() -> None:
    trace = [line for seed in range(5) for line in play(seed, tells=True).trace]
    assert any(" writes place_order " in line for line in trace)
    assert any(" admit_order " in line for line in trace)


def test_every_promise_is_kept() -> None:
    assert runner.run(300, jobs=2).violations == {}


def test_what_was_played_is_kept_and_not_played_again(tmp_path: Path) -> None:
    state = tmp_path / "played.jsonl"
    first = runner.run(30, jobs=1, state=state)
    again = runner.run(30, jobs=1, state=state)
    assert first.schedules == again.schedules == 30
    assert first.seconds == again.seconds
    state.write_text(state.read_text().replace('{"sources": "', '{"sources": "other', 1))
    assert runner.run(30, jobs=1, state=state).seconds != first.seconds


def test_a_fault_that_was_never_hit_fails_a_large_run() -> None:
    hit_all = Counter(runner.fault_points())
    assert not runner.Tally(schedules=runner.COVERING).passed
    assert runner.Tally(schedules=runner.COVERING, hits=hit_all).passed
    assert runner.Tally(schedules=10).passed
    assert not runner.Tally(schedules=10, violations={7: ["something"]}).passed
