"""How are tests that break things run, part by part, so that what is done need not be done again?

Touches files: what came of each part is kept under the state's path. Another state of the sources
starts over.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.tally import FaultTest, Tally

ROOT = Path(__file__).resolve().parents[2]
# What the outcome of a test depends on.
_SOURCES = ("src", "tests/faults", "tests/simulation", "tests/property", "tests/support")
_SUFFIXES = {".py", ".lua", ".proto"}


@dataclass(frozen=True, slots=True)
class Part:
    """Some runs of a test, with a seed and a fresh start of their own."""

    test: FaultTest
    number: int
    of: int
    runs: int
    seed: int

    @property
    def name(self) -> str:
        """What it is kept under."""
        return f"{self.test.name} {self.number + 1}/{self.of} seed {self.seed}"


@dataclass(slots=True)
class Report:
    """What came of all parts that have run, by the name of the test."""

    kind: str
    source: str
    missing: int = 0
    tallies: dict[str, Tally] = field(default_factory=dict)
    took_s: dict[str, float] = field(default_factory=dict)
    never_hit: dict[str, list[str]] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether no promise was broken and, of tests that are through, every fault struck."""
        return not any(self.never_hit.values()) and all(
            tally.passed for tally in self.tallies.values()
        )

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "kind": self.kind,
            "passed": self.passed,
            "complete": not self.missing,
            "source": self.source,
            "seconds": round(sum(self.took_s.values()), 1),
            "tests": [
                {
                    "name": name,
                    **tally.row(),
                    "passed": tally.passed and not self.never_hit.get(name),
                    "never_hit": self.never_hit.get(name, []),
                    "seconds": round(self.took_s[name], 1),
                }
                for name, tally in self.tallies.items()
            ],
        }


def parts(tests: Iterable[FaultTest], kind: str, seed: int) -> Iterator[Part]:
    """Divide tests into parts, the first part of every test first."""
    divided = []
    for test in tests:
        runs = test.quick if kind == "quick" else test.full
        each = test.part or runs
        counts = [min(each, runs - done) for done in range(0, runs, each)] if runs else []
        divided.append(
            [Part(test, n, len(counts), count, seed + n) for n, count in enumerate(counts)]
        )
    for number in range(max(map(len, divided), default=0)):
        yield from (of_test[number] for of_test in divided if number < len(of_test))


class Kept:
    """What came of parts that were run before with the same sources; a file for all of them."""

    def __init__(self, path: Path, source: str) -> None:
        self._path = path
        self._source = source
        self._rows: dict[str, dict[str, Any]] = {}
        if path.exists():
            held = json.loads(path.read_text())
            if held["source"] == source:
                self._rows = held["parts"]

    def find(self, part: Part) -> tuple[Tally, float] | None:
        """Return what came of a part and the seconds it took."""
        row = self._rows.get(part.name)
        return (Tally.of_state(row["tally"]), row["seconds"]) if row else None

    def keep(self, part: Part, tally: Tally, took_s: float) -> None:
        """Note what came of a part."""
        self._rows[part.name] = {"tally": tally.state(), "seconds": took_s}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({"source": self._source, "parts": self._rows}, indent=1))
        fresh.replace(self._path)


def run(
    tests: Sequence[FaultTest],
    *,
    kind: str,
    seed: int,
    kept: Kept | None,
    source: str,
    run_part: Callable[[Part], Tally],
    until_s: float = float("inf"),
    clock: Callable[[], float] = time.monotonic,
) -> Report:
    """Run every part that is not kept; begins none after `until_s` of the clock."""
    report = Report(kind, source)
    unfinished = set()
    for part in parts(tests, kind, seed):
        found = kept.find(part) if kept else None
        if found is None:
            if clock() >= until_s:
                report.missing += 1
                unfinished.add(part.test.name)
                continue
            began_s = clock()
            tally = run_part(part)
            found = tally, clock() - began_s
            if kept:
                kept.keep(part, *found)
        name = part.test.name
        report.tallies.setdefault(name, Tally()).add(found[0])
        report.took_s[name] = report.took_s.get(name, 0.0) + found[1]
    for test in tests:
        if test.name in report.tallies and test.name not in unfinished:
            hits = report.tallies[test.name].hits
            report.never_hit[test.name] = [fault for fault in test.faults if not hits[fault]]
    return report


def source_name(root: Path = ROOT) -> str:
    """Return a name for all that the outcome of a test depends on."""
    digest = hashlib.sha256()
    for folder in _SOURCES:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in _SUFFIXES:
                digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
