"""How are the order calls answered: place, cancel and amend, one or many? Changes accounts.

REST and WebSocket call the same methods, with the uid of whoever signed and a list of orders.
Source: OKX docs, 'Place order', 'Cancel order', 'Amend order' and their batches.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from okx_simulator.account.account import Account
from okx_simulator.answer import Ack, Row
from okx_simulator.clock import Clock
from okx_simulator.error_code import RefusedError
from okx_simulator.market.listing import Listing
from okx_simulator.number import ZERO
from okx_simulator.order.admission import admit, in_band, in_coins, priced
from okx_simulator.order.amend import Amend, read_amend
from okx_simulator.order.desk import OrderDesk
from okx_simulator.order.order import BY_USER, Change, Order
from okx_simulator.order.rule import find_instrument, read_order
from okx_simulator.rest.param import Params, text_of

BATCH_MAX = 20
_PORTFOLIO_MODE = "4"


@dataclass(frozen=True, slots=True)
class _RowShape:
    """Which fields a row of an ack repeats from the order, which it has besides, and its text."""

    echoed: tuple[str, ...]
    constant: Mapping[str, str]
    done: str


_PLACE_ROW = _RowShape(("clOrdId", "tag"), {"ordId": "", "subCode": ""}, "Order placed")
_CANCEL_ROW = _RowShape(("clOrdId", "ordId"), {}, "")
_AMEND_ROW = _RowShape(("clOrdId", "ordId", "reqId"), {"subCode": ""}, "")


def read_exp_time(raw: str, now_us: int) -> int | None:
    """Return the deadline of a request in ms since the epoch, None where it has none.

    Raises:
        RefusedError: 51000, it is not a number; 50036, it has passed when the request arrives.
    """
    if not raw:
        return None
    if not (raw.isascii() and raw.isdigit()):
        raise RefusedError("51000", "expTime")
    if int(raw) < now_us // 1_000:
        raise RefusedError("50036")
    return int(raw)


class OrderCalls:
    """The six order operations.

    `by_code` means that orders name `instIdCode`, as on sockets. `refusals` holds, for each order,
    the code of a rate limit that it is over, or None. `exp_ms` is the deadline after which the
    engine refuses with 50037.
    """

    def __init__(self, desk: OrderDesk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    def place(
        self,
        account: Account,
        orders: Sequence[Params],
        *,
        by_code: bool = False,
        exp_ms: int | None = None,
        refusals: Sequence[str | None] = (),
    ) -> Ack:
        """Place orders, in turn."""
        if len(orders) > BATCH_MAX:
            return Ack.of_refusal(RefusedError("51111", BATCH_MAX))
        refused = _refused(refusals)
        if account.level == _PORTFOLIO_MODE and len(orders) > 1:
            refused |= self._rehearse(account, orders, by_code=by_code)
            if refused:
                rest = set(range(len(orders))) - refused.keys()
                refused |= {place: RefusedError("54004") for place in rest}
        names: set[str] = set()

        def place_one(params: Params) -> Order:
            self._check_expired(exp_ms)
            _check_unused(params, names)
            asked = read_order(params, account.mode, self._listing, by_code=by_code)
            return self._desk.place(account, asked, self._clock.now_us())

        return self._answer(orders, refused, _PLACE_ROW, place_one)

    def cancel(
        self,
        account: Account,
        orders: Sequence[Params],
        *,
        by_code: bool = False,
        refusals: Sequence[str | None] = (),
    ) -> Ack:
        """Cancel orders, in turn."""
        if len(orders) > BATCH_MAX:
            return Ack.of_refusal(RefusedError("51406", BATCH_MAX))

        def cancel_one(params: Params) -> Order:
            order = self._pending(account, params, ("51407", "51400"), by_code=by_code)
            self._desk.cancel(order, BY_USER, self._clock.now_us())
            return order

        return self._answer(orders, _refused(refusals), _CANCEL_ROW, cancel_one)

    def amend(
        self,
        account: Account,
        orders: Sequence[Params],
        *,
        by_code: bool = False,
        exp_ms: int | None = None,
        refusals: Sequence[str | None] = (),
    ) -> Ack:
        """Amend orders, in turn."""
        if len(orders) > BATCH_MAX:
            return Ack.of_refusal(RefusedError("51501", BATCH_MAX))
        amended: set[int] = set()

        def amend_one(params: Params) -> Order:
            self._check_expired(exp_ms)
            order = self._pending(account, params, ("51003", "51503"), by_code=by_code)
            if order.ord_id in amended:
                raise RefusedError("51512")
            amended.add(order.ord_id)
            self._amend(order, params)
            return order

        return self._answer(orders, _refused(refusals), _AMEND_ROW, amend_one)

    @property
    def _listing(self) -> Listing:
        return self._desk.market.listing

    def _answer(
        self,
        orders: Sequence[Params],
        refused: Mapping[int, RefusedError],
        shape: "_RowShape",
        act: Callable[[Params], Order],
    ) -> Ack:
        """Do one thing with every order that is not refused already, and ack each."""
        rows: list[Row] = []
        for place, params in enumerate(orders):
            row = {name: _echo(params, name) for name in shape.echoed}
            row |= {**shape.constant, "ts": str(self._clock.now_ms())}
            try:
                if place in refused:
                    raise refused[place]
                order = act(params)
                row.update(ordId=str(order.ord_id), clOrdId=order.asked.cl_ord_id)
                row.update(sCode="0", sMsg=shape.done)
            except RefusedError as error:
                row.update(sCode=error.code, sMsg=error.message)
            rows.append(row)
        return Ack.of_rows(rows)

    def _rehearse(
        self, account: Account, orders: Sequence[Params], *, by_code: bool
    ) -> dict[int, RefusedError]:
        """Return why which orders of a batch would be refused; portfolio margin takes all or none.

        Nothing is left changed.
        """
        refusals: dict[int, RefusedError] = {}
        rehearsed: list[Order] = []
        names: set[str] = set()
        for place, params in enumerate(orders):
            try:
                _check_unused(params, names)
                asked = read_order(params, account.mode, self._listing, by_code=by_code)
                px = priced(asked, self._desk.around)
                lever = account.lever(asked.instrument, asked.td_mode, asked.pos_side)
                order = Order(0, account.uid, asked, asked.sz, px, lever, 0, 0)
                quote = self._desk.market.quote(asked.instrument)
                admit(account, order, px or quote.ask, self._desk.around)
                rehearsed.append(order)
            except RefusedError as error:
                refusals[place] = error
        for order in rehearsed:
            account.freeze(order, order.frozen_ccy, ZERO)
        return refusals

    def _amend(self, order: Order, params: Params) -> None:
        amend = read_amend(params, order)
        now_us = self._clock.now_us()
        if amend.attached is not None:
            order.attached = amend.attached
        done = Change(req_id=amend.req_id, amend_result="0", amend_source="1")
        try:
            px = self._new_price(order, amend)
            self._desk.reprice(order, amend.sz or order.sz, px, done, now_us)
        except RefusedError as error:
            failed = Change(
                req_id=amend.req_id,
                amend_result="1" if amend.cancel_on_fail else "-1",
                amend_source="1",
                code=error.code,
                message=error.message,
            )
            self._desk.push(order, failed)
            if amend.cancel_on_fail:
                self._desk.cancel(order, BY_USER, now_us)
            raise

    def _new_price(self, order: Order, amend: Amend) -> Decimal | None:
        if amend.px is None:
            return order.px
        instrument, around = order.instrument, self._desk.around
        px = in_coins(instrument, amend.px_type, amend.px, around)
        is_buy, quote = order.asked.is_buy, around.quote(instrument)
        return in_band(instrument, px, quote, is_buy=is_buy, may_move=amend.px_amend)

    def _pending(
        self, account: Account, params: Params, codes: tuple[str, str], *, by_code: bool
    ) -> Order:
        """Return the pending order that `params` name; `codes` are for no id, and for no order."""
        instrument = find_instrument(params, self._desk.market.listing, by_code=by_code)
        ord_id, client_id = text_of(params, "ordId"), text_of(params, "clOrdId")
        if not ord_id and not client_id:
            raise RefusedError(codes[0])
        order = account.orders.find(ord_id, client_id, self._clock.now_ms())
        is_named = order is not None and order.instrument.inst_id == instrument.inst_id
        if order is None or not is_named or not order.is_pending:
            raise RefusedError(codes[1])
        return order

    def _check_expired(self, exp_ms: int | None) -> None:
        if exp_ms is not None and exp_ms < self._clock.now_ms():
            raise RefusedError("50037")


def _echo(params: Params, name: str) -> str:
    """Return a field for the answer, which repeats what it can of a malformed order."""
    value = params.get(name)
    return value if isinstance(value, str) else ""


def _check_unused(params: Params, names: set[str]) -> None:
    """A client id may occur once in a batch, even if its first order is done at once."""
    client_id = _echo(params, "clOrdId")
    if client_id and client_id in names:
        raise RefusedError("51016")
    names.add(client_id)


def _refused(codes: Sequence[str | None]) -> dict[int, RefusedError]:
    return {place: RefusedError(code) for place, code in enumerate(codes) if code}
