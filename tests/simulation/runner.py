"""How are many schedules played, on all processors, with what they hit counted, and resumable?"""

import gc
import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.simulation import plan
from tests.simulation.schedule import play

ROOT = Path(__file__).resolve().parents[2]
_CHUNK = 200
_COLLECT_EVERY = 20
_TOLD_MAX = 200
# Below this many schedules a rare fault may be missed by chance.
COVERING = 10_000

_MISHAPS = (
    *("request lost", "request late", "reply lost", "reply late", "reply garbled"),
    *("answered in doubt, carried out", "answered in doubt, not carried out"),
    *("connect slow", "connect refused", "held up", "reply timed out"),
    *("socket made", "socket lost", "socket closing", "answer of another id"),
    *("script lost", "script late", "script reply lost", "script reply late"),
    *("script timed out", "redis refused", "redis hung", "redis read_only"),
    *("redis out_of_memory", "server gone", "not durable", "caller left"),
    "written after its expiry",
)


def fault_points() -> list[str]:
    """Everything that a large run has to have hit."""
    kinds = (*plan.PROCESS_TROUBLES, *plan.REDIS_TROUBLES, *plan.EXCHANGE_TROUBLES)
    return [
        *_MISHAPS,
        *(f"trouble {kind}" for kind in kinds),
        *(f"point {point}" for point in plan.all_points()),
    ]


@dataclass
class Tally:
    """What came of some schedules."""

    schedules: int = 0
    seconds: float = 0.0
    violations: dict[int, list[str]] = field(default_factory=dict)
    hits: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        self.schedules += other.schedules
        self.seconds += other.seconds
        self.violations |= other.violations
        self.hits += other.hits

    def never_hit(self) -> list[str]:
        return [point for point in fault_points() if not self.hits[point]]

    @property
    def passed(self) -> bool:
        """Whether no promise was broken and, if there were enough schedules, nothing was missed."""
        return not self.violations and (self.schedules < COVERING or not self.never_hit())

    def report(self) -> dict[str, Any]:
        """As it is written to a file."""
        told = dict(sorted(self.violations.items())[:_TOLD_MAX])
        return {
            "passed": self.passed,
            "schedules": self.schedules,
            "cpu_seconds": round(self.seconds, 1),
            "schedules_per_cpu_second": round(self.schedules / max(0.001, self.seconds), 1),
            "schedules_with_violations": len(self.violations),
            "violations": {str(seed): texts for seed, texts in told.items()},
            "faults_hit": dict(sorted(self.hits.items())),
            "faults_never_hit": self.never_hit(),
        }


def play_some(first: int, count: int) -> Tally:
    """Play the schedules of `count` seeds from `first` on, in this process."""
    tally, begun_s = Tally(), time.process_time()
    gc.disable()
    # What was imported stays anyway; collecting it again and again takes a sixth of the time.
    gc.freeze()
    for seed in range(first, first + count):
        verdict = play(seed)
        tally.schedules += 1
        tally.hits += verdict.hits
        if verdict.violations:
            tally.violations[seed] = list(verdict.violations)
        if seed % _COLLECT_EVERY == 0:
            gc.collect()
    gc.enable()
    tally.seconds = time.process_time() - begun_s
    return tally


def play_until_violation(first: int, count: int) -> tuple[int, str]:
    """Play from seed `first` on until a promise is broken: how many were played, and which."""
    gc.disable()
    for played in range(1, count + 1):
        verdict = play(first + played - 1)
        if verdict.violations:
            return played, f"seed {verdict.seed}: {verdict.violations[0]}"
        if played % _COLLECT_EVERY == 0:
            gc.collect()
    return count, ""


def run(
    schedules: int,
    *,
    seed: int = 0,
    jobs: int = 2,
    state: Path | None = None,
    until_s: float = float("inf"),
    progress: Callable[[Tally, int], None] = lambda tally, wanted: None,
) -> Tally:
    """Play `schedules` from `seed` on; `state` is a file in which played parts are kept.

    Stops at monotonic `until_s` and keeps what it has; the next run goes on from there.
    """
    total, done = _kept(state)
    missing = [first for first in range(seed, seed + schedules, _CHUNK) if first not in done]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting: dict[Future[Tally], int] = {}
        chunks = iter(missing)
        while True:
            while len(waiting) < jobs + 1 and time.monotonic() < until_s:
                first = next(chunks, None)
                if first is None:
                    break
                count = min(_CHUNK, seed + schedules - first)
                waiting[pool.submit(play_some, first, count)] = first
            if not waiting:
                return total
            ended, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in ended:
                first = waiting.pop(future)
                tally = future.result()
                total.add(tally)
                _keep(state, first, tally)
                progress(total, schedules)


def sources() -> str:
    """A name for everything that a result rests on."""
    digest = hashlib.sha256()
    for path in sorted(_sources()):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    for folder, pattern in (("src/okx_gateway", "*.py"), ("src/okx_gateway", "*.lua")):
        yield from (ROOT / folder).rglob(pattern)
    yield from Path(__file__).parent.glob("*.py")


def _kept(state: Path | None) -> tuple[Tally, set[int]]:
    total = Tally()
    done: set[int] = set()
    if state is None or not state.exists():
        return total, done
    lines = state.read_text().splitlines()
    if not lines or json.loads(lines[0]) != {"sources": sources()}:
        state.unlink()  # something was changed since
        return total, done
    for line in lines[1:]:
        part = json.loads(line)
        done.add(part.pop("first"))
        part["hits"] = Counter(part["hits"])
        part["violations"] = {int(seed): told for seed, told in part["violations"].items()}
        total.add(Tally(**part))
    return total, done


def _keep(state: Path | None, first: int, tally: Tally) -> None:
    if state is None:
        return
    state.parent.mkdir(parents=True, exist_ok=True)
    new = not state.exists()
    with state.open("a") as file:
        if new:
            file.write(json.dumps({"sources": sources()}) + "\n")
        file.write(json.dumps({"first": first, **vars(tally)}) + "\n")


def tell(tally: Tally, wanted: int) -> None:
    """Show how far it is, on the terminal."""
    rate = tally.schedules / max(0.001, tally.seconds)
    sys.stderr.write(
        f"\r{tally.schedules:>9,} of {wanted:,} schedules, {rate:,.0f}/s per processor, "
        f"{len(tally.violations)} with violations "
    )
    sys.stderr.flush()
