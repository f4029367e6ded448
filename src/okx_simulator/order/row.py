"""How does OKX show an order and its fills? Pure.

Source: OKX docs, 'Order details', 'WS / Order channel' and 'Transaction details'. Every documented
key is present, "" where it does not apply.
"""

from decimal import Decimal

from okx_simulator.answer import Row
from okx_simulator.number import text
from okx_simulator.order.order import AttachedTpSl, Change, Fill, Order

_NO_OPTION_FILL = {
    "fillFwdPx": "",
    "fillMarkVol": "",
    "fillPxUsd": "",
    "fillPxVol": "",
}


def order_row(order: Order) -> Row:
    """Return the row of 'Order details'; the fill fields tell the last fill."""
    last = order.last_fill
    row = _asked(order)
    row.update(
        accFillSz=text(order.filled_sz),
        avgPx=text(rounded_px(order.avg_px)) if order.filled_sz else "",
        cancelSource=order.cancel_source,
        cancelSourceReason="",
        fee=text(order.fee),
        feeCcy=order.fee_ccy,
        fillPx=text(last.px) if last else "",
        fillSz=text(last.sz) if last else "0",
        fillTime=str(last.at_ms) if last else "",
        pnl=text(order.pnl),
        rebate="0",
        rebateCcy=order.rebate_ccy,
        state=order.state,
        tradeId=last.trade_id if last else "",
        uTime=str(order.updated_ms),
    )
    return row


def push_row(order: Order, change: Change, usd: Decimal) -> Row:
    """Return the row of the orders channel; the fill fields tell this change's fill only.

    `usd` is what one unit of the instrument is worth in USD at its last price.
    """
    fill = change.fill
    row = order_row(order)
    row.update(
        avgPx=row["avgPx"] or "0",
        amendResult=change.amend_result,
        amendSource=change.amend_source,
        code=change.code,
        execType=("T" if fill.is_taker else "M") if fill else "",
        fillFee=text(fill.fee) if fill else "0",
        fillFeeCcy=fill.fee_ccy if fill else "",
        fillIdxPx=text(fill.index_px) if fill else "",
        fillMarkPx=text(fill.mark_px) if fill else "",
        fillNotionalUsd=text(cents(fill.sz * usd)) if fill else "",
        fillPnl=text(fill.pnl) if fill else "0",
        fillPx=text(fill.px) if fill else "",
        fillSz=text(fill.sz) if fill else "0",
        fillTime=str(fill.at_ms) if fill else "",
        lastPx=text(change.last_px) if change.last_px else "",
        msg=change.message,
        notionalUsd=text(cents(order.sz if order.asked.counts_quote else order.sz * usd)),
        reqId=change.req_id,
        tradeId=fill.trade_id if fill else "",
        **_NO_OPTION_FILL,
    )
    return row


def fill_row(order: Order, fill: Fill) -> Row:
    """Return the row of 'Transaction details'."""
    return {
        "billId": fill.bill_id,
        "clOrdId": order.asked.cl_ord_id,
        "execType": "T" if fill.is_taker else "M",
        "fee": text(fill.fee),
        "feeCcy": fill.fee_ccy,
        "feeRate": text(fill.fee_rate),
        "fillIdxPx": text(fill.index_px),
        "fillMarkPx": text(fill.mark_px) if order.instrument.is_contract else "",
        "fillPnl": text(fill.pnl),
        "fillPx": text(fill.px),
        "fillSz": text(fill.sz),
        "fillTime": str(fill.at_ms),
        "instId": order.instrument.inst_id,
        "instType": order.instrument.inst_type,
        "ordId": str(order.ord_id),
        "posSide": order.asked.pos_side,
        "side": order.asked.side,
        "subType": "1" if order.asked.is_buy else "2",
        "tag": order.asked.tag,
        "tradeId": fill.trade_id,
        "tradeQuoteCcy": order.asked.trade_quote_ccy,
        "ts": str(fill.at_ms),
        **_NO_OPTION_FILL,
    }


def attached_row(attached: AttachedTpSl) -> Row:
    """Return one element of `attachAlgoOrds`."""
    return {
        "activePx": "",
        "amendPxOnTriggerType": attached.amend_px_on_trigger_type,
        "attachAlgoClOrdId": attached.client_id,
        "attachAlgoId": attached.attach_id,
        "callbackRatio": "",
        "callbackSpread": "",
        "failCode": "",
        "failReason": "",
        "slOrdPx": attached.sl_ord_px,
        "slTriggerPx": _text(attached.sl_trigger_px),
        "slTriggerPxType": attached.sl_trigger_px_type if attached.sl_trigger_px else "",
        "slTriggerRatio": "",
        "sz": _text(attached.sz),
        "tpOrdKind": attached.tp_ord_kind if attached.tp_trigger_px else "",
        "tpOrdPx": attached.tp_ord_px,
        "tpTriggerPx": _text(attached.tp_trigger_px),
        "tpTriggerPxType": attached.tp_trigger_px_type if attached.tp_trigger_px else "",
        "tpTriggerRatio": "",
    }


def rounded_px(price: Decimal) -> Decimal:
    """Return an average price with at most twelve decimals."""
    return round(price, 12)


def cents(usd: Decimal) -> Decimal:
    """Return an amount of USD with at most six decimals."""
    return round(usd, 6)


def _asked(order: Order) -> Row:
    asked = order.asked
    return {
        "algoClOrdId": order.algo_cl_ord_id,
        "algoId": order.algo_id,
        "attachAlgoClOrdId": "",
        "attachAlgoOrds": [attached_row(attached) for attached in order.attached],
        "cTime": str(order.created_ms),
        "category": order.category,
        "ccy": asked.margin_ccy,
        "clOrdId": asked.cl_ord_id,
        "instId": asked.instrument.inst_id,
        "instType": asked.instrument.inst_type,
        "isTpLimit": "false",
        "lever": text(order.lever) if order.lever else "",
        "linkedAlgoOrd": {"algoId": order.linked_algo_id},
        "ordId": str(order.ord_id),
        "ordType": asked.ord_type,
        "posSide": asked.pos_side,
        "px": _text(order.px),
        "pxType": asked.px_type,
        "pxUsd": asked.px_usd,
        "pxVol": asked.px_vol,
        "quickMgnType": "",
        "reduceOnly": "true" if asked.reduce_only else "false",
        "side": asked.side,
        "slOrdPx": "",
        "slTriggerPx": "",
        "slTriggerPxType": "",
        "source": order.source,
        "stpId": order.stp_id,
        "stpMode": asked.stp_mode,
        "sz": text(order.sz),
        "tag": asked.tag,
        "tdMode": asked.td_mode,
        "tgtCcy": asked.tgt_ccy,
        "tpOrdPx": "",
        "tpTriggerPx": "",
        "tpTriggerPxType": "",
        "tradeQuoteCcy": asked.trade_quote_ccy,
    }


def _text(number: Decimal | None) -> str:
    return text(number) if number else ""
