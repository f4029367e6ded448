"""What does a fill do to the account that made it? Changes balances, positions and records.

Source: OKX docs, 'Get bills details', 'Get fee rates': fees of pairs are charged in what was
received, fees of contracts in what they settle in.
"""

from dataclasses import dataclass
from decimal import Decimal

from okx_simulator.account.account import Account, position_key
from okx_simulator.account.bill import TRADE, BalanceChange, bill_row, trade_sub_kind
from okx_simulator.account.position import Moved, Position, apply_fill
from okx_simulator.account.valuation import fee_rate, worth
from okx_simulator.ids import Ids
from okx_simulator.number import ZERO, trimmed
from okx_simulator.order.order import Fill, Order

# `type` of a position's history: how it came to its end.
CLOSED_ALL, LIQUIDATED = "2", "3"


@dataclass(frozen=True, slots=True)
class Execution:
    """One side of a trade: what was traded, at what price, and as taker or maker."""

    trade_id: str
    px: Decimal
    sz: Decimal
    at_ms: int
    is_taker: bool
    index_px: Decimal
    mark_px: Decimal


def settle(account: Account, order: Order, execution: Execution, ids: Ids) -> Fill:
    """Book an execution of `order`: money, position, fee, bills and the order's own sums."""
    if order.instrument.inst_type == "SPOT":
        fill = _settle_pair(account, order, execution, ids)
    else:
        fill = _settle_position(account, order, execution, ids)
    order.filled_sz += execution.sz
    order.filled_value += execution.sz * execution.px
    order.filled_money += worth(order.instrument, execution.sz, execution.px)
    order.fee += fill.fee
    order.pnl += fill.pnl
    order.updated_ms = execution.at_ms
    order.last_fill = fill
    account.fills.append((order, fill))
    account.traded.append((order.instrument.inst_id, fill.trade_id))
    return fill


def _settle_pair(account: Account, order: Order, execution: Execution, ids: Ids) -> Fill:
    instrument, is_buy = order.instrument, order.asked.is_buy
    money = execution.sz * execution.px
    rate = fee_rate(instrument, is_taker=execution.is_taker)
    received, spent = (execution.sz, money) if is_buy else (money, execution.sz)
    order.fee_ccy, order.rebate_ccy = _received(order)
    fill = _fill(execution, ids, trimmed(-received * rate), order.fee_ccy, rate=rate, pnl=ZERO)
    sub_kind = trade_sub_kind(order, opens=True)
    for ccy, change, fee, bill_id in (
        (order.rebate_ccy, -spent, ZERO, ids.next(execution.at_ms)),
        (order.fee_ccy, received + fill.fee, fill.fee, int(fill.bill_id)),
    ):
        balance = account.pay(ccy, change, execution.at_ms)
        bill = BalanceChange(
            bill_id=str(bill_id),
            ccy=ccy,
            change=change,
            balance=balance,
            at_ms=execution.at_ms,
            kind=TRADE,
            sub_kind=sub_kind,
            fee=fee,
            sz=execution.sz,
        )
        account.bills.append(bill_row(bill, order, fill))
    return fill


def _settle_position(account: Account, order: Order, execution: Execution, ids: Ids) -> Fill:
    position = _position(account, order, execution.at_ms, ids)
    change = execution.sz if order.asked.is_buy else -execution.sz
    money = worth(order.instrument, execution.sz, execution.px)
    rate = fee_rate(order.instrument, is_taker=execution.is_taker)
    fee = trimmed(-position.in_ccy(money, execution.px) * rate)
    moved = apply_fill(position, change, execution.px, execution.at_ms)
    order.fee_ccy = order.rebate_ccy = position.ccy
    position.fee += fee
    position.trade_id = execution.trade_id
    fill = _fill(execution, ids, fee, position.ccy, rate=rate, pnl=moved.pnl)
    cash = fee - moved.to_margin + _cash_of(order, money, moved)
    balance = account.pay(position.ccy, cash, execution.at_ms)
    bill = BalanceChange(
        bill_id=fill.bill_id,
        ccy=position.ccy,
        change=cash,
        balance=balance,
        at_ms=execution.at_ms,
        kind=TRADE,
        sub_kind=trade_sub_kind(order, opens=moved.closed == 0),
        fee=fee,
        pnl=moved.pnl,
        sz=execution.sz,
    )
    account.bills.append(
        bill_row(bill, order, fill, posBal=str(position.sz), posBalChg=str(change))
    )
    account.moved[position.key] = position
    if not position.sz:
        liquidated = order.category == "full_liquidation"
        close_position(account, position, LIQUIDATED if liquidated else CLOSED_ALL)
    return fill


def close_position(account: Account, position: Position, kind: str) -> None:
    """Move a position that is flat to the closed ones; `kind` is the `type` of its history."""
    account.positions.pop(position.key, None)
    account.closed_positions.append((position, kind))


def _position(account: Account, order: Order, at_ms: int, ids: Ids) -> Position:
    """Return the position that `order` belongs to, a new and empty one if need be."""
    key = position_key(order)
    if key not in account.positions:
        account.positions[key] = Position(
            pos_id=ids.next(at_ms),
            instrument=order.instrument,
            mgn_mode=key.mgn_mode,
            pos_side=key.pos_side,
            ccy=key.ccy,
            lever=order.lever,
            created_ms=at_ms,
            updated_ms=at_ms,
        )
    return account.positions[key]


def _cash_of(order: Order, money: Decimal, moved: Moved) -> Decimal:
    """Return what a trade pays besides fee and margin: an option's premium, else the profit."""
    if order.instrument.inst_type == "OPTION":
        return -money if order.asked.is_buy else money
    return moved.pnl


def _received(order: Order) -> tuple[str, str]:
    """Return the currency an order receives, in which it is charged, and the one it spends."""
    base, quote = order.instrument.base_ccy, order.instrument.quote_ccy
    return (base, quote) if order.asked.is_buy else (quote, base)


def _fill(
    execution: Execution, ids: Ids, fee: Decimal, fee_ccy: str, *, rate: Decimal, pnl: Decimal
) -> Fill:
    return Fill(
        trade_id=execution.trade_id,
        bill_id=str(ids.next(execution.at_ms)),
        px=execution.px,
        sz=execution.sz,
        at_ms=execution.at_ms,
        is_taker=execution.is_taker,
        fee=fee,
        fee_ccy=fee_ccy,
        fee_rate=-rate,
        pnl=pnl,
        index_px=execution.index_px,
        mark_px=execution.mark_px,
    )
