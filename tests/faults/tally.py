"""What is a test that breaks things, and what does it tell?  Pure."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

_WRONG_TOLD_MAX = 20


class Progress(Protocol):
    """Hears how far a test is."""

    def advance(self, runs: int = 1, words: str = "") -> None:
        """So many runs more are done; `words` tell a person what is going on."""
        ...


@dataclass(slots=True)
class Tally:
    """What came of some runs of a test.

    `hits` is how often each fault struck, `worst` the most requests in any window beside what OKX
    takes, by window; `figures` are measurements. `wrong` tells the first broken promises in words.
    """

    runs: int = 0
    duplicates: int = 0
    lost: int = 0
    contradicted: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    worst: dict[str, tuple[int, int]] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every promise was kept."""
        return not (
            self.wrong
            or self.duplicates
            or self.lost
            or self.contradicted
            or any(count > amount for count, amount in self.worst.values())
        )

    def blame(self, words: Iterable[str]) -> None:
        """Note broken promises; of many only the first."""
        self.wrong += words
        del self.wrong[_WRONG_TOLD_MAX:]

    def see(self, window: str, count: int, amount: int) -> None:
        """Note that a window held `count` requests, where OKX takes `amount`."""
        before, _ = self.worst.get(window, (0, 0))
        self.worst[window] = (max(before, count), amount)

    def add(self, other: "Tally") -> None:
        """Take in what came of more runs.

        Of `figures` whole numbers count and add up; others measure, and the largest stays.
        """
        self.runs += other.runs
        self.duplicates += other.duplicates
        self.lost += other.lost
        self.contradicted += other.contradicted
        self.hits += other.hits
        for window, (count, amount) in other.worst.items():
            self.see(window, count, amount)
        for name, figure in other.figures.items():
            before = self.figures.get(name, 0)
            self.figures[name] = before + figure if isinstance(figure, int) else max(before, figure)
        self.blame(other.wrong)

    def state(self) -> dict[str, Any]:
        """Return all of it as JSON, for `of_state`."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def of_state(cls, state: dict[str, Any]) -> "Tally":
        """Return what `state` told."""
        worst = {name: (count, amount) for name, (count, amount) in state["worst"].items()}
        return cls(**{**state, "hits": Counter(state["hits"]), "worst": worst})

    def row(self) -> dict[str, Any]:
        """Return it as JSON for people."""
        return {
            "passed": self.passed,
            "runs": self.runs,
            "hits": dict(self.hits),
            "duplicates": self.duplicates,
            "lost": self.lost,
            "contradicted": self.contradicted,
            "worst_window": self._worst_window(),
            "figures": self.figures,
            "wrong": self.wrong,
        }

    def _worst_window(self) -> str:
        """The fullest window of all, in words."""
        if not self.worst:
            return ""
        name, (count, amount) = max(self.worst.items(), key=lambda it: (it[1][0] / it[1][1], it[1]))
        return f"{name}: {count} of {amount}"


Run = Callable[[int, int, Progress], Awaitable[Tally]]


@dataclass(frozen=True, slots=True)
class FaultTest:
    """A test of `quick` runs, perhaps none, or of `full` ones; `run` takes runs and a seed.

    Runs may be divided into parts of `part` each, with a seed and a fresh start of their own; 0 for
    one that must not be. Every fault in `faults` has to strike, or nothing was shown.
    """

    name: str
    quick: int
    full: int
    run: Run
    part: int = 0
    faults: tuple[str, ...] = ()
