"""How are changes of orders and their fills read from OKX?  Pure.

Source: OKX docs v5, "Order Book Trading / Trade": Order channel, Order List, and Transaction
details (last 3 days).
"""

from dataclasses import replace
from decimal import Decimal, InvalidOperation

from okx_gateway.domain.order import Order
from okx_gateway.domain.order_event import Fill, Liquidity
from okx_gateway.okx.order_codec import order_from_row
from okx_gateway.okx.reply import Row, UnreadableReplyError, milliseconds, text

_LIQUIDITY = {"M": Liquidity.MAKER, "T": Liquidity.TAKER}


def counted_order_from_row(row: Row) -> Order:
    """Read an order of a list or of the channel, with amounts that can be counted with.

    Raises:
        UnreadableReplyError: A field is missing or not what OKX documents.
    """
    order = order_from_row(row)
    filled = _number(order.filled_quantity)
    for amount in (order.quantity, order.price):
        _number(amount)
    # The channel says "0" where the lists say nothing.
    return order if filled else replace(order, average_price="")


def fill_from_push(row: Row) -> Fill | None:
    """Read the fill that a row of the orders channel tells of; None where it tells of none.

    There `fillSz`, `fillPx` and `tradeId` are of this change, and not of the order's last fill as
    in "Order details".

    Raises:
        UnreadableReplyError: A field is not what OKX documents.
    """
    return _fill(row, fee="fillFee", fee_currency="fillFeeCcy") if text(row, "tradeId") else None


def fill_from_row(row: Row) -> Fill:
    """Read one row of Transaction details.

    Raises:
        UnreadableReplyError: A field is missing or not what OKX documents.
    """
    if not text(row, "tradeId") or not text(row, "ordId"):
        raise UnreadableReplyError("not the details of a fill")
    return _fill(row, fee="fee", fee_currency="feeCcy")


def _fill(row: Row, *, fee: str, fee_currency: str) -> Fill:
    quantity = text(row, "fillSz")
    _number(quantity)
    return Fill(
        exchange_order_id=text(row, "ordId"),
        trade_id=text(row, "tradeId"),
        price=text(row, "fillPx"),
        quantity=quantity,
        fee=text(row, fee),
        fee_currency=text(row, fee_currency),
        liquidity=_LIQUIDITY.get(text(row, "execType")),
        fill_ms=milliseconds(row, "fillTime") or milliseconds(row, "ts"),
    )


def _number(amount: str) -> Decimal:
    try:
        number = Decimal(amount or "0")
    except InvalidOperation:
        raise UnreadableReplyError("an amount is not a number") from None
    if not number.is_finite():
        raise UnreadableReplyError("an amount is not a number")
    return number
