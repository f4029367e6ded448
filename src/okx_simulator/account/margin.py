"""What can an account still spend, and what does an order need? Pure.

Source: OKX docs, 'Get balance'. In spot and futures mode every currency stands for itself; in
multi-currency and portfolio mode the margin of positions is backed by all of them together.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from okx_simulator.account.account import Account, position_key
from okx_simulator.account.position import Position
from okx_simulator.account.valuation import initial_margin, worth
from okx_simulator.market.instrument import Instrument
from okx_simulator.number import ZERO, trimmed
from okx_simulator.order.order import Order

Marks: TypeAlias = Callable[[Instrument], Decimal]
Usd: TypeAlias = Callable[[str], Decimal]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one currency of an account stands; all amounts in that currency."""

    cash: Decimal
    order_frozen: Decimal
    cross_upl: Decimal = ZERO
    option_value: Decimal = ZERO
    imr: Decimal = ZERO
    mmr: Decimal = ZERO
    isolated: Decimal = ZERO
    isolated_upl: Decimal = ZERO
    notional_by_type: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def notional(self) -> Decimal:
        """What all positions together are worth."""
        return sum(self.notional_by_type.values(), ZERO)

    @property
    def equity(self) -> Decimal:
        """Everything the currency is worth, isolated positions included."""
        return self.cash + self.cross_upl + self.option_value + self.isolated

    @property
    def available_equity(self) -> Decimal:
        """What new positions may still tie up."""
        return max(ZERO, self.cash + self.cross_upl - self.order_frozen - self.imr)

    @property
    def available_cash(self) -> Decimal:
        """What may be spent or transferred."""
        return max(ZERO, min(self.cash - self.order_frozen, self.available_equity))

    @property
    def frozen(self) -> Decimal:
        """What is in use, as 'Get balance' sums it up."""
        return self.order_frozen + self.imr + self.isolated


def standing(account: Account, ccy: str, marks: Marks) -> Standing:
    """Return where `ccy` of an account stands at the mark prices."""
    cross_upl = option_value = imr = mmr = isolated = isolated_upl = ZERO
    notional: defaultdict[str, Decimal] = defaultdict(Decimal)
    for position in account.positions.values():
        if position.ccy != ccy:
            continue
        mark = marks(position.instrument)
        is_option = position.instrument.inst_type == "OPTION"
        upl = ZERO if is_option else position.upl(mark)
        held = position.in_ccy(worth(position.instrument, abs(position.sz), mark), mark)
        notional[position.instrument.inst_type] += held
        option_value += position.option_value(mark)
        if position.is_cross or is_option:
            cross_upl += upl
            imr += position.initial(mark)
            mmr += position.maintenance(mark)
        else:
            isolated += position.margin + upl
            isolated_upl += upl
    return Standing(
        cash=account.cash[ccy],
        order_frozen=account.frozen[ccy] + account.held_margin[ccy],
        cross_upl=cross_upl,
        option_value=option_value,
        imr=imr,
        mmr=mmr,
        isolated=isolated,
        isolated_upl=isolated_upl,
        notional_by_type=notional,
    )


def currencies(account: Account) -> list[str]:
    """Return the currencies in which an account has anything, in a stable order."""
    named = [ccy for ccy, cash in account.cash.items() if cash]
    named += [position.ccy for position in account.positions.values()]
    return list(dict.fromkeys(named))


def spendable(account: Account, order: Order, ccy: str, marks: Marks, usd: Usd) -> Decimal:
    """Return how much of `ccy` a new order may tie up, beyond what it has frozen already."""
    mine = standing(account, ccy, marks)
    own = order.frozen if order.frozen_ccy == ccy else ZERO
    if order.instrument.inst_type == "SPOT":
        if account.shares_margin:
            return max(ZERO, mine.cash - account.frozen[ccy]) + own
        return mine.available_cash + own
    if not account.shares_margin:
        return mine.available_equity + own
    return trimmed(shared_available_usd(account, marks, usd) / usd(ccy)) + own


def shared_available_usd(account: Account, marks: Marks, usd: Usd) -> Decimal:
    """Return the USD that all currencies together leave for margin."""
    total = ZERO
    for ccy in {*currencies(account), *account.held_margin}:
        one = standing(account, ccy, marks)
        free = one.cash + one.cross_upl - one.order_frozen - one.imr
        total += free * usd(ccy)
    return max(ZERO, total)


def need(account: Account, order: Order, px: Decimal) -> tuple[str, Decimal]:
    """Return the currency and amount that what is left of `order` ties up at price `px`."""
    instrument, asked = order.instrument, order.asked
    if instrument.inst_type == "SPOT":
        if not asked.is_buy:
            left = trimmed(order.left / px) if asked.counts_quote else order.left
            return instrument.base_ccy, left
        return instrument.quote_ccy, order.left if asked.counts_quote else order.left * px
    ccy = asked.margin_ccy or instrument.money_ccy
    left = trimmed(order.left / px) if asked.counts_quote else order.left
    opening = max(ZERO, left - _closing(account, order))
    if asked.reduce_only or not opening:
        return ccy, ZERO
    money = initial_margin(instrument, opening, px, order.lever or Decimal(1), is_buy=asked.is_buy)
    in_base = instrument.inst_type == "MARGIN" and ccy == instrument.base_ccy
    return ccy, trimmed(money / px) if in_base else money


def is_below_maintenance(account: Account, position: Position, marks: Marks, usd: Usd) -> bool:
    """Tell whether what backs a position is less than its maintenance margin."""
    mark = marks(position.instrument)
    if not position.is_cross and position.instrument.inst_type != "OPTION":
        return position.margin + position.upl(mark) <= position.maintenance(mark)
    owned = currencies(account) if account.shares_margin else [position.ccy]
    stands = [(standing(account, ccy, marks), usd(ccy)) for ccy in owned]
    needed = sum((one.mmr * price for one, price in stands), ZERO)
    backing = sum(((one.equity - one.isolated) * price for one, price in stands), ZERO)
    return needed > 0 and backing <= needed


def _closing(account: Account, order: Order) -> Decimal:
    """Return how much of the order closes a position instead of opening one."""
    position = account.positions.get(position_key(order))
    side = order.asked.pos_side
    if side in ("long", "short"):
        return order.left if (side == "long") != order.asked.is_buy else ZERO
    return position.closable(is_buy=order.asked.is_buy) if position else ZERO
