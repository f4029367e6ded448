"""How is a balance read from OKX?  Pure.

Source: OKX docs v5, "Trading Account / Get balance".
"""

from okx_gateway.domain.balance import Balance, CurrencyBalance
from okx_gateway.okx.reply import Row, UnreadableReplyError, milliseconds, text


def balance_from_row(row: Row) -> Balance:
    """Read data[0] of Get balance.

    Raises:
        UnreadableReplyError: A field is not what OKX documents.
    """
    details = row.get("details", [])
    if not isinstance(details, list) or not all(isinstance(each, dict) for each in details):
        raise UnreadableReplyError("details is not a list of objects")
    return Balance(
        total_equity_usd=text(row, "totalEq"),
        adjusted_equity_usd=text(row, "adjEq"),
        currencies=tuple(_currency_balance(each) for each in details),
        update_ms=milliseconds(row, "uTime"),
    )


def _currency_balance(row: Row) -> CurrencyBalance:
    return CurrencyBalance(
        currency=text(row, "ccy"),
        cash=text(row, "cashBal"),
        available=text(row, "availBal"),
        frozen=text(row, "frozenBal"),
        equity=text(row, "eq"),
        equity_usd=text(row, "eqUsd"),
        liability=text(row, "liab"),
        unrealised_profit=text(row, "upl"),
        update_ms=milliseconds(row, "uTime"),
    )
