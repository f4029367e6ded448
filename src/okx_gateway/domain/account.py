"""Which account of OKX is meant by a name?  Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """An account whose credential was verified.

    `owner` names the OKX user that limits and order ids belong to, such as `demo:447058923436195`;
    two names for one user share it. `long_short` tells its position mode.
    """

    name: str
    owner: str
    long_short: bool
