"""How does OKX record a change of balance? Pure.

Source: OKX docs, 'Get bills details (last 7 days)'.
"""

from dataclasses import dataclass
from decimal import Decimal

from okx_simulator.answer import Row
from okx_simulator.number import ZERO, text
from okx_simulator.order.order import Fill, Order

TRANSFER, TRADE, DELIVERY, MARGIN_TRANSFER, FUNDING = "1", "2", "3", "6", "8"
BUY, SELL, OPEN_LONG, OPEN_SHORT, CLOSE_LONG, CLOSE_SHORT = "1", "2", "3", "4", "5", "6"
DELIVERED, MARGIN_ADDED, MARGIN_REDUCED = "112", "160", "161"
TRANSFER_IN, TRANSFER_OUT, FUNDING_EXPENSE, FUNDING_INCOME = "11", "12", "173", "174"


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """How much of a currency came (negative: went), and what was left then."""

    bill_id: str
    ccy: str
    change: Decimal
    balance: Decimal
    at_ms: int
    kind: str
    sub_kind: str
    fee: Decimal = ZERO
    pnl: Decimal = ZERO
    sz: Decimal = ZERO
    notes: str = ""
    from_account: str = ""
    to_account: str = ""


def bill_row(
    change: BalanceChange, order: Order | None = None, fill: Fill | None = None, **position: str
) -> Row:
    """Return the row of a bill; `position` overrides fields of bills without an order."""
    row = {
        "bal": text(change.balance),
        "balChg": text(change.change),
        "billId": change.bill_id,
        "ccy": change.ccy,
        "clOrdId": order.asked.cl_ord_id if order else "",
        "earnAmt": "",
        "earnApr": "",
        "execType": ("T" if fill.is_taker else "M") if fill else "",
        "fee": text(change.fee),
        "fillFwdPx": "",
        "fillIdxPx": text(fill.index_px) if fill else "",
        "fillMarkPx": text(fill.mark_px) if fill else "",
        "fillMarkVol": "",
        "fillPxUsd": "",
        "fillPxVol": "",
        "fillTime": str(fill.at_ms) if fill else "",
        "from": change.from_account,
        "instId": order.instrument.inst_id if order else "",
        "instType": order.instrument.inst_type if order else "",
        "interest": "0",
        "mgnMode": order.asked.td_mode if order else "",
        "notes": change.notes,
        "ordId": str(order.ord_id) if order else "",
        "pnl": text(change.pnl),
        "posBal": "0",
        "posBalChg": "0",
        "px": text(fill.px) if fill else "",
        "subType": change.sub_kind,
        "sz": text(change.sz),
        "tag": order.asked.tag if order else "",
        "to": change.to_account,
        "tradeId": fill.trade_id if fill else "",
        "ts": str(change.at_ms),
        "type": change.kind,
    }
    row.update(position)
    return row


def trade_sub_kind(order: Order, *, opens: bool) -> str:
    """Return the subType of a trade: buy and sell for pairs, open and close for contracts."""
    is_buy = order.asked.is_buy
    if not order.instrument.is_contract:
        return BUY if is_buy else SELL
    if opens:
        return OPEN_LONG if is_buy else OPEN_SHORT
    return CLOSE_SHORT if is_buy else CLOSE_LONG
