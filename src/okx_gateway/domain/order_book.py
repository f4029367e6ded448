"""What is offered at which price?  Pure.

Amounts are text as OKX wrote them.
"""

from dataclasses import dataclass
from typing import NamedTuple


class PriceLevel(NamedTuple):
    """What is offered at one price, by how many orders; in a change "0" says that it is gone."""

    price: str
    quantity: str
    orders: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OrderBook:
    """A book as it stood at `sequence`, the best levels first.

    `exchange_ms` is of OKX's clock, `receive_ms` of ours.
    """

    instrument: str
    asks: tuple[PriceLevel, ...]
    bids: tuple[PriceLevel, ...]
    sequence: int
    exchange_ms: int
    receive_ms: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BookUpdate:
    """Levels of a book that are another than they were at `previous_sequence`.

    It leads to the book at `sequence`, which is smaller where OKX counts anew.
    """

    instrument: str
    asks: tuple[PriceLevel, ...]
    bids: tuple[PriceLevel, ...]
    sequence: int
    previous_sequence: int
    exchange_ms: int
    receive_ms: int
