"""What is used of the rate limits, and by whom?  Pure."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from okx_gateway.ledger.charge import limit_of_window
from okx_gateway.ledger.grant import UNCHECKED_WAIT_S


@dataclass(frozen=True, slots=True)
class CallerUse:
    """What one caller has of a window.

    `used` counts requests of the last width, `waiting` those with a slot ahead; `granted` and
    `refused` count all since the window was first spent from.
    """

    used: int = 0
    waiting: int = 0
    granted: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class BudgetWindow:
    """One window of an owner, of which `capacity` may be used in any stretch of `width_ms`.

    It counts as full for another `frozen_ms`.
    """

    name: str
    capacity: int
    width_ms: int
    used: int
    waiting: int
    by_caller: Mapping[str, CallerUse]
    frozen_ms: int = 0


@dataclass(frozen=True, slots=True)
class OwnerBudget:
    """All windows of an owner; no order of it is placed for another `recovering_ms`."""

    windows: tuple[BudgetWindow, ...]
    recovering_ms: int = 0


def budget_from(answer: list[Any], silence_us: int) -> OwnerBudget:
    """Read what read_budget.lua tells; nothing is placed for `silence_us` of an epoch."""
    times, tally, frozen, uses = answer[:3], *answer[3:]
    since_us, steady_us, now_us = map(int, times)
    unchecked_us = int(UNCHECKED_WAIT_S * 1e6)
    use: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    widths_us: dict[str, int] = {}
    for field, value in zip(tally[::2], tally[1::2], strict=True):
        name, caller, what = field.rsplit("|", 2)
        if what == "width_us":
            widths_us[name] = int(value)
        else:
            use[name, caller][what] = int(value)
    for name, caller, used, waiting in uses:
        use[name, caller]["used"] += int(used)
        use[name, caller]["waiting"] += int(waiting)
    until_us = dict(zip(frozen[::2], map(int, frozen[1::2]), strict=True))
    if steady_us:
        # What was spent before may be missing, and slots of before may be used for a moment more.
        for name, width_us in widths_us.items():
            until_us[name] = max(until_us.get(name, 0), steady_us + unchecked_us + width_us)
    windows = []
    for name, width_us in sorted(widths_us.items()):
        by_caller = {caller: CallerUse(**each) for (of, caller), each in use.items() if of == name}
        windows.append(
            BudgetWindow(
                name=name,
                capacity=_capacity_of(name),
                width_ms=width_us // 1000,
                used=sum(each.used for each in by_caller.values()),
                waiting=sum(each.waiting for each in by_caller.values()),
                by_caller=by_caller,
                frozen_ms=-(-max(0, until_us.get(name, 0) - now_us) // 1000),
            )
        )
    left_us = since_us + silence_us - now_us if since_us else 0
    return OwnerBudget(tuple(windows), -(-max(0, left_us) // 1000))


def _capacity_of(name: str) -> int:
    try:
        return limit_of_window(name).count
    except KeyError:
        return 0  # of a version that knows more windows
