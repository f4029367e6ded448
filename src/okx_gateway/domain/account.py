"""Which account of OKX is meant by a name?  Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """An account whose credential was verified.

    `owner` names the OKX user that limits and order ids belong to, such as `demo:447058923436195`;
    two names for one user share it. `long_short` tells its position mode, and `portfolio_margin`
    that OKX takes all of a batch or nothing. `orders_per_2_s` is how many new and amended orders it
    may send, on all instruments together.
    """

    name: str
    owner: str
    long_short: bool
    portfolio_margin: bool = False
    orders_per_2_s: int = 1_000
