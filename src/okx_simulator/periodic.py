"""What happens by the clock alone: timers, funding, expiry, liquidation? Changes accounts.

Source: OKX docs, 'Cancel All After', 'Get funding rate', 'Get instruments' (`expTime`).
"""

from contextlib import suppress
from decimal import Decimal

from okx_simulator.account.account import Account
from okx_simulator.account.bill import (
    DELIVERED,
    DELIVERY,
    FUNDING,
    FUNDING_EXPENSE,
    FUNDING_INCOME,
    BalanceChange,
    bill_row,
)
from okx_simulator.account.margin import is_below_maintenance
from okx_simulator.account.position import NET, Position, apply_fill
from okx_simulator.account.settlement import CLOSED_ALL, close_position
from okx_simulator.account.valuation import worth
from okx_simulator.algo.desk import AlgoDesk
from okx_simulator.error_code import RefusedError
from okx_simulator.event import InstrumentsUpdated
from okx_simulator.market.funding import next_funding_ms, rate_at
from okx_simulator.market.instrument import Instrument
from okx_simulator.number import ZERO, text
from okx_simulator.order.cancel_timer import CancelTimers
from okx_simulator.order.desk import OrderDesk, Origin
from okx_simulator.order.order import (
    BY_DELIVERY,
    BY_LIQUIDATION,
    BY_OPTION_EXPIRY,
    BY_TIMER,
    NewOrder,
)

_LIQUIDATION = Origin(category="full_liquidation")


class Periodic:
    """Does what is due; called at every step of the market."""

    def __init__(self, desk: OrderDesk, algo_desk: AlgoDesk, timers: CancelTimers) -> None:
        self._desk = desk
        self._algo_desk = algo_desk
        self._timers = timers
        self._funding_ms = next_funding_ms(desk.market.now_ms)
        self._expiry_ms = desk.market.listing.next_expiry_ms()

    def run(self, now_us: int) -> None:
        """Do everything that is due at `now_us`."""
        now_ms = now_us // 1_000
        for uid, tag in self._timers.take_due(now_ms):
            self._cancel_all(self._desk.accounts[uid], tag, now_us)
        # A clock set forward by days catches up in one step: the funding in between is not paid.
        if now_ms >= self._funding_ms:
            self._pay_funding(self._funding_ms, now_ms)
            self._funding_ms = next_funding_ms(now_ms)
        if now_ms >= self._expiry_ms:
            self._expire(now_us)
            self._expiry_ms = self._desk.market.listing.next_expiry_ms()
        for account in self._desk.accounts.values():
            if account.positions:
                self._liquidate(account, now_us)

    def _cancel_all(self, account: Account, tag: str, now_us: int) -> None:
        for order in tuple(account.orders.pending.values()):
            if tag in ("", order.asked.tag):
                self._desk.cancel(order, BY_TIMER, now_us)

    def _pay_funding(self, funding_ms: int, now_ms: int) -> None:
        market = self._desk.market
        for account in self._desk.accounts.values():
            for position in account.positions.values():
                if position.instrument.inst_type != "SWAP":
                    continue
                rate = rate_at(market, position.instrument, funding_ms)
                money = -worth(position.instrument, position.sz, market.mark(position.instrument))
                self._book(account, position, money * rate, FUNDING, now_ms)
                position.funding_fee += money * rate
                account.moved[position.key] = position

    def _book(
        self, account: Account, position: Position, change: Decimal, kind: str, now_ms: int
    ) -> None:
        """Pay `change` for a position, and record it."""
        sub_kind = DELIVERED
        if kind == FUNDING:
            sub_kind = FUNDING_EXPENSE if change < 0 else FUNDING_INCOME
        bill = BalanceChange(
            bill_id=str(self._desk.ids.next(now_ms)),
            ccy=position.ccy,
            change=change,
            balance=account.pay(position.ccy, change, now_ms),
            at_ms=now_ms,
            kind=kind,
            sub_kind=sub_kind,
            pnl=change,
            sz=abs(position.sz),
        )
        row = bill_row(
            bill,
            instId=position.instrument.inst_id,
            instType=position.instrument.inst_type,
            mgnMode=position.mgn_mode,
            posBal=text(position.sz),
        )
        account.bills.append(row)

    def _expire(self, now_us: int) -> None:
        """Delist what has expired: cancel its orders, and settle its positions."""
        expired = self._desk.market.listing.roll(now_us // 1_000)
        for instrument in expired:
            for account in self._desk.accounts.values():
                self._settle(account, instrument, now_us)
        for inst_type in sorted({instrument.inst_type for instrument in expired}):
            self._desk.announcer.emit(InstrumentsUpdated(inst_type))

    def _settle(self, account: Account, instrument: Instrument, now_us: int) -> None:
        source = BY_OPTION_EXPIRY if instrument.inst_type == "OPTION" else BY_DELIVERY
        for order in tuple(account.orders.pending.values()):
            if order.instrument.inst_id == instrument.inst_id:
                self._desk.cancel(order, source, now_us)
        for algo in tuple(account.algos.live.values()):
            if algo.order.instrument.inst_id == instrument.inst_id:
                self._algo_desk.cancel(algo, now_us)
        now_ms, px = now_us // 1_000, self._desk.market.mark(instrument)
        for position in tuple(account.positions.values()):
            if position.instrument.inst_id != instrument.inst_id:
                continue
            premium = position.option_value(px)
            moved = apply_fill(position, -position.sz, px, now_ms)
            gained = premium if instrument.inst_type == "OPTION" else moved.pnl
            self._book(account, position, gained - moved.to_margin, DELIVERY, now_ms)
            account.moved[position.key] = position
            close_position(account, position, CLOSED_ALL)

    def _liquidate(self, account: Account, now_us: int) -> None:
        """Close the positions that nothing backs any more."""
        market = self._desk.market
        for position in tuple(account.positions.values()):
            if not position.sz or not is_below_maintenance(
                account, position, market.mark, market.usd
            ):
                continue
            for order in tuple(account.orders.pending.values()):
                if order.instrument.inst_id == position.instrument.inst_id:
                    self._desk.cancel(order, BY_LIQUIDATION, now_us)
            # What is refused now, such as one order too many, is tried again at the next step.
            with suppress(RefusedError):
                self._desk.place(account, _closing(position), now_us, _LIQUIDATION)


def _closing(position: Position) -> NewOrder:
    return NewOrder(
        instrument=position.instrument,
        td_mode=position.mgn_mode,
        side="buy" if position.sz < ZERO else "sell",
        ord_type="market",
        sz=min(abs(position.sz), position.instrument.max_mkt_sz),
        pos_side=position.pos_side,
        margin_ccy=position.ccy,
        reduce_only=position.pos_side == NET,
        stp_mode="cancel_maker",
    )
