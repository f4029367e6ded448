from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.faults.runner import Kept, Part, Report, parts, run, source_name
from tests.faults.tally import FaultTest, Progress, Tally


async def never(runs: int, seed: int, progress: Progress) -> Tally:
    raise NotImplementedError


WHOLE = FaultTest("whole", quick=3, full=10, run=never)
DIVIDED = FaultTest("divided", quick=2, full=10, run=never, part=4, faults=("kill",))


class Runs:
    """What parts come to, and which were asked for; a part takes a second."""

    def __init__(self, came_to: Mapping[str, Tally] | None = None) -> None:
        self.came_to = came_to or {}
        self.asked: list[str] = []

    def __call__(self, part: Part) -> Tally:
        self.asked.append(part.name)
        given = self.came_to.get(part.name) or Tally(hits=Counter({"kill": 1}))
        given.runs = part.runs
        return given

    def clock(self) -> float:
        return float(len(self.asked))


def report_of(runs: Runs, kept: Kept | None = None, until_s: float = 99, **kind: str) -> Report:
    return run(
        [WHOLE, DIVIDED],
        kind=kind.get("kind", "soak"),
        seed=7,
        kept=kept,
        source="s",
        run_part=runs,
        until_s=until_s,
        clock=runs.clock,
    )


def test_a_quick_run_is_one_part_and_a_full_one_as_many_as_the_test_allows() -> None:
    assert [(each.name, each.runs) for each in parts([WHOLE, DIVIDED], "quick", 7)] == [
        ("whole 1/1 seed 7", 3),
        ("divided 1/1 seed 7", 2),
    ]
    assert [(each.name, each.runs) for each in parts([WHOLE, DIVIDED], "soak", 7)] == [
        ("whole 1/1 seed 7", 10),
        ("divided 1/3 seed 7", 4),
        ("divided 2/3 seed 8", 4),
        ("divided 3/3 seed 9", 2),
    ]


def test_a_test_that_has_no_quick_form_is_left_out_of_it() -> None:
    assert list(parts([FaultTest("long", quick=0, full=1, run=never)], "quick", 7)) == []


def test_parts_add_up() -> None:
    report = report_of(Runs())
    assert report.passed
    whole, divided = report.document()["tests"]
    assert (whole["runs"], divided["runs"]) == (10, 10)
    assert divided["hits"] == {"kill": 3}
    assert (whole["seconds"], divided["seconds"]) == (1.0, 3.0)


@pytest.mark.parametrize(
    "broken",
    [
        Tally(duplicates=1),
        Tally(lost=1),
        Tally(contradicted=1),
        Tally(worst={"order": (61, 60)}),
        Tally(wrong=["something"]),
    ],
)
def test_one_broken_promise_in_one_part_fails_the_whole(broken: Tally) -> None:
    report = report_of(Runs({"divided 2/3 seed 8": broken}))
    assert not report.passed
    assert [row["passed"] for row in report.document()["tests"]] == [True, False]


def test_a_fault_that_never_struck_fails_the_test_once_it_is_through(tmp_path: Path) -> None:
    none = {f"divided {n}/3 seed {6 + n}": Tally() for n in (1, 2, 3)}
    assert report_of(Runs(none), until_s=3).passed
    report = report_of(Runs(none))
    assert report.never_hit == {"whole": [], "divided": ["kill"]}
    assert not report.passed


def test_a_soak_goes_on_where_its_time_was_over(tmp_path: Path) -> None:
    path, first, second = tmp_path / "soak/parts.json", Runs(), Runs()
    report = report_of(first, Kept(path, "s"), until_s=3)
    assert report.missing == 1
    assert not report.document()["complete"]
    report = report_of(second, Kept(path, "s"))
    assert first.asked == ["whole 1/1 seed 7", "divided 1/3 seed 7", "divided 2/3 seed 8"]
    assert second.asked == ["divided 3/3 seed 9"]
    assert report.document()["complete"]
    assert [row["runs"] for row in report.document()["tests"]] == [10, 10]


def test_what_failed_stays_failed_and_another_source_starts_over(tmp_path: Path) -> None:
    path = tmp_path / "parts.json"
    failing = Runs({"divided 2/3 seed 8": Tally(lost=1, worst={"order": (61, 60)})})
    assert not report_of(failing, Kept(path, "s")).passed
    again, anew = Runs(), Runs()
    assert not report_of(again, Kept(path, "s")).passed
    assert again.asked == []
    assert report_of(anew, Kept(path, "t")).passed
    assert len(anew.asked) == 4


def test_of_figures_counts_add_up_and_the_largest_measure_stays() -> None:
    tally = Tally(figures={"placed": 2, "p99_ms": 7.5})
    tally.add(Tally(figures={"placed": 3, "p99_ms": 4.0, "late": 1}))
    assert tally.figures == {"placed": 5, "p99_ms": 7.5, "late": 1}


def test_any_change_of_the_sources_is_seen(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.py").write_text("1")
    before = source_name(tmp_path)
    (tmp_path / "src/note.txt").write_text("1")
    assert source_name(tmp_path) == before
    (tmp_path / "src/b.lua").write_text("1")
    assert source_name(tmp_path) != before
