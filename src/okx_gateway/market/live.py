"""What is kept of a channel, whatever it tells?  Pure: the interface of all live state."""

from collections.abc import Hashable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from okx_gateway.market.dated import Dated
from okx_gateway.okx.channel import Push
from okx_gateway.okx.reply import Row

_V = TypeVar("_V")


class BrokenError(Exception):
    """What came does not follow on what came before: the channel has to begin anew."""


class News(NamedTuple, Generic[_V]):
    """A value, and the key that it shares with those it replaces, where the latest counts."""

    key: Hashable
    value: _V


class Live(Protocol[_V]):
    """What is kept of one channel."""

    @property
    def begins_empty(self) -> bool:
        """Whether there is nothing to know at first; otherwise OKX begins with what there is."""

    def take(self, rows: Sequence[Row], push: Push) -> Sequence[News[_V]]:
        """Take the rows of a push; what is new. Rows that cannot be read are passed over.

        Raises:
            BrokenError: They do not follow on what is kept.
        """

    def known(self) -> Dated[_V] | None:
        """What who joins is told first."""

    def lose(self) -> None:
        """Learn that updates are being missed."""
