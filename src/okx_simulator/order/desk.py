"""How is an order taken in, filled, amended and cancelled? Changes accounts and books.

Every way into the exchange (REST, sockets, triggered algo orders, timers) ends here.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from okx_simulator.account.account import Account
from okx_simulator.account.margin import need
from okx_simulator.account.settlement import Execution, settle
from okx_simulator.account.valuation import worth
from okx_simulator.announcer import Announcer
from okx_simulator.error_code import RefusedError
from okx_simulator.event import OrderUpdated, TradeHappened
from okx_simulator.ids import Ids
from okx_simulator.market.instrument import Instrument
from okx_simulator.market.liquidity import Liquidity
from okx_simulator.market.market import Market
from okx_simulator.market.tape import Tape, Trade
from okx_simulator.number import ONE, ZERO
from okx_simulator.order.admission import Surroundings, admit, check_size_max, freeze, priced
from okx_simulator.order.matching import Offer, Plan, plan
from okx_simulator.order.order import (
    BY_FOK,
    BY_IOC,
    BY_MATCHES,
    BY_POST_ONLY,
    BY_REDUCE_ONLY,
    BY_STP,
    CANCELED,
    FILLED,
    IMMEDIATE,
    PARTIALLY_FILLED,
    POST_ONLY,
    AttachedTpSl,
    Change,
    NewOrder,
    Order,
)
from okx_simulator.order.row import push_row


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an order comes from that no caller placed: the fields that tell so."""

    source: str = ""
    algo_id: str = ""
    algo_cl_ord_id: str = ""
    category: str = "normal"


NO_ORIGIN = Origin()


class OrderDesk:
    """Takes orders in and carries them out; `accounts` maps uid to account."""

    def __init__(
        self, market: Market, accounts: dict[str, Account], ids: Ids, announcer: Announcer
    ) -> None:
        self.market = market
        self.accounts = accounts
        self.ids = ids
        self.announcer = announcer
        self.tape = Tape(market)
        self.liquidity = Liquidity(market)
        self.filled: list[Order] = []
        self._owners = {uid: account.main_uid for uid, account in accounts.items()}

    @property
    def around(self) -> Surroundings:
        """What admission sees of the market."""
        return Surroundings(self.market.quote, self.market.usd, self.market.now_ms)

    def place(
        self, account: Account, asked: NewOrder, now_us: int, origin: Origin = NO_ORIGIN
    ) -> Order:
        """Take in an order and match it.

        Raises:
            RefusedError: There is no such order then, and nothing has changed.
        """
        now_ms = now_us // 1_000
        order = Order(
            ord_id=self.ids.next(now_ms),
            uid=account.uid,
            asked=asked,
            sz=asked.sz,
            px=priced(asked, self.around),
            lever=account.lever(asked.instrument, asked.td_mode, asked.pos_side),
            created_ms=now_ms,
            updated_ms=now_ms,
            source=origin.source,
            algo_id=origin.algo_id,
            algo_cl_ord_id=origin.algo_cl_ord_id,
            category=origin.category,
            attached=self.named(asked.attached, now_ms),
        )
        order.fee_ccy, order.rebate_ccy = _fee_currencies(order)
        admit(account, order, order.px or self._worst_px(order), self.around)
        account.orders.add(order)
        self.push(order, Change())
        self.take(order, now_us)
        return order

    def named(self, attached: tuple[AttachedTpSl, ...], now_ms: int) -> tuple[AttachedTpSl, ...]:
        """Return what is attached to a new order with ids of the exchange."""
        return tuple(replace(one, attach_id=str(self.ids.next(now_ms))) for one in attached)

    def take(self, order: Order, now_us: int) -> None:
        """Match an order against the book; let the rest of it rest, or cancel it."""
        made = self._plan(order)
        if order.asked.ord_type in POST_ONLY and (made.matches or made.own_makers):
            self.cancel(order, BY_POST_ONLY, now_us)
            return
        if order.asked.ord_type == "fok" and not made.filled:
            self.cancel(order, BY_MATCHES if made.stop == BY_MATCHES else BY_FOK, now_us)
            return
        for maker in made.own_makers:
            self.cancel(maker, BY_STP, now_us)
        for match in made.matches:
            self._trade(order, match, now_us)
        self._end_taking(order, made, now_us)

    def cancel(self, order: Order, source: str, now_us: int) -> None:
        """Cancel a pending order, for the reason that `source` stands for."""
        order.state = CANCELED
        order.cancel_source = source
        self._close(order, now_us)
        self.push(order, Change())

    def match_resting(self, now_us: int) -> None:
        """Let strangers fill the resting orders that their prices have come to."""
        for order, sz in self.liquidity.take_crossed():
            px, taker_buys = order.px or ZERO, not order.asked.is_buy
            trade_id = self._record(order.instrument, px, sz, now_us, taker_buys=taker_buys)
            self._execute(order, px, sz, trade_id, now_us, is_taker=False)

    def would_take(self, order: Order) -> bool:
        """Tell whether an order at its current price meets an offer."""
        return bool(self._plan(order).matches)

    def reprice(
        self, order: Order, sz: Decimal, px: Decimal | None, change: Change, now_us: int
    ) -> None:
        """Give a pending order another size and price, tell about it, and match it again.

        The order keeps its place in the book where it only got smaller.

        Raises:
            RefusedError: 51502, there is not enough to back it; 51203 and such, it is too
                large; 51511, a post-only order would take. The order is as it was.
        """
        account, before = self.accounts[order.uid], (order.sz, order.px)
        keeps_place = px == order.px and sz <= order.sz
        order.sz, order.px = sz, px
        try:
            if order.asked.ord_type in POST_ONLY and self.would_take(order):
                raise RefusedError("51511")  # noqa: TRY301 - one way out for every refusal
            check_size_max(order, self.around)
            if order.left > 0:
                freeze(account, order, px or ZERO, self.around, "51502")
        except RefusedError:
            order.sz, order.px = before
            raise
        order.updated_ms = now_us // 1_000
        if order.left <= 0:
            order.state = FILLED
            self._close(order, now_us)
        self.push(order, change)
        if order.is_pending and not keeps_place:
            self.liquidity.remove(order)
            self.take(order, now_us)

    def push(self, order: Order, change: Change) -> None:
        """Tell the listeners about an order."""
        if not self.announcer.is_heard:
            return
        instrument = order.instrument
        last = self.tape.latest(instrument).px
        unit = worth(instrument, ONE, last) * self.market.usd(instrument.money_ccy)
        row = push_row(order, replace(change, last_px=last), unit)
        self.announcer.emit(OrderUpdated(order.uid, row))

    def _plan(self, order: Order) -> Plan:
        wanted = order.left
        if order.asked.reduce_only:
            position = self.accounts[order.uid].position_of(order)
            most = position.closable(is_buy=order.asked.is_buy) if position else ZERO
            wanted = min(wanted, most)
        return plan(order, self.liquidity.offered_to(order), self._owners, wanted)

    def _worst_px(self, order: Order) -> Decimal:
        """Return the worst price that a market order would trade at."""
        matches = self._plan(order).matches
        quote = self.market.quote(order.instrument)
        return matches[-1].px if matches else quote.ask if order.asked.is_buy else quote.bid

    def _trade(self, taker: Order, match: Offer, now_us: int) -> None:
        instrument = taker.instrument
        trade_id = self._record(
            instrument, match.px, match.sz, now_us, taker_buys=taker.asked.is_buy
        )
        if match.maker is None:
            self.liquidity.take(instrument, match.px, match.sz, buying=not taker.asked.is_buy)
        else:
            self._execute(match.maker, match.px, match.sz, trade_id, now_us, is_taker=False)
        self._execute(taker, match.px, match.sz, trade_id, now_us, is_taker=True)

    def _execute(
        self, order: Order, px: Decimal, sz: Decimal, trade_id: str, now_us: int, *, is_taker: bool
    ) -> None:
        """Book one side of a trade and tell about it."""
        account, quote = self.accounts[order.uid], self.market.quote(order.instrument)
        execution = Execution(trade_id, px, sz, now_us // 1_000, is_taker, quote.index, quote.mark)
        fill = settle(account, order, execution, self.ids)
        if order.left > 0 or order.asked.counts_quote:
            order.state = PARTIALLY_FILLED
            account.freeze(order, *need(account, order, order.px or px))
        else:
            order.state = FILLED
            self._close(order, now_us)
        self.push(order, Change(fill=fill))

    def _end_taking(self, order: Order, made: Plan, now_us: int) -> None:
        if not order.is_pending:
            return
        if made.filled and (order.left <= 0 or order.asked.counts_quote):
            order.state = FILLED
            self._close(order, now_us)
            self.push(order, Change())
        elif order.asked.reduce_only and made.filled:
            self.cancel(order, BY_REDUCE_ONLY, now_us)
        elif made.stop:
            self.cancel(order, made.stop, now_us)
        elif order.asked.ord_type in IMMEDIATE:
            self.cancel(order, BY_IOC, now_us)
        else:
            self.liquidity.rest(order)

    def _close(self, order: Order, now_us: int) -> None:
        account = self.accounts[order.uid]
        order.updated_ms = now_us // 1_000
        self.liquidity.remove(order)
        account.freeze(order, order.frozen_ccy, ZERO)
        account.orders.close(order)
        if order.filled_sz:
            self.filled.append(order)

    def _record(
        self, instrument: Instrument, px: Decimal, sz: Decimal, now_us: int, *, taker_buys: bool
    ) -> str:
        trade_id = self.tape.next_id(now_us)
        trade = Trade(trade_id, px, sz, taker_buys=taker_buys, at_ms=now_us // 1_000)
        self.tape.record(instrument.inst_id, trade)
        if self.announcer.is_heard:
            row = trade.row(instrument.inst_id)
            self.announcer.emit(TradeHappened(instrument.inst_id, row))
        return str(trade_id)


def _fee_currencies(order: Order) -> tuple[str, str]:
    """Return feeCcy and rebateCcy of an order that has no fill yet."""
    instrument = order.instrument
    if instrument.inst_type != "SPOT":
        ccy = order.asked.margin_ccy or instrument.money_ccy
        return ccy, ccy
    base, quote = instrument.base_ccy, instrument.quote_ccy
    return (base, quote) if order.asked.is_buy else (quote, base)
