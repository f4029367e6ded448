"""What do the order endpoints below /trade say? Source: OKX docs, 'Order Book Trading / Trade'."""

from collections.abc import Iterable

from okx_simulator.answer import Ack, Row
from okx_simulator.error_code import RefusedError
from okx_simulator.exchange import Exchange
from okx_simulator.market.instrument import INST_TYPES
from okx_simulator.order.history import ARCHIVE_KEPT_MS, HISTORY_KEPT_MS
from okx_simulator.order.order import Fill, Order
from okx_simulator.order.precheck import precheck_row
from okx_simulator.order.row import fill_row, order_row
from okx_simulator.rest.endpoint import Answer, Call, Rows, reading, trading
from okx_simulator.rest.paging import page
from okx_simulator.rest.param import Params, choice, integer, text_of
from okx_simulator.rest.public import named

_FILLS_KEPT_MS = 3 * 86_400_000
_PORTFOLIO_MODE = "4"
_SECONDS_MAX = 10_000


def _place(exchange: Exchange, call: Call) -> Ack:
    return exchange.place(call.uid, call.elements, exp_ms=call.exp_ms, refusals=call.refusals)


def _cancel(exchange: Exchange, call: Call) -> Ack:
    return exchange.cancel(call.uid, call.elements, refusals=call.refusals)


def _amend(exchange: Exchange, call: Call) -> Ack:
    return exchange.amend(call.uid, call.elements, exp_ms=call.exp_ms, refusals=call.refusals)


def _order(exchange: Exchange, call: Call) -> Rows:
    instrument = named(exchange, call.params)
    ord_id, client_id = text_of(call.params, "ordId"), text_of(call.params, "clOrdId")
    if not ord_id and not client_id:
        raise RefusedError("51003")
    order = exchange.account(call.uid).orders.find(ord_id, client_id, call.now_ms)
    if order is None or order.instrument.inst_id != instrument.inst_id:
        raise RefusedError("51603")
    return [order_row(order)]


def _pending(exchange: Exchange, call: Call) -> Rows:
    orders = exchange.account(call.uid).orders.pending.values()
    return _order_page(reversed(orders), call.params)


def _history(kept_ms: int, *, shows_unfilled: bool) -> Answer:
    def answer(exchange: Exchange, call: Call) -> Rows:
        choice(call.params, "instType", INST_TYPES)
        closed = exchange.account(call.uid).orders.closed(call.now_ms, kept_ms)
        newest_first = sorted(closed, key=_ord_id, reverse=True)
        shown = (order for order in newest_first if shows_unfilled or order.filled_sz)
        return _order_page(shown, call.params)

    return answer


def _order_page(newest_first: Iterable[Order], params: Params) -> list[Row]:
    fitting = [order for order in newest_first if _fits(order, params)]
    return [order_row(one) for one in page(fitting, params, _ord_id, time_ms=_created_ms)]


def _fits(order: Order, params: Params) -> bool:
    """Tell whether an order passes the filters that lists of orders have in common."""
    wanted_types = text_of(params, "ordType")
    family = text_of(params, "instFamily") or text_of(params, "uly")
    return (
        text_of(params, "instType") in ("", order.instrument.inst_type)
        and text_of(params, "instId") in ("", order.instrument.inst_id)
        and family in ("", order.instrument.inst_family)
        and text_of(params, "state") in ("", order.state)
        and text_of(params, "category") in ("", order.category)
        and (not wanted_types or order.asked.ord_type in wanted_types.split(","))
    )


def _ord_id(order: Order) -> int:
    return order.ord_id


def _created_ms(order: Order) -> int:
    return order.created_ms


def _fills(kept_ms: int, *, needs_type: bool) -> Answer:
    def answer(exchange: Exchange, call: Call) -> Rows:
        params = call.params
        if needs_type:
            choice(params, "instType", INST_TYPES)
        oldest_ms = call.now_ms - kept_ms
        fitting = [
            (order, fill)
            for order, fill in reversed(exchange.account(call.uid).fills)
            if fill.at_ms >= oldest_ms and _fill_fits(order, params)
        ]
        chosen = page(fitting, params, _bill_id, time_ms=_filled_ms)
        return [fill_row(order, fill) for order, fill in chosen]

    return answer


def _fill_fits(order: Order, params: Params) -> bool:
    sub_type = "1" if order.asked.is_buy else "2"
    return (
        text_of(params, "instType") in ("", order.instrument.inst_type)
        and text_of(params, "instId") in ("", order.instrument.inst_id)
        and text_of(params, "instFamily") in ("", order.instrument.inst_family)
        and text_of(params, "ordId") in ("", str(order.ord_id))
        and text_of(params, "subType") in ("", sub_type)
    )


def _bill_id(one: tuple[Order, Fill]) -> int:
    return int(one[1].bill_id)


def _filled_ms(one: tuple[Order, Fill]) -> int:
    return one[1].at_ms


def _close_position(exchange: Exchange, call: Call) -> Rows:
    return [exchange.close_position(call.uid, call.params)]


def _mass_cancel(exchange: Exchange, call: Call) -> Rows:
    """Cancel the market maker protection orders of an option family."""
    choice(call.params, "instType", ("OPTION",))
    if not text_of(call.params, "instFamily"):
        raise RefusedError("50014", "instFamily")
    account = exchange.account(call.uid)
    if account.level != _PORTFOLIO_MODE:
        raise RefusedError("51411")
    exchange.mass_cancel(call.uid, text_of(call.params, "instFamily"))
    return [{"result": True}]


def _cancel_all_after(exchange: Exchange, call: Call) -> Rows:
    seconds = integer(call.params, "timeOut", -1, 0, _SECONDS_MAX)
    if seconds < 0:
        raise RefusedError("50014", "timeOut")
    tag = text_of(call.params, "tag")
    due_ms = exchange.timers.arm(call.uid, tag, seconds, call.now_ms)
    # Unlike everywhere else, OKX gives these times in seconds.
    return [{"tag": tag, "triggerTime": str(due_ms // 1_000), "ts": str(call.now_ms // 1_000)}]


def _account_rate_limit(_exchange: Exchange, call: Call) -> Rows:
    """Answer 'Account rate limit', whose figures exist only from VIP5 on."""
    figures = ("accRateLimit", "fillRatio", "mainFillRatio", "nextAccRateLimit")
    return [{**dict.fromkeys(figures, ""), "ts": str(call.now_ms)}]


def _precheck(exchange: Exchange, call: Call) -> Rows:
    account = exchange.account(call.uid)
    return [precheck_row(exchange.desk, account, call.params, call.now_ms)]


ENDPOINTS = (
    trading("/trade/order", _place, may_expire=True),
    trading("/trade/batch-orders", _place, takes_batch=True, may_expire=True),
    trading("/trade/cancel-order", _cancel),
    trading("/trade/cancel-batch-orders", _cancel, takes_batch=True),
    trading("/trade/amend-order", _amend, may_expire=True),
    trading("/trade/amend-batch-orders", _amend, takes_batch=True, may_expire=True),
    trading("/trade/close-position", _close_position),
    trading("/trade/mass-cancel", _mass_cancel),
    trading("/trade/cancel-all-after", _cancel_all_after),
    trading("/trade/order-precheck", _precheck),
    reading("/trade/order", _order),
    reading("/trade/orders-pending", _pending),
    reading("/trade/orders-history", _history(HISTORY_KEPT_MS, shows_unfilled=True)),
    reading("/trade/orders-history-archive", _history(ARCHIVE_KEPT_MS, shows_unfilled=False)),
    reading("/trade/fills", _fills(_FILLS_KEPT_MS, needs_type=False)),
    reading("/trade/fills-history", _fills(ARCHIVE_KEPT_MS, needs_type=True)),
    reading("/trade/account-rate-limit", _account_rate_limit),
)
