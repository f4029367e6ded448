"""How are algo orders placed, watched, triggered, amended and cancelled? Changes accounts.

Source: OKX docs, 'Place algo order', 'Amend algo order', 'Cancel algo order'.
"""

from dataclasses import replace
from decimal import Decimal

from okx_simulator.account.account import Account
from okx_simulator.account.valuation import worth
from okx_simulator.algo.algo import (
    AT_MARKET,
    CANCELED,
    CONDITIONAL,
    EFFECTIVE,
    FAILED,
    OCO,
    SOURCES,
    TRAILING,
    TRIGGER,
    Algo,
    Leg,
    algo_row,
)
from okx_simulator.algo.rule import NewAlgo
from okx_simulator.error_code import RefusedError
from okx_simulator.event import AlgoUpdated
from okx_simulator.market.instrument import Instrument
from okx_simulator.number import ONE, ZERO, floor_to
from okx_simulator.order.desk import OrderDesk, Origin
from okx_simulator.order.order import AttachedTpSl, NewOrder, Order

# Live algo orders of a type per account and instrument.
LIVE_MAX = {CONDITIONAL: 100, OCO: 100, TRIGGER: 500, TRAILING: 50}


class AlgoDesk:
    """Keeps the algo orders of all accounts."""

    def __init__(self, desk: OrderDesk) -> None:
        self._desk = desk

    def place(self, account: Account, asked: NewAlgo, now_us: int) -> Algo:
        """Take in an algo order; no funds are kept back for it.

        Raises:
            RefusedError: 51065, its client id is in use; 51299, there are too many.
        """
        client_id = asked.client_id
        if client_id and account.algos.is_client_id_live(client_id):
            raise RefusedError("51065")
        inst_id = asked.order.instrument.inst_id
        count = sum(
            algo.ord_type == asked.ord_type and algo.order.instrument.inst_id == inst_id
            for algo in account.algos.live.values()
        )
        if count >= LIVE_MAX[asked.ord_type]:
            raise RefusedError("51299", LIVE_MAX[asked.ord_type])
        now_ms = now_us // 1_000
        algo = Algo(
            algo_id=self._desk.ids.next(now_ms),
            uid=account.uid,
            ord_type=asked.ord_type,
            order=asked.order,
            created_ms=now_ms,
            updated_ms=now_ms,
            client_id=client_id,
            tp=asked.tp,
            sl=asked.sl,
            trigger=asked.trigger,
            trail=asked.trail,
            closes_all=asked.closes_all,
            cancel_on_close=asked.cancel_on_close,
            attached=self._desk.named(asked.attached, now_ms),
        )
        account.algos.add(algo)
        self._watch(algo)
        self.push(algo)
        return algo

    def arm(self, order: Order, now_us: int) -> None:
        """Bring to life what was attached to an order that has been filled, all or in part."""
        account, now_ms = self._desk.accounts[order.uid], now_us // 1_000
        for attached in order.attached:
            held = _held(order)
            sz = min(attached.sz or held, held)
            algo = _armed(order, attached, sz, now_ms)
            account.algos.add(algo)
            self.push(algo)

    def cancel(self, algo: Algo, now_us: int) -> None:
        """Cancel a live algo order."""
        algo.state = CANCELED
        self._close(algo, now_us)

    def amend(self, algo: Algo, changed: Algo, now_us: int) -> None:
        """Give a live algo order the size and legs of `changed`."""
        algo.order, algo.req_id, algo.amend_result = changed.order, changed.req_id, "0"
        algo.tp, algo.sl, algo.trigger = changed.tp, changed.sl, changed.trigger
        algo.updated_ms = now_us // 1_000
        self.push(algo)

    def trigger(self, now_us: int) -> None:
        """Place the orders of all algo orders whose price has come."""
        for account in self._desk.accounts.values():
            for algo in tuple(account.algos.live.values()):
                if algo.trail is not None:
                    self._follow(algo, now_us)
                    continue
                for side, leg in algo.legs:
                    if leg.fires(self._price(algo.order.instrument, leg.px_type)):
                        self._fire(account, algo, side, leg.ord_px, now_us)
                        break

    def position_closed(self, account: Account, inst_id: str, pos_side: str, now_us: int) -> None:
        """Cancel the algo orders that go with a position that is no more."""
        for algo in tuple(account.algos.live.values()):
            order = algo.order
            is_same = order.instrument.inst_id == inst_id and order.pos_side == pos_side
            if is_same and (algo.cancel_on_close or algo.closes_all):
                self.cancel(algo, now_us)

    def push(self, algo: Algo) -> None:
        """Tell the listeners about an algo order."""
        if self._desk.announcer.is_heard:
            instrument = algo.order.instrument
            px = self._price(instrument, "last")
            unit = worth(instrument, ONE, px) * self._desk.market.usd(instrument.money_ccy)
            self._desk.announcer.emit(AlgoUpdated(algo.uid, algo_row(algo, unit)))

    def _fire(self, account: Account, algo: Algo, side: str, ord_px: str, now_us: int) -> None:
        """Place the order of an algo order, and note what became of it."""
        algo.actual_side, algo.triggered_ms = side, now_us // 1_000
        algo.last_px = self._price(algo.order.instrument, "last")
        origin = Origin(SOURCES[algo.ord_type], str(algo.algo_id), algo.client_id)
        try:
            asked = algo.ordered(ord_px, self._size(account, algo))
            order = self._desk.place(account, asked, now_us, origin)
        except RefusedError as error:
            algo.state, algo.fail_code = FAILED, error.code
        else:
            algo.state, algo.actual_sz = EFFECTIVE, order.sz
            algo.actual_px = order.avg_px or order.px or ZERO
            algo.ord_ids.append(str(order.ord_id))
        self._close(algo, now_us)

    def _size(self, account: Account, algo: Algo) -> Decimal:
        """Return what to order: the size asked for, or all of the position.

        Raises:
            RefusedError: 51169, there is no position to close.
        """
        if not algo.closes_all:
            return algo.order.sz
        for position in account.positions.values():
            if (
                position.instrument.inst_id == algo.order.instrument.inst_id
                and position.mgn_mode == algo.order.td_mode
                and position.pos_side == algo.order.pos_side
            ):
                return abs(position.sz)
        raise RefusedError("51169")

    def _follow(self, algo: Algo, now_us: int) -> None:
        """Let a trailing stop follow the price, and fire when the price turns back to it."""
        self._watch(algo)
        stop_px = algo.stop_px
        if stop_px is None:
            return
        price = self._price(algo.order.instrument, "last")
        if price >= stop_px if algo.order.is_buy else price <= stop_px:
            self._fire(self._desk.accounts[algo.uid], algo, "", AT_MARKET, now_us)

    def _watch(self, algo: Algo) -> None:
        """Note the best price since a trailing stop became active."""
        trail, is_buy = algo.trail, algo.order.is_buy
        if trail is None:
            return
        price = self._price(algo.order.instrument, "last")
        if algo.extreme is None:
            active = trail.active_px
            if active is None or (price <= active if is_buy else price >= active):
                algo.extreme = price
        else:
            algo.extreme = min(algo.extreme, price) if is_buy else max(algo.extreme, price)

    def _price(self, instrument: Instrument, px_type: str) -> Decimal:
        quote = self._desk.market.quote(instrument)
        if px_type == "index":
            return quote.index
        return quote.mark if px_type == "mark" else self._desk.tape.latest(instrument).px

    def _close(self, algo: Algo, now_us: int) -> None:
        algo.updated_ms = now_us // 1_000
        self._desk.accounts[algo.uid].algos.close(algo)
        self.push(algo)


def _held(order: Order) -> Decimal:
    """Return what a filled order left to take back: what was bought less a fee charged in it."""
    instrument = order.instrument
    if instrument.inst_type != "SPOT" or not order.asked.is_buy:
        return order.filled_sz
    return floor_to(order.filled_sz + order.fee, instrument.lot_sz)


def _armed(order: Order, attached: AttachedTpSl, sz: Decimal, now_ms: int) -> Algo:
    """Return the algo order that an attached take-profit and stop-loss becomes."""
    closes_buy = order.asked.is_buy
    tp = sl = None
    if attached.tp_trigger_px:
        ord_px, kind = attached.tp_ord_px, attached.tp_trigger_px_type
        tp = Leg(attached.tp_trigger_px, ord_px, kind, rises=closes_buy)
    if attached.sl_trigger_px:
        ord_px, kind = attached.sl_ord_px, attached.sl_trigger_px_type
        sl = Leg(attached.sl_trigger_px, ord_px, kind, rises=not closes_buy)
    return Algo(
        algo_id=int(attached.attach_id),
        uid=order.uid,
        ord_type=OCO if tp and sl else CONDITIONAL,
        order=_closing(order.asked, sz),
        created_ms=now_ms,
        updated_ms=now_ms,
        client_id=attached.client_id,
        tp=tp,
        sl=sl,
        linked_ord_id=str(order.ord_id),
    )


def _closing(asked: NewOrder, sz: Decimal) -> NewOrder:
    """Return the order of the other side that takes back what `asked` did."""
    one_way = asked.instrument.is_contract and asked.pos_side == "net"
    return replace(
        asked,
        side="sell" if asked.is_buy else "buy",
        ord_type="market",
        sz=sz,
        px=None,
        px_type="",
        cl_ord_id="",
        tgt_ccy="" if asked.instrument.is_contract else "base_ccy",
        reduce_only=one_way or asked.instrument.inst_type == "MARGIN",
        attached=(),
    )
