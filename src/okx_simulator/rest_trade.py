"""What do the order endpoints below /trade say? Source: OKX docs, 'Order Book Trading / Trade'."""

from okx_simulator.answer import Ack
from okx_simulator.endpoint import Call, Rows, reading, trading
from okx_simulator.error_code import RefusedError
from okx_simulator.exchange import Exchange
from okx_simulator.order import Order
from okx_simulator.order_row import order_row
from okx_simulator.paging import page
from okx_simulator.param import Params, text_of
from okx_simulator.rest_public import named


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
    newest_first = [order for order in reversed(orders) if _fits(order, call.params)]
    return [order_row(order) for order in page(newest_first, call.params, _ord_id)]


def _fits(order: Order, params: Params) -> bool:
    """Tell whether an order passes the filters that lists of orders have in common."""
    wanted_types = text_of(params, "ordType")
    return (
        text_of(params, "instType") in ("", order.instrument.inst_type)
        and text_of(params, "instId") in ("", order.instrument.inst_id)
        and (text_of(params, "instFamily") or text_of(params, "uly"))
        in ("", order.instrument.inst_family)
        and text_of(params, "state") in ("", order.state)
        and text_of(params, "category") in ("", order.category)
        and (not wanted_types or order.asked.ord_type in wanted_types.split(","))
    )


def _ord_id(order: Order) -> int:
    return order.ord_id


ENDPOINTS = (
    trading("/trade/order", _place),
    trading("/trade/batch-orders", _place, takes_batch=True),
    trading("/trade/cancel-order", _cancel),
    trading("/trade/cancel-batch-orders", _cancel, takes_batch=True),
    trading("/trade/amend-order", _amend),
    trading("/trade/amend-batch-orders", _amend, takes_batch=True),
    reading("/trade/order", _order),
    reading("/trade/orders-pending", _pending),
)
