"""How are instruments read from OKX?  Pure.

Source: OKX docs v5, "Public Data / Get instruments".
"""

from decimal import Decimal

from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.domain.money import amount_from_text
from okx_gateway.okx.reply import Row, UnreadableReplyError, milliseconds, text

# States in which OKX takes orders, if perhaps only post-only ones.
_TRADABLE = frozenset({"live", "post_only", "rebase"})


def instrument_from_row(row: Row) -> Instrument:
    """Read one row of Get instruments.

    Raises:
        UnreadableReplyError: A field is missing or not what OKX documents.
    """
    try:
        return Instrument(
            name=text(row, "instId"),
            type=InstrumentType(text(row, "instType")),
            family=text(row, "instFamily"),
            tick=_amount(row, "tickSz"),
            lot=_amount(row, "lotSz"),
            minimum=_amount(row, "minSz"),
            maximum_limit=_amount(row, "maxLmtSz"),
            maximum_market=_amount(row, "maxMktSz"),
            tradable=text(row, "state") in _TRADABLE,
            base_currency=text(row, "baseCcy"),
            quote_currency=text(row, "quoteCcy"),
            settlement_currency=text(row, "settleCcy"),
            contract_value=text(row, "ctVal"),
            contract_currency=text(row, "ctValCcy"),
            strike_price=text(row, "stk"),
            expiry_ms=milliseconds(row, "expTime"),
            socket_code=_code(row),
        )
    except ValueError as error:
        raise UnreadableReplyError(f"not an instrument: {error}") from None


def _code(row: Row) -> int:
    code = row.get("instIdCode")
    return code if isinstance(code, int) and not isinstance(code, bool) else 0


def _amount(row: Row, key: str) -> Decimal:
    value = text(row, key)
    return amount_from_text(value) if value else Decimal(0)
