"""How do decimal numbers travel as text? Pure."""

import re
from decimal import ROUND_DOWN, ROUND_UP, Decimal

# Plain notation with an optional sign: "0.5", "-1", "10.00".  No exponent, no blanks.
_PLAIN = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
# Money has at most as many decimals, so that sums of it are exact.
_DECIMALS_MAX = 16
ZERO = Decimal(0)
ONE = Decimal(1)


def text(number: Decimal) -> str:
    """Return `number` in plain notation without trailing zeros, as OKX writes money.

    What a division made endless is cut to sixteen decimals.
    """
    plain = format(number, "f")
    if len(plain.partition(".")[2]) > _DECIMALS_MAX:
        plain = format(round(number, _DECIMALS_MAX), "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return "0" if plain == "-0" else plain


def trimmed(amount: Decimal) -> Decimal:
    """Return an amount without the endless decimals of a division."""
    return round(amount, _DECIMALS_MAX)


def parse(raw: str) -> Decimal | None:
    """Return the number that `raw` spells in plain notation, or None."""
    return Decimal(raw) if _PLAIN.fullmatch(raw) else None


def floor_to(number: Decimal, step: Decimal) -> Decimal:
    """Return the multiple of `step` nearest to `number` towards zero."""
    return (number / step).to_integral_value(ROUND_DOWN) * step


def ceil_to(number: Decimal, step: Decimal) -> Decimal:
    """Return the multiple of `step` nearest to `number` away from zero."""
    return (number / step).to_integral_value(ROUND_UP) * step


def is_multiple(number: Decimal, step: Decimal) -> bool:
    """Tell whether `number` lies on the grid of `step`."""
    return number % step == 0


def rounded(number: float, step: Decimal) -> Decimal:
    """Return the multiple of `step` nearest to the float `number`, never below one step."""
    return max(step, round(number / float(step)) * step)
