"""How is an order book read from OKX?  Pure.

Source: OKX docs v5, "Order Book Trading / Market Data", "Get order book" and "Order book channel".
The checksum is not read: OKX sends 0 for it since 2026.
"""

from okx_gateway.domain.order_book import BookUpdate, OrderBook, PriceLevel
from okx_gateway.okx.reply import Row, UnreadableReplyError, milliseconds


def order_book_from_row(row: Row, instrument: str, *, receive_ms: int) -> OrderBook:
    """Read a whole book, which does not say whose it is; received at `receive_ms` of our clock.

    Raises:
        UnreadableReplyError: A field is missing or not what OKX documents.
    """
    return OrderBook(
        instrument=instrument,
        asks=_levels(row, "asks"),
        bids=_levels(row, "bids"),
        sequence=_whole_number(row, "seqId"),
        exchange_ms=milliseconds(row, "ts"),
        receive_ms=receive_ms,
    )


def book_update_from_row(row: Row, instrument: str, *, receive_ms: int) -> BookUpdate:
    """Read what changed since another state of the book; received at `receive_ms` of our clock.

    Raises:
        UnreadableReplyError: A field is missing or not what OKX documents.
    """
    return BookUpdate(
        instrument=instrument,
        asks=_levels(row, "asks"),
        bids=_levels(row, "bids"),
        sequence=_whole_number(row, "seqId"),
        previous_sequence=_whole_number(row, "prevSeqId"),
        exchange_ms=milliseconds(row, "ts"),
        receive_ms=receive_ms,
    )


def _levels(row: Row, key: str) -> tuple[PriceLevel, ...]:
    side = row.get(key)
    if not isinstance(side, list):
        raise UnreadableReplyError(f"{key} is not a list")
    try:
        return tuple(_level(*level) for level in side)
    except (TypeError, ValueError):
        raise UnreadableReplyError(f"{key} has what is not a level") from None


def _whole_number(row: Row, key: str) -> int:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnreadableReplyError(f"{key} is not a whole number")
    return value


def _level(
    price: object, quantity: object, _retired: object, orders: str, *_new: object
) -> PriceLevel:
    if not (isinstance(price, str) and isinstance(quantity, str)):
        raise TypeError
    return PriceLevel(price, quantity, int(orders))
