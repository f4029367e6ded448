"""How is a candle read from OKX?  Pure.

OKX writes a row as a list, here by places: start, open, high, low, close, three volumes, and
whether it is complete.
Source: OKX docs v5, "Order Book Trading / Market Data / Candlesticks channel".
"""

from okx_gateway.domain.candle import Candle
from okx_gateway.okx.reply import Row, UnreadableReplyError, milliseconds, text

_COMPLETE = "1"


def candle_from_row(row: Row, instrument: str, *, receive_ms: int) -> Candle:
    """Read one row, which does not say whose it is; received at `receive_ms` of our clock.

    Raises:
        UnreadableReplyError: It is not what OKX documents.
    """
    start_ms = milliseconds(row, "0")
    if not start_ms:
        raise UnreadableReplyError("a candle without a beginning")
    open_, high, low, close, *volumes = (text(row, str(place)) for place in range(1, 8))
    return Candle(
        instrument=instrument,
        start_ms=start_ms,
        open_price=open_,
        high_price=high,
        low_price=low,
        close_price=close,
        volume=volumes[0],
        volume_currency=volumes[1],
        volume_quote=volumes[2],
        complete=text(row, "8") == _COMPLETE,
        receive_ms=receive_ms,
    )
