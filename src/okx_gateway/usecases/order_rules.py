"""What may not be ordered of this instrument on this account?  A table of rules, pure.

Only what OKX is known to refuse is refused here, before any budget is spent; OKX has the last word.
Source: OKX docs v5, "POST / Place order", the tables of parameters and their notes.
"""

from collections.abc import Iterator
from decimal import Decimal

from okx_gateway.domain.account import Account
from okx_gateway.domain.errors import Violation
from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.domain.money import is_multiple, text_from_amount
from okx_gateway.domain.order import (
    AttachedExit,
    Limit,
    Market,
    NewOrder,
    NewValues,
    Side,
    TargetCurrency,
    TradeMode,
)

_MODES = {
    InstrumentType.SPOT: (TradeMode.CASH,),
    InstrumentType.MARGIN: (TradeMode.CROSS, TradeMode.ISOLATED),
    InstrumentType.SWAP: (TradeMode.CROSS, TradeMode.ISOLATED),
    InstrumentType.FUTURES: (TradeMode.CROSS, TradeMode.ISOLATED),
    InstrumentType.OPTION: (TradeMode.CASH, TradeMode.CROSS, TradeMode.ISOLATED),
}
_WITH_POSITIONS = (InstrumentType.SWAP, InstrumentType.FUTURES)
_PAIRS = (InstrumentType.SPOT, InstrumentType.MARGIN)


def violations(order: NewOrder, instrument: Instrument, account: Account) -> list[Violation]:
    """Everything that OKX would refuse; empty where nothing is known to be wrong."""
    return [
        *_on_instrument(order, instrument),
        *_on_quantity(order, instrument),
        *_on_kind(order, instrument),
        *_on_position(order, instrument, account),
        *_on_margin_currency(order, instrument),
        *_on_exit("take_profit", order.take_profit, instrument),
        *_on_exit("stop_loss", order.stop_loss, instrument),
    ]


def amend_violations(values: NewValues, instrument: Instrument) -> list[Violation]:
    """Everything about new values of an order that OKX would refuse.

    A quantity below the minimum is none: one that is filled already ends the order.
    """
    found: list[Violation] = []
    if values.quantity is not None:
        found += _on_lot("new_quantity", values.quantity, instrument)
    if values.price is not None:
        found += _on_price("new_price", values.price, instrument)
    return found


def _on_instrument(order: NewOrder, instrument: Instrument) -> Iterator[Violation]:
    if not instrument.tradable:
        yield Violation("instrument", "is not open for trading", order.instrument)
    modes = _MODES[instrument.type]
    if order.trade_mode not in modes:
        allowed = " or ".join(f"TRADE_MODE_{mode.name}" for mode in modes)
        yield Violation(
            "trade_mode",
            f"must be {allowed} for {instrument.type}",
            f"TRADE_MODE_{order.trade_mode.name}",
        )


def _on_quantity(order: NewOrder, instrument: Instrument) -> Iterator[Violation]:
    quantity = order.quantity
    shown = text_from_amount(quantity)
    if _counts_quote(order):
        return  # the instrument's lot and minimum are in base currency
    yield from _on_lot("quantity", quantity, instrument)
    if quantity < instrument.minimum:
        minimum = text_from_amount(instrument.minimum)
        yield Violation("quantity", f"must be at least {minimum}", shown)
    maximum = _maximum(order, instrument)
    if maximum and quantity > maximum:
        yield Violation("quantity", f"must be at most {text_from_amount(maximum)}", shown)


def _on_lot(field: str, quantity: Decimal, instrument: Instrument) -> Iterator[Violation]:
    if not is_multiple(quantity, instrument.lot):
        lot = text_from_amount(instrument.lot)
        shown = text_from_amount(quantity)
        yield Violation(field, f"must be a multiple of the lot {lot}", shown)


def _maximum(order: NewOrder, instrument: Instrument) -> Decimal:
    if isinstance(order.kind, Limit):
        return instrument.maximum_limit
    # OKX counts the largest market order of a pair in dollars, which only it can tell.
    return Decimal(0) if instrument.type in _PAIRS else instrument.maximum_market


def _counts_quote(order: NewOrder) -> bool:
    return isinstance(order.kind, Market) and order.kind.target_currency is TargetCurrency.QUOTE


def _on_kind(order: NewOrder, instrument: Instrument) -> Iterator[Violation]:
    match order.kind:
        case Limit(price):
            yield from _on_price("limit.price", price, instrument)
        case Market(target):
            if instrument.type is InstrumentType.OPTION:
                yield Violation("market", "is not offered for OPTION; give a limit instead")
            elif target is not None and instrument.type not in _PAIRS:
                yield Violation(
                    "market.target_currency",
                    f"must be left out for {instrument.type}, which is counted in contracts",
                    f"TARGET_CURRENCY_{target.name}",
                )
            elif instrument.type is InstrumentType.MARGIN:
                yield from _on_margin_market(order.side, target)


def _on_margin_market(side: Side, target: TargetCurrency | None) -> Iterator[Violation]:
    only = TargetCurrency.QUOTE if side is Side.BUY else TargetCurrency.BASE
    if (target or TargetCurrency.BASE) is not only:
        yield Violation(
            "market.target_currency",
            f"must be TARGET_CURRENCY_{only.name} for a MARGIN market {side.value}, the only unit "
            "OKX takes there",
            f"TARGET_CURRENCY_{target.name if target else 'UNSPECIFIED'}",
        )


def _on_price(field: str, price: Decimal, instrument: Instrument) -> Iterator[Violation]:
    if not is_multiple(price, instrument.tick):
        tick = text_from_amount(instrument.tick)
        yield Violation(field, f"must be a multiple of the tick {tick}", text_from_amount(price))


def _on_position(order: NewOrder, instrument: Instrument, account: Account) -> Iterator[Violation]:
    side = order.position_side
    shown = f"POSITION_SIDE_{side.name if side else 'UNSPECIFIED'}"
    if side is not None and instrument.type not in _WITH_POSITIONS:
        yield Violation("position_side", f"must be left out for {instrument.type}", shown)
    elif side is not None and not account.long_short:
        yield Violation("position_side", "must be left out on an account in net mode", shown)
    elif side is None and instrument.type in _WITH_POSITIONS and account.long_short:
        yield Violation(
            "position_side",
            "must be POSITION_SIDE_LONG or POSITION_SIDE_SHORT on an account in long/short mode",
            shown,
        )
    if not order.reduce_only:
        return
    if instrument.type not in (*_WITH_POSITIONS, InstrumentType.MARGIN):
        yield Violation("reduce_only", f"must be left out for {instrument.type}", "true")
    elif side is not None:
        yield Violation(
            "reduce_only", "must be left out beside position_side, which implies it", "true"
        )


def _on_margin_currency(order: NewOrder, instrument: Instrument) -> Iterator[Violation]:
    if instrument.type is InstrumentType.MARGIN:
        if order.trade_mode is TradeMode.ISOLATED and not order.margin_currency:
            yield Violation("margin_currency", "is required for isolated MARGIN")
    elif order.margin_currency:
        yield Violation(
            "margin_currency", f"must be left out for {instrument.type}", order.margin_currency
        )


def _on_exit(
    field: str, attached: AttachedExit | None, instrument: Instrument
) -> Iterator[Violation]:
    if attached is None:
        return
    yield from _on_price(f"{field}.trigger_price", attached.trigger_price, instrument)
    if attached.order_price is not None:
        yield from _on_price(f"{field}.order_price", attached.order_price, instrument)
    if instrument.type is InstrumentType.OPTION:
        yield Violation(field, "is not offered for OPTION")
