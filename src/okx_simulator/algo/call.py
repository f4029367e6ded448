"""How are the calls for algo orders answered? Changes accounts.

Source: OKX docs, 'Place algo order', 'Cancel algo order' and 'Amend algo order'.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from okx_simulator.account.account import Account
from okx_simulator.algo.algo import TRAILING, Algo, Leg
from okx_simulator.algo.desk import AlgoDesk
from okx_simulator.algo.rule import read_algo
from okx_simulator.answer import Ack, Row
from okx_simulator.error_code import RefusedError
from okx_simulator.order.attached_rule import TRIGGER_TYPES, read_order_price
from okx_simulator.order.desk import OrderDesk
from okx_simulator.order.rule import check_size, find_instrument
from okx_simulator.rest.param import Params, amount, choice, text_of

CANCELS_MAX = 10
_DELETED = "0"


class AlgoCalls:
    """The operations on algo orders."""

    def __init__(self, desk: OrderDesk, algo_desk: AlgoDesk) -> None:
        self._desk = desk
        self._algo_desk = algo_desk

    def place(self, account: Account, params: Params, now_us: int) -> Ack:
        """Place one algo order."""
        client_id, tag = _echo(params, "algoClOrdId"), _echo(params, "tag")
        row: Row = {"algoClOrdId": client_id, "algoId": "", "clOrdId": "", "tag": tag}
        try:
            listing = self._desk.market.listing
            instrument = find_instrument(params, listing, by_code=False)
            last = self._desk.tape.latest(instrument).px
            asked = read_algo(params, account.mode, listing, last)
            algo = self._algo_desk.place(account, asked, now_us)
            row.update(algoId=str(algo.algo_id), sCode="0", sMsg="")
        except RefusedError as error:
            row.update(sCode=error.code, sMsg=error.message)
        return Ack.of_rows([row])

    def cancel(self, account: Account, algos: Sequence[Params], now_us: int) -> Ack:
        """Cancel up to ten algo orders, in turn."""
        if len(algos) > CANCELS_MAX:
            return Ack.of_refusal(RefusedError("50025", "algoId", CANCELS_MAX))
        rows: list[Row] = []
        for params in algos:
            row = {name: _echo(params, name) for name in ("algoClOrdId", "algoId")}
            row |= {"clOrdId": "", "tag": ""}
            try:
                algo = _live(account, params, "51400")
                self._algo_desk.cancel(algo, now_us)
                row.update(algoClOrdId=algo.client_id, algoId=str(algo.algo_id))
                row.update(sCode="0", sMsg="", tag=algo.order.tag)
            except RefusedError as error:
                row.update(sCode=error.code, sMsg=error.message)
            rows.append(row)
        return Ack.of_rows(rows)

    def amend(self, account: Account, params: Params, now_us: int) -> Ack:
        """Amend one algo order."""
        row: Row = {name: _echo(params, name) for name in ("algoClOrdId", "algoId", "reqId")}
        try:
            algo = _live(account, params, "51527")
            self._algo_desk.amend(algo, _amended(algo, params), now_us)
            row.update(algoClOrdId=algo.client_id, algoId=str(algo.algo_id), sCode="0", sMsg="")
        except RefusedError as error:
            row.update(sCode=error.code, sMsg=error.message)
        return Ack.of_rows([row])


def _live(account: Account, params: Params, code: str) -> Algo:
    """Return the live algo order that `params` name.

    Raises:
        RefusedError: 50015, they name none; 51416, it has fired; `code`, there is none.
    """
    algo_id, client_id = text_of(params, "algoId"), text_of(params, "algoClOrdId")
    if not algo_id and not client_id:
        raise RefusedError("50015", "algoId", "algoClOrdId")
    algo = account.algos.find(algo_id, client_id)
    inst_id = text_of(params, "instId")
    if algo is None or algo.order.instrument.inst_id != inst_id:
        raise RefusedError(code)
    if algo.ord_ids:
        raise RefusedError("51416")
    if not algo.is_live:
        raise RefusedError(code)
    return algo


def _amended(algo: Algo, params: Params) -> Algo:
    """Return the algo order with its new size, trigger prices and order prices.

    Raises:
        RefusedError: The code of the first rule that the new values break.
    """
    if algo.ord_type == TRAILING:
        raise RefusedError("51506")
    sz = amount(params, "newSz")
    if sz is not None:
        check_size(algo.order.instrument, sz)
    tp = _amended_leg(params, algo.tp, "newTpTriggerPx", "newTpOrdPx")
    sl = _amended_leg(params, algo.sl, "newSlTriggerPx", "newSlOrdPx")
    trigger = _amended_leg(params, algo.trigger, "newTriggerPx", "newOrdPx")
    order = replace(algo.order, sz=sz) if sz else algo.order
    if (order, tp, sl, trigger) == (algo.order, algo.tp, algo.sl, algo.trigger):
        raise RefusedError("51500")
    if tp is None and sl is None and trigger is None:
        raise RefusedError("51000", "newTpTriggerPx")
    return replace(
        algo, order=order, tp=tp, sl=sl, trigger=trigger, req_id=text_of(params, "reqId")
    )


def _amended_leg(params: Params, leg: Leg | None, trigger: str, order: str) -> Leg | None:
    """Return a leg with its new values; a new trigger price of 0 takes it away."""
    if leg is None:
        return None
    if text_of(params, trigger) == _DELETED:
        return None
    px_type = choice(params, f"{trigger}Type", TRIGGER_TYPES, leg.px_type)
    trigger_px: Decimal = amount(params, trigger) or leg.trigger_px
    ord_px = read_order_price(params, order) if text_of(params, order) else leg.ord_px
    return Leg(trigger_px, ord_px, px_type, leg.rises)


def _echo(params: Params, name: str) -> str:
    value = params.get(name)
    return value if isinstance(value, str) else ""
