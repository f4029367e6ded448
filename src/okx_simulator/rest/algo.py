"""What do the algo order endpoints below /trade say?

Source: OKX docs, 'Order Book Trading / Algo Trading'.
"""

from collections.abc import Iterable

from okx_simulator.algo.algo import CANCELED, EFFECTIVE, FAILED, Algo, algo_row
from okx_simulator.answer import Ack, Row
from okx_simulator.error_code import RefusedError
from okx_simulator.exchange import Exchange
from okx_simulator.rest.endpoint import Call, Rows, reading, trading
from okx_simulator.rest.paging import page
from okx_simulator.rest.param import Params, choice, required, text_of


def _place(exchange: Exchange, call: Call) -> Ack:
    """Place one algo order, which some clients wrap in a list."""
    return exchange.place_algo(call.uid, call.params)


def _cancel(exchange: Exchange, call: Call) -> Ack:
    return exchange.cancel_algos(call.uid, call.elements)


def _amend(exchange: Exchange, call: Call) -> Ack:
    return exchange.amend_algo(call.uid, call.params)


def _one(exchange: Exchange, call: Call) -> Rows:
    algo_id, client_id = text_of(call.params, "algoId"), text_of(call.params, "algoClOrdId")
    if not algo_id and not client_id:
        raise RefusedError("50015", "algoId", "algoClOrdId")
    algo = exchange.account(call.uid).algos.find(algo_id, client_id)
    if algo is None:
        raise RefusedError("51603")
    return [algo_row(algo)]


def _pending(exchange: Exchange, call: Call) -> Rows:
    live = exchange.account(call.uid).algos.live.values()
    return _algo_page(reversed(live), call.params)


def _history(exchange: Exchange, call: Call) -> Rows:
    state, algo_id = text_of(call.params, "state"), text_of(call.params, "algoId")
    if state and algo_id:
        raise RefusedError("51601")
    if not state and not algo_id:
        raise RefusedError("51602")
    if state:
        choice(call.params, "state", (EFFECTIVE, CANCELED, FAILED))
    done = exchange.account(call.uid).algos.done(call.now_ms)
    newest_first = sorted(done, key=_algo_id, reverse=True)
    return _algo_page((one for one in newest_first if state in ("", one.state)), call.params)


def _algo_page(newest_first: Iterable[Algo], params: Params) -> list[Row]:
    ord_types = required(params, "ordType").split(",")
    fitting = [
        algo
        for algo in newest_first
        if algo.ord_type in ord_types
        and text_of(params, "instType") in ("", algo.order.instrument.inst_type)
        and text_of(params, "instId") in ("", algo.order.instrument.inst_id)
        and text_of(params, "algoId") in ("", str(algo.algo_id))
        and text_of(params, "algoClOrdId") in ("", algo.client_id)
    ]
    return [algo_row(one) for one in page(fitting, params, _algo_id)]


def _algo_id(algo: Algo) -> int:
    return algo.algo_id


ENDPOINTS = (
    trading("/trade/order-algo", _place, takes_batch=True),
    trading("/trade/cancel-algos", _cancel, takes_batch=True),
    trading("/trade/cancel-advance-algos", _cancel, takes_batch=True),
    trading("/trade/amend-algos", _amend, takes_batch=True),
    reading("/trade/order-algo", _one),
    reading("/trade/orders-algo-pending", _pending),
    reading("/trade/orders-algo-history", _history),
)
