"""What was told of an account's orders lately, and where does a reader go on?  Pure.

A token names a change of one log. A log belongs to one replica and to one stretch of time in which
nothing was missed, so a token of another is told apart, and is never taken for one of this.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from okx_gateway.domain.order_event import NumberedChange, OrderChange

_NUMBER_DIGITS_MAX = 15


@dataclass(frozen=True, slots=True)
class Position:
    """Behind the change `number` of the log `name`."""

    name: str
    number: int

    def __str__(self) -> str:
        return f"{self.name}-{self.number}"


def position_from_token(token: str) -> Position | None:
    """Where the token points; None where it is none of any replica."""
    name, _, number = token.rpartition("-")
    if not name or not (number.isascii() and number.isdigit()):
        return None
    return Position(name, int(number)) if len(number) <= _NUMBER_DIGITS_MAX else None


class OrderLog:
    """The last `kept_max` changes, numbered from 1; `name` is like that of no other log."""

    def __init__(self, name: str, *, kept_max: int) -> None:
        self._name = name
        self._kept_max = kept_max
        # Trimmed to `kept_max` once it is twice as long, so that positions are found at once.
        self._changes: list[NumberedChange] = []
        self._trimmed = 0

    @property
    def end(self) -> Position:
        """Behind everything."""
        return Position(self._name, self._trimmed + len(self._changes))

    def add(self, changes: Iterable[OrderChange]) -> None:
        """Put changes at the end."""
        for change in changes:
            number = self._trimmed + len(self._changes) + 1
            self._changes.append(NumberedChange(change, str(Position(self._name, number))))
        surplus = len(self._changes) - self._kept_max
        if surplus > self._kept_max:
            del self._changes[:surplus]
            self._trimmed += surplus

    def has(self, position: Position) -> bool:
        """Whether everything behind the position is there still."""
        if position.name != self._name:
            return False
        return max(self._trimmed, self.end.number - self._kept_max) <= position.number and (
            position.number <= self.end.number
        )

    def behind(self, position: Position) -> int:
        """How many changes there are behind a position of this log."""
        return self.end.number - position.number

    def after(self, position: Position, *, count_max: int) -> Sequence[NumberedChange]:
        """The next changes behind a position that the log has."""
        first = position.number - self._trimmed
        return self._changes[first : first + count_max]
