"""What is held in a derivative or on margin, and what does a fill change? Pure.

Source: OKX docs, 'Get positions' and 'Get positions history'.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from okx_simulator.account.valuation import (
    average,
    initial_margin,
    maintenance_rate,
    option_margin,
    profit,
    worth,
)
from okx_simulator.market.instrument import Instrument
from okx_simulator.number import ZERO, trimmed

LONG, SHORT, NET = "long", "short", "net"


class PositionKey(NamedTuple):
    """What tells positions of one account apart."""

    inst_id: str
    inst_type: str
    mgn_mode: str
    pos_side: str
    ccy: str


@dataclass(slots=True, eq=False)
class Position:
    """A position. `sz` is negative for a short one; money is in `ccy`, the margin currency.

    `margin` is what an isolated position has of its own. The sums are over the position's life.
    """

    pos_id: int
    instrument: Instrument
    mgn_mode: str
    pos_side: str
    ccy: str
    lever: Decimal
    created_ms: int
    updated_ms: int
    sz: Decimal = ZERO
    avg_px: Decimal = ZERO
    margin: Decimal = ZERO
    trade_id: str = ""
    pnl: Decimal = ZERO
    fee: Decimal = ZERO
    funding_fee: Decimal = ZERO
    max_sz: Decimal = ZERO
    closed_sz: Decimal = ZERO
    closed_px: Decimal = ZERO
    was_long: bool = True

    @property
    def key(self) -> PositionKey:
        """What tells this position apart."""
        inst = self.instrument
        return PositionKey(inst.inst_id, inst.inst_type, self.mgn_mode, self.pos_side, self.ccy)

    @property
    def is_cross(self) -> bool:
        """Whether the whole account backs the position."""
        return self.mgn_mode == "cross"

    def in_ccy(self, money: Decimal, px: Decimal) -> Decimal:
        """Return money of the instrument in the margin currency, which may be a pair's base."""
        inst = self.instrument
        if inst.inst_type == "MARGIN" and self.ccy == inst.base_ccy:
            return trimmed(money / px)
        return money

    def upl(self, px: Decimal) -> Decimal:
        """Return the profit not taken yet, if the position were closed at `px`."""
        if not self.sz:
            return ZERO
        return self.in_ccy(profit(self.instrument, self.sz, self.avg_px, px), px)

    def initial(self, mark: Decimal) -> Decimal:
        """Return the initial margin at the mark price; bought options need none."""
        inst = self.instrument
        if inst.inst_type == "OPTION":
            return ZERO if self.sz > 0 else option_margin(inst, self.sz)
        return self.in_ccy(
            initial_margin(inst, self.sz, mark, self.lever, is_buy=self.sz > 0), mark
        )

    def maintenance(self, mark: Decimal) -> Decimal:
        """Return the maintenance margin at the mark price; bought options need none."""
        inst = self.instrument
        if inst.inst_type == "OPTION":
            return ZERO if self.sz > 0 else option_margin(inst, self.sz) / 2
        return self.in_ccy(worth(inst, abs(self.sz), mark) * maintenance_rate(inst), mark)

    def option_value(self, mark: Decimal) -> Decimal:
        """Return what the options held are worth; 0 for everything else."""
        if self.instrument.inst_type != "OPTION":
            return ZERO
        return worth(self.instrument, self.sz, mark)

    def closable(self, *, is_buy: bool) -> Decimal:
        """Return how much of an order of this side would close the position."""
        if (self.sz > 0) == is_buy:
            return ZERO
        return abs(self.sz)


@dataclass(frozen=True, slots=True)
class Moved:
    """What a fill did to a position: sizes opened and closed, and money in the margin currency.

    `to_margin` is taken from the cash balance (negative: given back).
    """

    opened: Decimal
    closed: Decimal
    pnl: Decimal
    to_margin: Decimal


def apply_fill(position: Position, change: Decimal, px: Decimal, at_ms: int) -> Moved:
    """Change a position by `change` (negative: sold) at `px`, and return what that did."""
    position.updated_ms = at_ms
    closes = position.sz and (position.sz > 0) != (change > 0)
    closed = min(abs(change), abs(position.sz)) if closes else ZERO
    opened = abs(change) - closed
    sign = 1 if change > 0 else -1
    pnl = released = added = ZERO
    if closed:
        pnl, released = _close(position, closed, px)
    if opened:
        added = _open(position, sign * opened, px)
    return Moved(opened=opened, closed=closed, pnl=pnl, to_margin=added - released)


def _close(position: Position, closed: Decimal, px: Decimal) -> tuple[Decimal, Decimal]:
    """Take `closed` off the position; return the profit and the margin set free."""
    sign = 1 if position.sz > 0 else -1
    money = profit(position.instrument, sign * closed, position.avg_px, px)
    pnl = position.in_ccy(money, px)
    is_all = closed == abs(position.sz)
    released = position.margin
    if not is_all:
        released = trimmed(position.margin * closed / abs(position.sz))
    position.closed_px = average(
        position.instrument, position.closed_sz, position.closed_px, closed, px
    )
    position.closed_sz += closed
    position.sz -= sign * closed
    position.margin -= released
    position.pnl += pnl
    return pnl, released


def _open(position: Position, opened: Decimal, px: Decimal) -> Decimal:
    """Add `opened` to the position; return the margin that an isolated one needs for it.

    Options have no margin of their own: the whole account backs them.
    """
    inst = position.instrument
    position.avg_px = average(inst, abs(position.sz), position.avg_px, abs(opened), px)
    position.sz += opened
    position.was_long = position.sz > 0
    position.max_sz = max(position.max_sz, abs(position.sz))
    if position.is_cross or inst.inst_type == "OPTION":
        return ZERO
    money = initial_margin(inst, opened, px, position.lever, is_buy=opened > 0)
    added = position.in_ccy(money, px)
    position.margin += added
    return added
