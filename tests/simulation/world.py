"""What do the parts of a schedule share?  The clock, the seed, the trace, and the blows of fate."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.simulation.plan import INSIDE, Plan, Trouble
from tests.simulation.virtual_loop import Killed, Process, VirtualLoop

Strike = Callable[[Trouble], None]


@dataclass
class World:
    """One schedule under way."""

    plan: Plan
    loop: VirtualLoop
    draw: random.Random
    tells: bool = True  # whether to keep a trace
    trace: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    hits: Counter[str] = field(default_factory=Counter)
    processes: list[Process] = field(default_factory=list)
    healed: bool = False
    # Deals with troubles that are not of one process.
    strike: Strike = lambda trouble: None
    # Starts a replica again.
    restart: Callable[[Process], None] = lambda process: None

    def __post_init__(self) -> None:
        self._reached: Counter[str] = Counter()
        self._at_points: dict[tuple[str, int], list[Trouble]] = {}
        for trouble in self.plan.troubles:
            if trouble.point:
                self._at_points.setdefault((trouble.point, trouble.nth), []).append(trouble)

    def note(self, form: str, *parts: object) -> None:
        """Put an event on the trace."""
        if self.tells:
            self.trace.append(f"{self.loop.now_us} {form.format(*parts)}")

    def violate(self, text: str) -> None:
        self.note("VIOLATION {}", text)
        self.violations.append(text)

    def chance(self, likely: float) -> bool:
        """Whether a mishap of this likelihood strikes now."""
        return bool(likely) and not self.healed and self.draw.random() < likely

    def latency_us(self) -> int:
        return 100 + int(self.draw.random() * self.plan.latency_us)

    def reach(self, point: str, process: Process) -> None:
        """Something of `process` has come to a point, where trouble may wait for it.

        Raises:
            Killed: Trouble has killed the process, whose own code this is called from.
        """
        self._reached[point] += 1
        for trouble in self._at_points.get((point, self._reached[point]), ()):
            if not self.healed and process.alive:
                self.hits[f"point {point}"] += 1
                self.befall(trouble, process, inside=point.rpartition(".")[2] in INSIDE)

    def befall(self, trouble: Trouble, process: Process, *, inside: bool = False) -> None:
        """Let a trouble happen; one of a process happens to `process`.

        Raises:
            Killed: As in `reach`.
        """
        self.hits[f"trouble {trouble.kind}"] += 1
        self.note("trouble {} {} {}", trouble.kind, process.name, trouble.amount_us)
        loop, now_us = self.loop, self.loop.now_us
        match trouble.kind:
            case "kill":
                loop.kill(process)
                if trouble.again:
                    loop.in_us(trouble.amount_us, self.restart, process)
                if inside:
                    raise Killed
            case "stall" if inside:
                loop.stall(process, now_us + trouble.amount_us)
            case "pause" | "stall":
                loop.pause(process)
                loop.in_us(trouble.amount_us, loop.resume, process)
            case "suspend":
                loop.suspend(process, trouble.amount_us)
            case "step_wall_clock":
                process.skew_us += trouble.amount_us * (1 if trouble.again else -1)
            case _:
                self.strike(trouble)
