"""How is a trade of the market read from OKX?  Pure.

Source: OKX docs v5, "Order Book Trading / Market Data / Trades channel".
"""

from okx_gateway.domain.order import Side
from okx_gateway.domain.trade import Trade
from okx_gateway.okx.reply import Row, UnreadableReplyError, milliseconds, text

_SIDES = {"buy": Side.BUY, "sell": Side.SELL}


def trade_from_row(row: Row, *, receive_ms: int) -> Trade:
    """Read one row, received at `receive_ms` of our clock.

    Raises:
        UnreadableReplyError: A field is not what OKX documents.
    """
    trade_id = text(row, "tradeId")
    if not trade_id:
        raise UnreadableReplyError("no tradeId")
    return Trade(
        instrument=text(row, "instId"),
        trade_id=trade_id,
        side=_SIDES.get(text(row, "side")),
        price=text(row, "px"),
        quantity=text(row, "sz"),
        count=_count(text(row, "count")),
        exchange_ms=milliseconds(row, "ts"),
        receive_ms=receive_ms,
    )


def _count(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 9 else 1
