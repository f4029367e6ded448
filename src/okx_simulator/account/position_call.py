"""How are positions closed and their margin changed at the owner's word? Changes accounts.

Source: OKX docs, 'Close positions', 'Increase/decrease margin'.
"""

from decimal import Decimal

from okx_simulator.account.account import Account
from okx_simulator.account.bill import (
    MARGIN_ADDED,
    MARGIN_REDUCED,
    MARGIN_TRANSFER,
    BalanceChange,
    bill_row,
)
from okx_simulator.account.position import NET, Position
from okx_simulator.answer import Row
from okx_simulator.error_code import RefusedError
from okx_simulator.market.listing import Listing
from okx_simulator.number import ZERO, text
from okx_simulator.order.desk import OrderDesk
from okx_simulator.order.order import BY_POSITION_CLOSED, NewOrder
from okx_simulator.order.rule import CLIENT_ID, TAG, find_instrument, read_word
from okx_simulator.rest.param import Params, amount, choice, flag, text_of


def close_position(desk: OrderDesk, account: Account, params: Params, now_us: int) -> Row:
    """Close a whole position at market.

    Raises:
        RefusedError: 51023, there is no such position; 51115, orders that close it are pending
            and `autoCxl` does not allow to cancel them.
    """
    position = find_position(account, params, desk.market.listing)
    is_buy = position.sz < 0
    client_id, tag = read_word(params, "clOrdId", CLIENT_ID), read_word(params, "tag", TAG)
    closing = account.closing_orders(position.key, is_buy=is_buy)
    if closing and not flag(params, "autoCxl"):
        raise RefusedError("51115")
    for order in closing:
        desk.cancel(order, BY_POSITION_CLOSED, now_us)
    asked = NewOrder(
        instrument=position.instrument,
        td_mode=position.mgn_mode,
        side="buy" if is_buy else "sell",
        ord_type="market",
        sz=abs(position.sz),
        pos_side=position.pos_side,
        margin_ccy=position.ccy,
        cl_ord_id=client_id,
        tag=tag,
        reduce_only=position.pos_side == NET,
        stp_mode=account.settings.stp_mode,
    )
    desk.place(account, asked, now_us)
    return {
        "clOrdId": client_id,
        "instId": position.instrument.inst_id,
        "posSide": position.pos_side,
        "tag": tag,
    }


def change_margin(desk: OrderDesk, account: Account, params: Params, now_ms: int) -> Row:
    """Add to or take from the margin of an isolated position.

    Raises:
        RefusedError: 59300, there is no such position; 59301, it is more than the balance holds,
            or than the position can spare.
    """
    kind, money = choice(params, "type", ("add", "reduce")), amount(params, "amt")
    if money is None:
        raise RefusedError("50014", "amt")
    try:
        position = find_position(account, {**params, "mgnMode": "isolated"}, desk.market.listing)
    except RefusedError as error:
        raise RefusedError("59300") from error
    change = money if kind == "add" else -money
    mark = desk.market.quote(position.instrument).mark
    spare = position.margin - position.initial(mark)
    free = account.cash[position.ccy] - account.frozen[position.ccy]
    if change > free or -change > spare:
        raise RefusedError("59301")
    _record(desk, account, position, change, now_ms)
    position.margin += change
    position.updated_ms = now_ms
    account.moved[position.key] = position
    return {
        "amt": text(money),
        "ccy": position.ccy,
        "instId": position.instrument.inst_id,
        "leverage": text(_leverage(position, mark)),
        "posSide": position.pos_side,
        "type": kind,
    }


def find_position(account: Account, params: Params, listing: Listing) -> Position:
    """Return the position that instrument, margin mode and side name.

    Raises:
        RefusedError: 51023, there is none.
    """
    instrument = find_instrument(params, listing, by_code=False)
    mgn_mode = choice(params, "mgnMode", ("cross", "isolated"))
    pos_side, ccy = text_of(params, "posSide") or NET, text_of(params, "ccy")
    for position in account.positions.values():
        if (
            position.instrument.inst_id == instrument.inst_id
            and position.mgn_mode == mgn_mode
            and position.pos_side == pos_side
            and ccy in ("", position.ccy)
        ):
            return position
    raise RefusedError("51023")


def _record(
    desk: OrderDesk, account: Account, position: Position, change: Decimal, now_ms: int
) -> None:
    """Take from the balance what is added to a position's margin, and record it."""
    bill = BalanceChange(
        bill_id=str(desk.ids.next(now_ms)),
        ccy=position.ccy,
        change=-change,
        balance=account.pay(position.ccy, -change, now_ms),
        at_ms=now_ms,
        kind=MARGIN_TRANSFER,
        sub_kind=MARGIN_ADDED if change > 0 else MARGIN_REDUCED,
        sz=abs(change),
    )
    row = bill_row(
        bill,
        instId=position.instrument.inst_id,
        instType=position.instrument.inst_type,
        mgnMode=position.mgn_mode,
    )
    account.bills.append(row)


def _leverage(position: Position, mark: Decimal) -> Decimal:
    """Return how many times its margin a position is worth."""
    worth = position.initial(mark) * position.lever
    return round(worth / position.margin, 2) if position.margin else ZERO
