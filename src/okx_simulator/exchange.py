"""What is the whole exchange, and how does it move through time? Changes accounts and books."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

from okx_simulator.account.account import Account
from okx_simulator.account.accounts_file import AccountSettings
from okx_simulator.account.balance_row import balance_row
from okx_simulator.account.position_call import change_margin, close_position
from okx_simulator.account.treasury import Treasury
from okx_simulator.algo.call import AlgoCalls
from okx_simulator.algo.desk import AlgoDesk
from okx_simulator.announcer import Announcer
from okx_simulator.answer import Ack, Row
from okx_simulator.clock import Clock
from okx_simulator.event import (
    BookUpdated,
    CandleUpdated,
    Event,
    TickerUpdated,
    TradeHappened,
)
from okx_simulator.ids import Ids
from okx_simulator.market.instrument import Instrument
from okx_simulator.market.market import Market
from okx_simulator.order.aftermath import Aftermath
from okx_simulator.order.call import OrderCalls
from okx_simulator.order.cancel_timer import CancelTimers
from okx_simulator.order.desk import OrderDesk
from okx_simulator.order.order import BY_USER
from okx_simulator.periodic import Periodic
from okx_simulator.rest.param import Params

T = TypeVar("T")
_TRADE_STEPS_MAX = 50


class Exchange:
    """Everything behind the API: instruments, prices, books, accounts and orders.

    Every public method first brings the exchange up to the clock's time.
    """

    def __init__(self, seed: int, clock: Clock, accounts: Sequence[AccountSettings]) -> None:
        self.clock = clock
        now_ms = clock.now_ms()
        self.market = Market(seed, now_ms)
        self.accounts = {one.uid: Account(one, now_ms) for one in accounts}
        self.announcer = Announcer()
        self.ids = Ids()
        self.desk = OrderDesk(self.market, self.accounts, self.ids, self.announcer)
        self.timers = CancelTimers()
        self.treasury = Treasury(self.accounts, self.ids, self.market.mark)
        self._algo_desk = AlgoDesk(self.desk)
        self._calls = OrderCalls(self.desk, clock)
        self._algo_calls = AlgoCalls(self.desk, self._algo_desk)
        self._aftermath = Aftermath(self.desk, self._algo_desk)
        self._periodic = Periodic(self.desk, self._algo_desk, self.timers)
        # Rows of 'Status': announced maintenance, none unless a test announces some.
        self.maintenance: list[Row] = []

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call `listener` with every event from now on; it must not call the exchange back."""
        self.announcer.listen(listener)

    def account(self, uid: str) -> Account:
        """Return an account, up to date."""
        self.advance()
        return self.accounts[uid]

    def place(
        self,
        uid: str,
        orders: Sequence[Params],
        *,
        by_code: bool = False,
        exp_ms: int | None = None,
        refusals: Sequence[str | None] = (),
    ) -> Ack:
        """Place orders, as 'Place order' and 'Place multiple orders' do, over REST and sockets."""
        account = self.account(uid)
        return self._concluded(
            self._calls.place(account, orders, by_code=by_code, exp_ms=exp_ms, refusals=refusals)
        )

    def cancel(
        self,
        uid: str,
        orders: Sequence[Params],
        *,
        by_code: bool = False,
        refusals: Sequence[str | None] = (),
    ) -> Ack:
        """Cancel orders, as 'Cancel order' and 'Cancel multiple orders' do."""
        account = self.account(uid)
        return self._concluded(
            self._calls.cancel(account, orders, by_code=by_code, refusals=refusals)
        )

    def amend(
        self,
        uid: str,
        orders: Sequence[Params],
        *,
        by_code: bool = False,
        exp_ms: int | None = None,
        refusals: Sequence[str | None] = (),
    ) -> Ack:
        """Amend orders, as 'Amend order' and 'Amend multiple orders' do."""
        account = self.account(uid)
        return self._concluded(
            self._calls.amend(account, orders, by_code=by_code, exp_ms=exp_ms, refusals=refusals)
        )

    def place_algo(self, uid: str, params: Params) -> Ack:
        """Place an algo order, as 'Place algo order' does."""
        return self._concluded(self._algo_calls.place(self.account(uid), params, self._now_us))

    def cancel_algos(self, uid: str, algos: Sequence[Params]) -> Ack:
        """Cancel algo orders, as 'Cancel algo order' does."""
        return self._concluded(self._algo_calls.cancel(self.account(uid), algos, self._now_us))

    def amend_algo(self, uid: str, params: Params) -> Ack:
        """Amend an algo order, as 'Amend algo order' does."""
        return self._concluded(self._algo_calls.amend(self.account(uid), params, self._now_us))

    def close_position(self, uid: str, params: Params) -> Row:
        """Close a position at market, as 'Close positions' does.

        Raises:
            RefusedError: The position is as it was.
        """
        account = self.account(uid)
        return self._concluded(close_position(self.desk, account, params, self._now_us))

    def change_margin(self, uid: str, params: Params) -> Row:
        """Add to or take from an isolated position, as 'Increase/decrease margin' does.

        Raises:
            RefusedError: The position is as it was.
        """
        account, now_ms = self.account(uid), self._now_us // 1_000
        return self._concluded(change_margin(self.desk, account, params, now_ms))

    def transfer(self, uid: str, params: Params) -> Row:
        """Move money between accounts, as 'Funds transfer' does.

        Raises:
            RefusedError: Nothing was moved.
        """
        account, now_ms = self.account(uid), self._now_us // 1_000
        return self._concluded(self.treasury.transfer(account, params, now_ms))

    def mass_cancel(self, uid: str, inst_family: str) -> None:
        """Cancel the market maker protection orders of an option family."""
        for order in tuple(self.account(uid).orders.pending.values()):
            is_protected = order.asked.ord_type.startswith("mmp")
            if is_protected and order.instrument.inst_family == inst_family:
                self.desk.cancel(order, BY_USER, self._now_us)
        self._concluded(None)

    def mark(self, instrument: Instrument) -> Decimal:
        """Return the mark price of an instrument."""
        return self.market.mark(instrument)

    def balance_row(self, uid: str, only: tuple[str, ...] = ()) -> Row:
        """Return the data of the account channel, details of those in `only` (empty: all)."""
        account = self.account(uid)
        return balance_row(account, self.mark, self.market.usd, self.market.now_ms, only)

    def move_price(self, instrument: Instrument, price: Decimal) -> None:
        """Make the market of a pair or future stand at `price` now, and match what that crosses.

        Raises:
            ValueError: An option follows its underlying and cannot be moved itself.
        """
        self.advance()
        self.market.move(instrument, price)
        self._match(self.clock.now_us())

    def advance(self) -> None:
        """Bring prices, matching and timers up to the clock's time."""
        now_us = self.clock.now_us()
        before = self.market.step
        if self.market.advance(now_us // 1_000):
            self.desk.liquidity.refresh()
            self._match(now_us)
            self._announce_market(before)

    @property
    def _now_us(self) -> int:
        return self.clock.now_us()

    def _concluded(self, answer: T) -> T:
        """Return the answer of an operation after doing what follows from it."""
        self._aftermath.conclude(self._now_us)
        return answer

    def _match(self, now_us: int) -> None:
        self.desk.match_resting(now_us)
        self._algo_desk.trigger(now_us)
        self._periodic.run(now_us)
        self._aftermath.conclude(now_us)

    def _announce_market(self, before: int) -> None:
        if not self.announcer.is_heard:
            return
        first = max(before, self.market.step - _TRADE_STEPS_MAX) + 1
        for instrument in self.market.listing.all():
            if instrument.inst_type == "MARGIN":
                continue
            for step in range(first, self.market.step + 1):
                trade = self.desk.tape.strangers_trade(instrument, step)
                if trade is not None:
                    row = trade.row(instrument.inst_id)
                    self.announcer.emit(TradeHappened(instrument.inst_id, row))
            self.announcer.emit(TickerUpdated(instrument.inst_id))
            self.announcer.emit(BookUpdated(instrument.inst_id))
            self.announcer.emit(CandleUpdated(instrument.inst_id))
