"""What follows from an operation once it is done? Changes accounts, tells the listeners.

What was attached to filled orders comes to life, orders that may only close are cut to their
position, and listeners learn, once for the whole operation, which balances and positions changed.
"""

from collections.abc import Iterable

from okx_simulator.account.account import Account
from okx_simulator.account.margin import standing
from okx_simulator.account.position import Position, PositionKey
from okx_simulator.account.position_row import Prices, balance_and_position_row, position_row
from okx_simulator.algo.desk import AlgoDesk
from okx_simulator.answer import Row
from okx_simulator.event import AccountUpdated, BalanceAndPosition, PositionUpdated
from okx_simulator.number import ZERO, text
from okx_simulator.order.desk import OrderDesk
from okx_simulator.order.order import BY_REDUCE_ONLY, Change


class Aftermath:
    """Concludes operations of the order desk."""

    def __init__(self, desk: OrderDesk, algo_desk: AlgoDesk) -> None:
        self._desk = desk
        self._algo_desk = algo_desk

    def conclude(self, now_us: int) -> None:
        """Do what follows from everything since the last time."""
        filled, self._desk.filled = self._desk.filled, []
        for order in filled:
            self._algo_desk.arm(order, now_us)
        for account in self._desk.accounts.values():
            for key in tuple(account.moved):
                self._cut_to_position(account, key, now_us)
            if account.touched or account.moved or account.traded:
                self._tell(account, now_us // 1_000)

    def _cut_to_position(self, account: Account, key: PositionKey, now_us: int) -> None:
        position = account.positions.get(key)
        if position is None:
            self._algo_desk.position_closed(account, key.inst_id, key.pos_side, now_us)
        for is_buy in (True, False):
            if key.pos_side in ("long", "short") and (key.pos_side == "long") == is_buy:
                continue
            most = position.closable(is_buy=is_buy) if position else ZERO
            for order in account.closing_orders(key, is_buy=is_buy):
                if most <= 0:
                    self._desk.cancel(order, BY_REDUCE_ONLY, now_us)
                    continue
                if order.left > most:
                    smaller = order.filled_sz + most
                    self._desk.reprice(order, smaller, order.px, Change(amend_source="2"), now_us)
                most -= order.left

    def _tell(self, account: Account, now_ms: int) -> None:
        currencies, account.touched = tuple(sorted(account.touched)), set()
        moved, account.moved = tuple(account.moved.values()), {}
        traded, account.traded = account.traded, []
        transferred, account.transferred = account.transferred, False
        if not self._desk.announcer.is_heard:
            return
        emit = self._desk.announcer.emit
        if currencies:
            emit(AccountUpdated(account.uid, currencies))
        for position in moved:
            prices = prices_of(self._desk, account, position)
            emit(PositionUpdated(account.uid, position_row(position, prices, now_ms)))
        if traded or transferred:
            row = balance_and_position(account, currencies, moved, traded, now_ms=now_ms)
            row["eventType"] = "filled" if traded else "transferred"
            emit(BalanceAndPosition(account.uid, row))


def prices_of(desk: OrderDesk, account: Account, position: Position) -> Prices:
    """Return what a position is valued at now."""
    market = desk.market
    stand = standing(account, position.ccy, market.mark)
    margin = position.maintenance(market.mark(position.instrument))
    backing = stand.equity - stand.isolated if position.is_cross else position.margin
    need = stand.mmr if position.is_cross else margin
    return Prices(
        quote=market.quote(position.instrument),
        last=desk.tape.latest(position.instrument).px,
        usd=market.usd(position.ccy),
        margin_ratio=round(backing / need, 6) if need else ZERO,
    )


def balance_and_position(
    account: Account,
    currencies: Iterable[str],
    positions: Iterable[Position],
    traded: Iterable[tuple[str, str]],
    *,
    now_ms: int,
) -> Row:
    """Return the data of the balance_and_position channel after fills."""
    return {
        "balData": [
            {
                "cashBal": text(account.cash[ccy]),
                "ccy": ccy,
                "uTime": str(account.changed_ms[ccy]),
            }
            for ccy in currencies
        ],
        "eventType": "filled",
        "pTime": str(now_ms),
        "posData": [balance_and_position_row(position) for position in positions],
        "trades": [{"instId": inst_id, "tradeId": trade_id} for inst_id, trade_id in traded],
    }
