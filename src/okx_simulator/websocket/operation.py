"""How is an order operation of a socket charged, carried out and answered?

Changes the exchange; does no I/O.

Source: OKX docs, 'WS / Place order' and its siblings. Orders name `instIdCode`; an `instId` is
ignored since 2026.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from okx_simulator.answer import Ack, Row
from okx_simulator.error_code import RefusedError
from okx_simulator.exchange import Exchange
from okx_simulator.limit.limits import Limits
from okx_simulator.limit.table import PATH_BY_OPERATION
from okx_simulator.order.call import read_exp_time
from okx_simulator.rest.endpoint import Call
from okx_simulator.rest.param import Params
from okx_simulator.rest.table import ENDPOINTS
from okx_simulator.websocket.message import Operation


class OrderOperations:
    """The order operations of the private URL."""

    def __init__(self, exchange: Exchange, limits: Limits) -> None:
        self._exchange = exchange
        self._limits = limits

    def named(self, operation: Operation) -> list[dict[str, Any]]:
        """Return the orders with the instId that their code stands for, where there is one.

        Limits, faults and the log go by instId.
        """
        return [{**order, "instId": self._inst_id(order)} for order in operation.args]

    def charge(
        self, operation: Operation, named: Sequence[Params], uid: str, ip: str, true_us: int
    ) -> list[str | None]:
        """Count the operation; one error code or None per order."""
        path = PATH_BY_OPERATION[operation.op]
        return self._limits.charge_each("POST", path, uid=uid, ip=ip, params=named, now_us=true_us)

    def admit(self, operation: Operation, codes: Sequence[str | None]) -> int | None:
        """Return until when the operation may be carried out, in ms since the epoch, if ever.

        Raises RefusedError: 50011 or 50061, all orders are over a limit by their `codes`; 50036,
        the deadline has passed as it arrives; 51000, it is no number.
        """
        if codes and all(codes):
            raise RefusedError(str(codes[0]))
        return read_exp_time(operation.exp_time, self._exchange.clock.now_us())

    def carry_out(
        self, operation: Operation, uid: str, codes: Sequence[str | None], exp_ms: int | None
    ) -> Ack:
        """Do what the operation asks for; the orders with a code in `codes` are refused."""
        try:
            return self._run(operation, uid, exp_ms, codes)
        except RefusedError as refusal:
            return Ack.of_refusal(refusal)

    def _run(
        self, operation: Operation, uid: str, exp_ms: int | None, refusals: Sequence[str | None]
    ) -> Ack:
        exchange, orders = self._exchange, operation.args
        match operation.op:
            case "order" | "batch-orders":
                return exchange.place(uid, orders, by_code=True, exp_ms=exp_ms, refusals=refusals)
            case "amend-order" | "batch-amend-orders":
                return exchange.amend(uid, orders, by_code=True, exp_ms=exp_ms, refusals=refusals)
            case "cancel-order" | "batch-cancel-orders":
                return exchange.cancel(uid, orders, by_code=True, refusals=refusals)
            case _:
                return self._as_rest(operation, uid)

    def _as_rest(self, operation: Operation, uid: str) -> Ack:
        """Answer an operation that says what its REST endpoint says: mass-cancel."""
        endpoint = ENDPOINTS["POST", PATH_BY_OPERATION[operation.op]]
        in_us = self._exchange.clock.now_us()
        call = Call(params=operation.args[0], elements=operation.args, in_us=in_us, uid=uid)
        rows = endpoint.answer(self._exchange, call)
        return rows if isinstance(rows, Ack) else Ack(rows=rows, code="0")

    def _inst_id(self, order: Mapping[str, Any]) -> str:
        code = order.get("instIdCode")
        if not isinstance(code, int) or isinstance(code, bool):
            return ""
        instrument = self._exchange.market.listing.find_code(code)
        return instrument.inst_id if instrument else ""


def answer(operation: Operation, ack: Ack, in_us: int, out_us: int) -> Row:
    """Return the frame that answers an operation; times are microseconds at the gate.

    Other than over REST, an answer with rows has no message of its own.
    """
    body = ack.body(in_us, out_us)
    if ack.rows:
        body["msg"] = ""
    return {"id": operation.request_id, "op": operation.op, **body}
