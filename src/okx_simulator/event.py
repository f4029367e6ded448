"""What happens on the exchange that a subscriber may want to know? Pure.

Rows are in OKX's shape of a push; they are snapshots and are not changed afterwards.
"""

from dataclasses import dataclass
from typing import TypeAlias

from okx_simulator.answer import Row


@dataclass(frozen=True, slots=True)
class OrderUpdated:
    """An order of `uid` changed; `row` has the shape of the orders channel."""

    uid: str
    row: Row


@dataclass(frozen=True, slots=True)
class AlgoUpdated:
    """An algo order of `uid` changed; `row` has the shape of the orders-algo channel."""

    uid: str
    row: Row


@dataclass(frozen=True, slots=True)
class AccountUpdated:
    """Balances of `uid` changed in these currencies."""

    uid: str
    currencies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PositionUpdated:
    """A position of `uid` changed or closed; `row` has the shape of the positions channel."""

    uid: str
    row: Row


@dataclass(frozen=True, slots=True)
class BalanceAndPosition:
    """Money or positions of `uid` moved; `row` is the data of the balance_and_position channel."""

    uid: str
    row: Row


@dataclass(frozen=True, slots=True)
class TickerUpdated:
    """The ticker of `inst_id` moved."""

    inst_id: str


@dataclass(frozen=True, slots=True)
class BookUpdated:
    """The order book of `inst_id` moved."""

    inst_id: str


@dataclass(frozen=True, slots=True)
class TradeHappened:
    """A trade was made; `row` has the shape of the trades channel."""

    inst_id: str
    row: Row


@dataclass(frozen=True, slots=True)
class CandleUpdated:
    """The current candlesticks of `inst_id` moved."""

    inst_id: str


@dataclass(frozen=True, slots=True)
class InstrumentsUpdated:
    """Instruments of `inst_type` were listed, delisted or changed."""

    inst_type: str


Event: TypeAlias = (
    OrderUpdated
    | AlgoUpdated
    | AccountUpdated
    | PositionUpdated
    | BalanceAndPosition
    | TickerUpdated
    | BookUpdated
    | TradeHappened
    | CandleUpdated
    | InstrumentsUpdated
)
