"""Which core runs what, and how much of it did a process use?  Touches Linux' scheduler and /proc.

What is measured has a core of its own; everything that serves the measurement has the others.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cores:
    """Who runs where.

    `measured` is for the process whose cost is told, `load` for what calls it, `exchange` for the
    simulator and Valkey. They share cores where the machine has fewer than three.
    """

    measured: frozenset[int]
    load: frozenset[int]
    exchange: frozenset[int]

    def in_words(self) -> str:
        """Tell a person."""
        return ", ".join(
            f"{what} on core {_listed(cores)}"
            for what, cores in (
                ("what is measured", self.measured),
                ("load", self.load),
                ("simulator and Valkey", self.exchange),
            )
        )


def share_out(available: set[int]) -> Cores:
    """Share the cores that this process may use out."""
    first, *others = sorted(available)
    if not others:
        return Cores(*[frozenset({first})] * 3)
    load, *rest = others
    return Cores(frozenset({first}), frozenset({load}), frozenset(rest or {load}))


@contextmanager
def on_cores(cores: frozenset[int]) -> Iterator[None]:
    """Have processes that are started within the block run on `cores`."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_s(pid: int) -> float:
    """Seconds of CPU, user and system, that a process has used; exact to 10 ms."""
    # The second field, the program's name, may hold spaces; it ends with the last parenthesis.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    user_ticks, system_ticks = fields[11:13]
    return (int(user_ticks) + int(system_ticks)) / _TICKS_PER_S


def _listed(cores: frozenset[int]) -> str:
    return "+".join(map(str, sorted(cores)))
