"""How does OKX show a position? Pure.

Source: OKX docs, 'Get positions' and 'Get positions history'. Every documented key is present, ""
where it does not apply.
"""

from dataclasses import dataclass
from decimal import Decimal

from okx_simulator.account.position import LONG, NET, SHORT, Position
from okx_simulator.account.valuation import worth
from okx_simulator.answer import Row
from okx_simulator.market.quote import Quote
from okx_simulator.number import ONE, ZERO, text
from okx_simulator.order.row import cents, rounded_px

_NOT_APPLICABLE = dict.fromkeys(
    (
        *("baseBal", "baseBorrowed", "baseInterest", "bizRefId", "bizRefType", "clSpotInUseAmt"),
        *("deltaBS", "deltaPA", "gammaBS", "gammaPA", "hedgedPos", "maxSpotInUseAmt"),
        *("nonSettleAvgPx", "pendingCloseOrdLiabVal", "quoteBal", "quoteBorrowed"),
        *("quoteInterest", "settledPnl", "spotInUseAmt", "spotInUseCcy", "thetaBS", "thetaPA"),
        *("vegaBS", "vegaPA"),
    ),
    "",
)


@dataclass(frozen=True, slots=True)
class Prices:
    """What a position is valued at: quote and last price of its instrument, its currency in USD."""

    quote: Quote
    last: Decimal
    usd: Decimal
    margin_ratio: Decimal = ZERO


def position_row(position: Position, prices: Prices, now_ms: int) -> Row:
    """Return the row of 'Get positions'; `pos` is 0 where the position has been closed."""
    instrument, mark = position.instrument, prices.quote.mark
    is_open = bool(position.sz)
    money = position.in_ccy(worth(instrument, abs(position.sz), mark), mark)
    row: Row = {
        **_NOT_APPLICABLE,
        "adl": "1" if is_open else "",
        "availPos": text(_shown(position)) if instrument.inst_type != "OPTION" else "",
        "avgPx": text(rounded_px(position.avg_px)) if is_open else "",
        "bePx": text(_break_even(position)) if is_open else "",
        "cTime": str(position.created_ms),
        "ccy": position.ccy,
        "closeOrderAlgo": [],
        "fee": text(position.fee),
        "fundingFee": text(position.funding_fee),
        "idxPx": text(prices.quote.index),
        "imr": text(position.initial(mark)) if position.is_cross and is_open else "",
        "instId": instrument.inst_id,
        "instType": instrument.inst_type,
        "interest": "",
        "last": text(prices.last),
        "lever": text(position.lever) if position.lever else "",
        "liab": "",
        "liabCcy": "",
        "liqPenalty": "0",
        "liqPx": _text(_liquidation_px(position)) if is_open else "",
        "margin": "" if position.is_cross else text(position.margin),
        "markPx": text(mark),
        "mgnMode": position.mgn_mode,
        "mgnRatio": _text(prices.margin_ratio),
        "mmr": text(position.maintenance(mark)) if is_open else "",
        "notionalUsd": text(cents(money * prices.usd)),
        "optVal": text(position.option_value(mark)) if instrument.inst_type == "OPTION" else "",
        "pTime": str(now_ms),
        "pnl": text(position.pnl),
        "pos": text(_shown(position)),
        "posCcy": _held_ccy(position),
        "posId": str(position.pos_id),
        "posSide": position.pos_side,
        "realizedPnl": text(position.pnl + position.fee + position.funding_fee),
        "tradeId": position.trade_id,
        "uTime": str(position.updated_ms),
        "usdPx": text(prices.usd),
        **_profits(position, mark, prices.last),
    }
    if instrument.inst_type == "MARGIN":
        row.update(_liability(position))
    return row


def _profits(position: Position, mark: Decimal, last: Decimal) -> Row:
    upl, upl_last = position.upl(mark), position.upl(last)
    return {
        "upl": text(upl),
        "uplLastPx": text(upl_last),
        "uplRatio": text(_ratio(position, upl)),
        "uplRatioLastPx": text(_ratio(position, upl_last)),
    }


def closed_row(position: Position, kind: str) -> Row:
    """Return the row of 'Get positions history'; `kind` is how it was closed last (2: all)."""
    gained = position.pnl + position.fee + position.funding_fee
    return {
        "cTime": str(position.created_ms),
        "ccy": position.ccy,
        "closeAvgPx": text(rounded_px(position.closed_px)),
        "closeTotalPos": text(position.closed_sz),
        "direction": LONG if position.was_long else SHORT,
        "fee": text(position.fee),
        "fundingFee": text(position.funding_fee),
        "instId": position.instrument.inst_id,
        "instType": position.instrument.inst_type,
        "lever": text(position.lever) if position.lever else "",
        "liqPenalty": "0",
        "mgnMode": position.mgn_mode,
        "nonSettleAvgPx": "",
        "openAvgPx": text(rounded_px(position.avg_px)),
        "openMaxPos": text(position.max_sz),
        "pnl": text(position.pnl),
        "pnlRatio": text(_ratio(position, gained)),
        "posId": str(position.pos_id),
        "posSide": position.pos_side,
        "realizedPnl": text(gained),
        "settledPnl": "",
        "triggerPx": "",
        "type": kind,
        "uTime": str(position.updated_ms),
        "uly": position.instrument.inst_family,
    }


def balance_and_position_row(position: Position) -> Row:
    """Return an element of `posData` of the balance_and_position channel."""
    return {
        "avgPx": text(rounded_px(position.avg_px)) if position.sz else "",
        "baseBal": "",
        "ccy": position.ccy,
        "instId": position.instrument.inst_id,
        "instType": position.instrument.inst_type,
        "mgnMode": position.mgn_mode,
        "nonSettleAvgPx": "",
        "pos": text(_shown(position)),
        "posCcy": _held_ccy(position),
        "posId": str(position.pos_id),
        "posSide": position.pos_side,
        "quoteBal": "",
        "settledPnl": "",
        "tradeId": position.trade_id,
        "uTime": str(position.updated_ms),
    }


def _shown(position: Position) -> Decimal:
    """A net position shows its sign (MARGIN excepted), a long or short one its size."""
    if position.pos_side == NET and position.instrument.inst_type != "MARGIN":
        return position.sz
    return abs(position.sz)


def _held_ccy(position: Position) -> str:
    """Return the currency of a margin position: the base if it is long, the quote if short."""
    inst = position.instrument
    if inst.inst_type != "MARGIN":
        return ""
    return inst.base_ccy if position.was_long else inst.quote_ccy


def _liability(position: Position) -> Row:
    inst = position.instrument
    owed = -abs(position.sz)
    if position.was_long:
        return {"liab": text(round(owed * position.avg_px, 8)), "liabCcy": inst.quote_ccy}
    return {"liab": text(owed), "liabCcy": inst.base_ccy}


def _ratio(position: Position, gained: Decimal) -> Decimal:
    """Return a profit as a share of the margin that opened the position."""
    sz = abs(position.sz) or position.closed_sz
    if not position.avg_px or not sz:
        return ZERO
    money = position.in_ccy(worth(position.instrument, sz, position.avg_px), position.avg_px)
    return round(gained * (position.lever or ONE) / money, 8)


def _break_even(position: Position) -> Decimal:
    """Return the price at which fees and funding paid so far are earned back."""
    units = position.instrument.ct_val * position.instrument.ct_mult * position.sz
    if position.instrument.is_inverse or not units:
        return rounded_px(position.avg_px)
    return round(position.avg_px - (position.fee + position.funding_fee) / units, 8)


def _liquidation_px(position: Position) -> Decimal:
    """Return where an isolated future would be liquidated; 0 where that is not estimated."""
    inst = position.instrument
    if position.is_cross or inst.inst_type not in ("SWAP", "FUTURES") or inst.is_inverse:
        return ZERO
    units = inst.ct_val * inst.ct_mult * position.sz
    return max(ZERO, round(position.avg_px - position.margin / units, 8))


def _text(number: Decimal) -> str:
    return text(number) if number else ""
