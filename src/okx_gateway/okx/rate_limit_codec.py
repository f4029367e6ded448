"""How does OKX write the rate limit of an account?  Pure.

Source: OKX docs v5, "Order Book Trading / Trade": GET Account rate limit.
"""

from okx_gateway.okx.rate_limit import FILL_RATIO_TIERS, SUB_ACCOUNT_LIMIT
from okx_gateway.okx.reply import Row, UnreadableReplyError, text

_COUNT_MAX = FILL_RATIO_TIERS[-1][1]


def orders_per_2_s_from_row(row: Row) -> int:
    """Read how many new and amended orders an account may send in 2 s, now and from the next day.

    Where OKX tells nothing, as below VIP 5 and in demo trading, it is what everybody may.

    Raises:
        UnreadableReplyError: It is no number, or none that OKX documents.
    """
    now = _count(row, "accRateLimit") or SUB_ACCOUNT_LIMIT.count
    # Lowered from one moment to the next, it would be exceeded until it is read again.
    return min(now, _count(row, "nextAccRateLimit") or now)


def _count(row: Row, key: str) -> int:
    value = text(row, key)
    if not value:
        return 0
    is_number = value.isascii() and value.isdigit() and len(value) <= 9
    if not is_number or not 0 < int(value) <= _COUNT_MAX:
        raise UnreadableReplyError(f"{key} is no rate limit")
    return int(value)
