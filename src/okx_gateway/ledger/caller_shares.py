"""How much of a window may each caller take?  Pure.

Written as `algo=20-60,web=10-30`: of every window that orders and reads of an account spend from,
`algo` has 20 % for itself and gets at most 60 % in all. Who is not named has nothing for itself;
the percentage behind `*` is the most that each such caller gets, 100 where it is not given.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

EVERYBODY_ELSE = "*"
_ENTRY = re.compile(r"(\*|[a-z][a-z0-9-]{0,31})=(\d{1,3})-(\d{1,3})", re.ASCII)
_CALLERS_MAX = 32


@dataclass(frozen=True, slots=True)
class CallerShare:
    """Percent of a window that are kept for a caller, and that it gets at most."""

    guaranteed: int = 0
    maximum: int = 100


@dataclass(frozen=True, slots=True)
class CallerShares:
    """The share of every caller."""

    by_caller: Mapping[str, CallerShare] = field(default_factory=dict)

    def of(self, caller: str) -> CallerShare:
        """The share of a caller."""
        return self.by_caller.get(caller) or self.by_caller.get(EVERYBODY_ELSE) or CallerShare()

    def pool(self, count: int) -> int:
        """What is left of a window of `count` for everybody, once every guarantee is taken off."""
        return count - sum(count * share.guaranteed // 100 for share in self.by_caller.values())


def caller_shares_from(text: str) -> CallerShares:
    """Read `algo=20-60,web=10-30`.

    Raises:
        ValueError: It is not of that form, or promises more than there is; says which.
    """
    shares: dict[str, CallerShare] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        matched = _ENTRY.fullmatch(entry)
        if matched is None:
            raise ValueError(f"must be entries such as algo=20-60, not {entry[:60]!r}")
        caller, guaranteed, maximum = matched[1], int(matched[2]), int(matched[3])
        if caller in shares:
            raise ValueError(f"must name {caller} once")
        if not guaranteed <= maximum <= 100 or maximum == 0:
            raise ValueError(f"must give {caller} a guarantee of at most its maximum, 1 to 100")
        if caller == EVERYBODY_ELSE and guaranteed:
            raise ValueError("must guarantee nothing to *, of which there may be any number")
        shares[caller] = CallerShare(guaranteed, maximum)
    if len(shares) > _CALLERS_MAX:
        raise ValueError(f"must name at most {_CALLERS_MAX} callers")
    if sum(share.guaranteed for share in shares.values()) > 100:
        raise ValueError("must not guarantee more than 100 percent in all")
    return CallerShares(shares)
