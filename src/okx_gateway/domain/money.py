"""How does text become an amount, and an amount text?  Pure.

Money is never a float. Inside it is `decimal.Decimal`, outside plain decimal text.
"""

import re
from collections.abc import Iterable
from decimal import Context, Decimal

# No sign, exponent, leading zero, blank or non-ASCII digit: `0`, `12`, `0.5`, `12.50`.
_PLAIN = re.compile(r"(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?", re.ASCII)
# 18 digits each side of the point; arithmetic on two such values stays exact.
_EXACT = Context(prec=80)


def amount_from_text(text: str) -> Decimal:
    """Read plain decimal text of at most 18 digits each side of the point.

    Raises:
        ValueError: The text is anything else, such as `1e3`, `+1`, `.5` or `٣`.
    """
    if not _PLAIN.fullmatch(text):
        raise ValueError(f"not a plain decimal: {text[:40]!r}")
    return Decimal(text)


def text_from_amount(amount: Decimal) -> str:
    """Write an amount in its shortest plain form: no exponent, no trailing zeros."""
    if amount == 0:
        return "0"
    return f"{amount.normalize(_EXACT):f}"


def sum_of(amounts: Iterable[Decimal]) -> Decimal:
    """Add amounts without rounding."""
    total = Decimal(0)
    for amount in amounts:
        total = _EXACT.add(total, amount)
    return total


def is_multiple(amount: Decimal, step: Decimal) -> bool:
    """Whether `amount` is a whole number of `step`s; a step of zero allows every amount."""
    return step == 0 or _EXACT.remainder(amount, step) == 0
