"""Which fault, if any, strikes this request or push?

Pure: seeded, so that the same requests in the same order are struck alike. Who sends and
receives carries the plan out.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from okx_simulator.fault.rule import (
    ON_PUSH,
    ON_WAY,
    PUSH_ONLY,
    REST_ONLY,
    SIDE_EFFECTS,
    SOCKET_ONLY,
    WAITS,
    FaultError,
    FaultRule,
    Kind,
    Occasion,
)

RULES_MAX = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """What shall happen to one request: waits in milliseconds, side effects, and one fault.

    `late_ms` is the wait of a late delivery. `names` tells which rules struck, for the log.
    """

    wait_before_ms: float = 0.0
    wait_after_ms: float = 0.0
    late_ms: float = 0.0
    side_effects: tuple[FaultRule, ...] = ()
    fault: FaultRule | None = None
    names: tuple[str, ...] = ()

    @property
    def is_late(self) -> bool:
        """Whether the engine shall see the request only after `late_ms`."""
        return self.fault is not None and self.fault.kind is Kind.LATE

    def strikes(self, *kinds: Kind) -> bool:
        """Whether the fault is one of `kinds`."""
        return self.fault is not None and self.fault.kind in kinds


NO_FAULT = Plan()


class _Armed:
    """A rule with its dice and its counter."""

    def __init__(self, rule: FaultRule, seed: int) -> None:
        self.rule = rule
        # A generator of its own, so that other rules do not change when this one strikes.
        self.random = Random(f"{seed}/{rule.name}")
        self.hits = 0

    def strikes(self, occasion: Occasion) -> bool:
        rule = self.rule
        if rule.count is not None and self.hits >= rule.count:
            return False
        return rule.match.fits(occasion) and self.random.random() < rule.probability


class Faults:
    """The faults that are switched on, in order; the first that spoils an answer wins."""

    def __init__(self, seed: int, rules: Iterable[FaultRule] = ()) -> None:
        self._seed = seed
        self._armed: dict[str, _Armed] = {}
        self._hits_by_kind: Counter[str] = Counter()
        self.replace(rules)

    def replace(self, rules: Iterable[FaultRule]) -> None:
        """Switch on exactly `rules`. Raises FaultError and changes nothing if they are too many."""
        armed = {rule.name: _Armed(rule, self._seed) for rule in rules}
        if len(armed) > RULES_MAX:
            raise FaultError(f"at most {RULES_MAX} faults")
        self._armed = armed

    def put(self, rule: FaultRule) -> None:
        """Switch on one rule, in place of the one of that name. Raises FaultError if too many."""
        if rule.name not in self._armed and len(self._armed) >= RULES_MAX:
            raise FaultError(f"at most {RULES_MAX} faults")
        self._armed[rule.name] = _Armed(rule, self._seed)

    def remove(self, name: str) -> bool:
        """Switch off one rule; whether there was one."""
        return self._armed.pop(name, None) is not None

    def decide_way(self, occasion: Occasion) -> tuple[float, tuple[str, ...]]:
        """Decide how many milliseconds a request is on its way; with the names of what struck."""
        wait_ms = 0.0
        names = []
        for name, armed in self._armed.items():
            if armed.rule.kind in ON_WAY and armed.strikes(occasion):
                self._count(armed)
                wait_ms += armed.rule.wait.draw_ms(armed.random)
                names.append(name)
        return wait_ms, tuple(names)

    def decide(self, occasion: Occasion) -> Plan:
        """Decide what strikes a request that has arrived, and count it."""
        if not self._armed:
            return NO_FAULT
        struck = []
        fault: _Armed | None = None
        for armed in self._armed.values():
            kind = armed.rule.kind
            if not _concerns(kind, occasion.door):
                continue
            spoils = kind not in WAITS and kind not in SIDE_EFFECTS
            if spoils and fault is not None:
                continue
            if armed.strikes(occasion):
                self._count(armed)
                struck.append(armed)
                fault = armed if spoils else fault
        return _plan(struck, fault)

    def decide_push(self, occasion: Occasion) -> FaultRule | None:
        """Decide what strikes a push: a stall, a half-open socket, its loss or repetition."""
        for armed in self._armed.values():
            if armed.rule.kind in ON_PUSH and armed.strikes(occasion):
                self._count(armed)
                return armed.rule
        return None

    @property
    def concern_ways(self) -> bool:
        """Whether any rule could hold up a request on its way at all."""
        return any(armed.rule.kind in ON_WAY for armed in self._armed.values())

    @property
    def concern_pushes(self) -> bool:
        """Whether any rule could strike a push at all."""
        return any(armed.rule.kind in ON_PUSH for armed in self._armed.values())

    def rows(self) -> dict[str, Any]:
        """Return the rules as they were written with their hits, and the hits of each kind.

        The hits of kinds go on counting when rules are replaced or removed.
        """
        return {
            "faults": [
                {"name": name, **armed.rule.written, "hits": armed.hits}
                for name, armed in self._armed.items()
            ],
            "hits": dict(self._hits_by_kind),
        }

    def _count(self, armed: _Armed) -> None:
        armed.hits += 1
        self._hits_by_kind[armed.rule.kind.value] += 1


def _concerns(kind: Kind, door: str) -> bool:
    if kind in PUSH_ONLY or kind in ON_WAY:
        return False
    return kind not in (SOCKET_ONLY if door == "rest" else REST_ONLY)


def _plan(struck: Sequence[_Armed], fault: _Armed | None) -> Plan:
    if not struck:
        return NO_FAULT
    waits_ms = {Kind.LATENCY_BEFORE: 0.0, Kind.LATENCY_AFTER: 0.0}
    for armed in struck:
        if armed.rule.kind in WAITS:
            waits_ms[armed.rule.kind] += armed.rule.wait.draw_ms(armed.random)
    is_late = fault is not None and fault.rule.kind is Kind.LATE
    return Plan(
        wait_before_ms=waits_ms[Kind.LATENCY_BEFORE],
        wait_after_ms=waits_ms[Kind.LATENCY_AFTER],
        late_ms=fault.rule.wait.draw_ms(fault.random) if fault and is_late else 0.0,
        side_effects=tuple(a.rule for a in struck if a.rule.kind in SIDE_EFFECTS),
        fault=fault.rule if fault else None,
        names=tuple(armed.rule.name for armed in struck),
    )
