"""Is an order within what its caller may order at once?  Pure.

What an order is worth is counted in the currency of its price: contracts by their value, inverse
ones, whose value is in that currency, without the price.
Source: OKX docs v5, "Get instruments": ctVal, ctValCcy.
"""

from dataclasses import dataclass
from decimal import Decimal, localcontext

from okx_gateway.access.policy import OrderLimits
from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.domain.money import text_from_amount
from okx_gateway.domain.order import Limit, Market, NewOrder, TargetCurrency

# A quantity, a contract's value and a price of 36 digits each are multiplied without rounding.
_DIGITS = 120
_PAIRS = (InstrumentType.SPOT, InstrumentType.MARGIN)


@dataclass(frozen=True, slots=True)
class Breach:
    """What is beyond which limit: its name, what was asked for, and what is allowed."""

    limit: str
    asked: str
    allowed: str


@dataclass(frozen=True, slots=True)
class Size:
    """How much is ordered at which price; None for that of the market.

    `in_quote` where the quantity is counted in the currency of the price.
    """

    quantity: Decimal | None
    price: Decimal | None
    in_quote: bool = False


def size_of(order: NewOrder) -> Size:
    """How much an order is for."""
    match order.kind:
        case Limit(price):
            return Size(order.quantity, price)
        case Market(target):
            return Size(order.quantity, None, in_quote=target is TargetCurrency.QUOTE)


def needs_price(size: Size, limits: OrderLimits) -> bool:
    """Whether the last price has to be known to judge it."""
    if size.price is None:
        return bool(limits.largest) and not size.in_quote
    return limits.collar_percent is not None


def breach_of_order(
    order: NewOrder, instrument: Instrument, limits: OrderLimits, last: Decimal | None
) -> Breach | None:
    """The first limit that an order is beyond; `last` is the last price, where it is needed."""
    if isinstance(order.kind, Market) and not limits.market_orders:
        return Breach("market_orders", "a market order", "none")
    return breach(size_of(order), instrument, limits, last)


def breach(
    size: Size, instrument: Instrument, limits: OrderLimits, last: Decimal | None
) -> Breach | None:
    """The first limit that so much at this price is beyond."""
    with localcontext(prec=_DIGITS):
        return _beyond_collar(size, limits, last) or _too_large(size, instrument, limits, last)


def _beyond_collar(size: Size, limits: OrderLimits, last: Decimal | None) -> Breach | None:
    collar = limits.collar_percent
    if collar is None or size.price is None or last is None:
        return None
    if abs(size.price - last) * 100 <= collar * last:
        return None
    allowed = f"within {text_from_amount(collar)} percent of {text_from_amount(last)}"
    return Breach("collar_percent", text_from_amount(size.price), allowed)


def _too_large(
    size: Size, instrument: Instrument, limits: OrderLimits, last: Decimal | None
) -> Breach | None:
    if not limits.largest:
        return None
    if size.quantity is None or (size.price is None and last is None and not size.in_quote):
        asked = "a new quantity or price alone"
        return Breach("largest", asked, "both together, so that what they are worth is known")
    currency = _currency(instrument)
    allowed = limits.largest.get(currency)
    if allowed is None:
        listed = ", ".join(sorted(limits.largest))
        return Breach("largest", f"an order worth {currency or 'an option'}", f"only {listed}")
    price = size.price if size.price is not None else last
    worth = size.quantity if size.in_quote else _worth(size.quantity, price, instrument)
    if worth <= allowed:
        return None
    return Breach(
        "largest",
        f"{text_from_amount(worth)} {currency}",
        f"{text_from_amount(allowed)} {currency}",
    )


def _currency(instrument: Instrument) -> str:
    """What an order's worth is counted in; empty for options, whose price is in the underlying."""
    if instrument.type in _PAIRS:
        return instrument.quote_currency
    if instrument.type is InstrumentType.OPTION:
        return ""
    return instrument.name.split("-")[1]


def _worth(quantity: Decimal, price: Decimal | None, instrument: Instrument) -> Decimal:
    if instrument.type not in _PAIRS:
        quantity *= Decimal(instrument.contract_value)
        if instrument.contract_currency == _currency(instrument):
            return quantity
    assert price is not None  # noqa: S101  # _too_large saw to it
    return quantity * price
