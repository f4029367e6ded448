"""How full was each of OKX's windows, by when requests arrived there?

Pure. Judges the log of the simulator by OKX's documentation, apart from the simulator's own count
and from the gateway's.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH_US = 2_000_000
SINGLE_MAX, BATCH_MAX = 60, 300
_PATH = "/api/v5/trade/"
# Source: OKX docs, 'Place order' to 'Amend multiple orders': 60 orders in 2 s per user and
# instrument, in batches 300; a batch of one order counts as a single one.
_SINGLE_OF_BATCH = {
    "batch-orders": "order",
    "cancel-batch-orders": "cancel-order",
    "amend-batch-orders": "amend-order",
}
_SINGLES = frozenset(_SINGLE_OF_BATCH.values())
THROTTLED = frozenset({"50011", "50061"})

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """When orders arrived that count together, oldest first, and how many OKX takes in 2 s."""

    amount: int
    stamps_us: Sequence[int]

    @property
    def fullest(self) -> int:
        """The most that arrived in any half-open stretch of 2 s."""
        return fullest(self.stamps_us)

    @property
    def is_over(self) -> bool:
        """Whether more arrived in some stretch than OKX takes."""
        return self.fullest > self.amount


def order_windows(entries: Iterable[Entry]) -> dict[str, Window]:
    """Windows of requests about orders, by kind and instrument: `order BTC-USDT`."""
    stamps_us: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for entry in entries:
        kind = str(entry["target"]).removeprefix(_PATH)
        orders = entry["orders"]
        if entry["method"] != "POST" or kind not in (_SINGLES | _SINGLE_OF_BATCH.keys()):
            continue
        if len(orders) == 1:
            kind = _SINGLE_OF_BATCH.get(kind, kind)
        for order in orders:
            stamps_us[kind, order["inst_id"]].append(entry["arrived_us"])
    return {
        f"{kind} {instrument}": Window(
            BATCH_MAX if kind in _SINGLE_OF_BATCH else SINGLE_MAX, sorted(found)
        )
        for (kind, instrument), found in stamps_us.items()
    }


def fullest(stamps_us: Sequence[int], width_us: int = WIDTH_US) -> int:
    """Return the most stamps in any half-open stretch of `width_us`; they must be sorted.

    The fullest stretch can be moved until it begins at a stamp, so these are looked at alone.
    """
    return max(
        (bisect_left(stamps_us, at + width_us) - index for index, at in enumerate(stamps_us)),
        default=0,
    )


def used_share(stamps_us: Sequence[int], amount: int, width_us: int = WIDTH_US) -> float:
    """Return the part of `amount` in each `width_us` that was used, 1 for all of it.

    Counted in whole rounds of `amount` and from every stamp of the first, so that neither where a
    round begins nor how late one request was makes a difference.
    """
    rounds = len(stamps_us) // amount - 1
    if rounds < 1:
        return 0.0
    took_us = sum(stamps_us[index + rounds * amount] - stamps_us[index] for index in range(amount))
    return rounds * width_us * amount / took_us


def throttled(entries: Iterable[Entry]) -> int:
    """Return how many requests OKX refused for a rate limit, or orders of a batch."""
    return sum(
        entry["code"] in THROTTLED or any(order["code"] in THROTTLED for order in entry["orders"])
        for entry in entries
    )
