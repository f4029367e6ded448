"""What does a subscriber of an order book have to be told to know the present one?

Pure.

Source: OKX docs, 'Order book channel': a snapshot has prevSeqId -1, every update names the seqId
of the message before, a level of size 0 is gone. The checksum is always 0 since 2026.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Frame: TypeAlias = dict[str, Any]
Levels: TypeAlias = Sequence[Sequence[str]]

# By channel; all levels are [price, size, "0", number of orders].
DEPTHS: Mapping[str, int] = {"bbo-tbt": 1, "books5": 5, "books": 400}
INCREMENTAL = frozenset({"books"})


def snapshot(book: Mapping[str, Any]) -> Frame:
    """Return the `action` and data row of a first message."""
    return {"action": "snapshot", "data": [_row(book, book["asks"], book["bids"], -1)]}


def update(old: Mapping[str, Any], new: Mapping[str, Any]) -> Frame:
    """Return the `action` and data row that leads from the book last told to `new`.

    Where nothing changed it is the empty message that says the connection is alive.
    """
    asks = difference(old["asks"], new["asks"])
    bids = difference(old["bids"], new["bids"])
    if not asks and not bids:
        new = {**new, "seqId": old["seqId"]}
    return {"action": "update", "data": [_row(new, asks, bids, old["seqId"])]}


def difference(old: Levels, new: Levels) -> list[Sequence[str]]:
    """Return the levels that changed, in their new state; gone ones with size 0 at the end."""
    before = {level[0]: level for level in old}
    changed = [level for level in new if before.get(level[0]) != level]
    after = {level[0] for level in new}
    gone = [[price, "0", "0", "0"] for price in before if price not in after]
    return [*changed, *gone]


def _row(book: Mapping[str, Any], asks: Levels, bids: Levels, before: int) -> dict[str, Any]:
    return {
        "asks": asks,
        "bids": bids,
        "ts": book["ts"],
        "checksum": 0,
        "prevSeqId": before,
        "seqId": book["seqId"],
    }
