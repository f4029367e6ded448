"""What do the readers of a stream have not seen yet, without a queue for each?  Pure.

Readers of the same share one log and differ only in their position: what a slow one costs does not
grow with what it has not read, and what several have to be told next is one object for all of them.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, Protocol, TypeVar

_E = TypeVar("_E")


class Batch(Generic[_E]):
    """Events in their order; the same object for all who have to be told the same."""

    __slots__ = ("events",)

    def __init__(self, events: Sequence[_E]) -> None:
        self.events = tuple(events)


class StreamLog(Protocol[_E]):
    """What happened lately; a position lies behind an event, 0 before the first one."""

    @property
    def start(self) -> int:
        """The first position behind which nothing is gone."""

    @property
    def end(self) -> int:
        """The position behind everything."""

    def put(self, event: _E, keys: Iterable[Hashable], *, weight: int = 0) -> None:
        """Put an event at the end; `weight` is how many values it holds."""

    def after(self, position: int) -> Batch[_E] | None:
        """What is behind a position; None where some of it is gone."""

    def weight_until(self, position: int) -> int:
        """How many values there were until a position that is not before `start`."""


class LatestLog(Generic[_E]):
    """For values of which the latest counts: newer events replace those of the same keys.

    `keys_max` bounds it: beyond, the oldest is gone.
    """

    def __init__(self, keys_max: int) -> None:
        self._keys_max = keys_max
        # In the order of their positions, as what is put anew goes to the end.
        self._latest: dict[Hashable, tuple[int, _E]] = {}
        self._next: dict[int, Batch[_E]] = {}
        self.end = 0
        self.start = 0

    def put(self, event: _E, keys: Iterable[Hashable], *, weight: int = 0) -> None:
        """Put an event at the end; it replaces those of the same keys."""
        del weight
        self.end += 1
        for key in keys:
            self._latest.pop(key, None)
            self._latest[key] = (self.end, event)
        while len(self._latest) > self._keys_max:
            self.start, _ = self._latest.pop(next(iter(self._latest)))
        self._next.clear()

    def after(self, position: int) -> Batch[_E] | None:
        """The latest of what is behind a position; None where a key was dropped."""
        if position < self.start:
            return None
        batch = self._next.get(position)
        if batch is None:
            found: dict[int, _E] = {}
            for number, event in reversed(self._latest.values()):
                if number <= position:
                    break
                found[number] = event
            batch = Batch(tuple(reversed(found.values())))
            self._next[position] = batch
        return batch

    def weight_until(self, position: int) -> int:
        """Nothing: values that are replaced are not counted."""
        del position
        return 0


class RingLog(Generic[_E]):
    """For values that all count: the last `kept_max` events."""

    def __init__(self, kept_max: int) -> None:
        self._kept_max = kept_max
        # Each with the weight of all until it. Cut to `kept_max` once it is twice as long.
        self._events: list[tuple[_E, int]] = []
        self._cut = 0
        self._cut_weight = 0
        self._next: dict[int, Batch[_E]] = {}

    @property
    def end(self) -> int:
        """The position behind everything."""
        return self._cut + len(self._events)

    @property
    def start(self) -> int:
        """The first position behind which nothing is gone."""
        return max(self._cut, self.end - self._kept_max)

    def put(self, event: _E, keys: Iterable[Hashable], *, weight: int = 0) -> None:
        """Put an event at the end."""
        del keys
        self._events.append((event, self.weight_until(self.end) + weight))
        if len(self._events) >= 2 * self._kept_max:
            surplus = len(self._events) - self._kept_max
            self._cut_weight = self._events[surplus - 1][1]
            del self._events[:surplus]
            self._cut += surplus
        self._next.clear()

    def after(self, position: int) -> Batch[_E] | None:
        """Everything behind a position; None where some of it is gone."""
        if position < self.start:
            return None
        batch = self._next.get(position)
        if batch is None:
            batch = Batch([event for event, _ in self._events[position - self._cut :]])
            self._next[position] = batch
        return batch

    def weight_until(self, position: int) -> int:
        """How many values there were until a position that is not before `start`."""
        at = position - self._cut
        return self._events[at - 1][1] if at else self._cut_weight
