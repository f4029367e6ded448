"""May this caller do that?  Pure.

What no grant allows is denied. Whether an account exists plays no part: to who may not use it, one
that exists is as one that does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from okx_gateway.ledger.caller_shares import CallerShare

EVERY = "*"


@dataclass(frozen=True, slots=True)
class OrderLimits:
    """What one order may be at most; None and an empty mapping for no limit.

    `largest` is by currency what an order may be worth: an order that is counted in a currency
    which is not there is refused. `collar_percent` is how far a price may be from the last one.
    Not `enforced`, orders beyond it are only counted.
    """

    market_orders: bool = True
    largest: Mapping[str, Decimal] = field(default_factory=dict)
    collar_percent: Decimal | None = None
    enforced: bool = True


@dataclass(frozen=True, slots=True)
class Grant:
    """What a caller may do with an account: calls by name, instruments by name or BTC-*."""

    calls: frozenset[str]
    instruments: frozenset[str]
    limits: OrderLimits = OrderLimits()

    def denies(self, call: str, instruments: tuple[str, ...]) -> str:
        """Why it denies a call about these instruments, if any; empty where it allows it."""
        if not _named(call, self.calls):
            return "the grant's calls do not include it"
        if not all(_matches(each, self.instruments) for each in instruments):
            return "the grant's instruments do not include it"
        return ""


@dataclass(frozen=True, slots=True)
class CallerRights:
    """Everything a caller may do: calls that are about no account, and grants by account."""

    market: frozenset[str] = frozenset()
    accounts: Mapping[str, Grant] = field(default_factory=dict)
    share: CallerShare | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What every caller may do; `revision` is what people call this version of it.

    Not `enforced`, what it denies is let through and counted.
    """

    revision: str
    callers: Mapping[str, CallerRights]
    enforced: bool = True


@dataclass(frozen=True, slots=True)
class Permitted:
    """It may; on an account within `limits`."""

    limits: OrderLimits | None = None


@dataclass(frozen=True, slots=True)
class Denied:
    """It may not; `cause` is for operators, callers are told nothing of it."""

    cause: str


def decide(
    policy: Policy, caller: str, call: str, account: str | None, instruments: tuple[str, ...] = ()
) -> Permitted | Denied:
    """Decide on one call; `account` is None where the call is about none."""
    rights = policy.callers.get(caller)
    if rights is None:
        return Denied("the policy does not name the caller")
    if account is None:
        allowed = _named(call, rights.market)
        return Permitted() if allowed else Denied("the caller's market calls do not include it")
    grant = rights.accounts.get(account)
    cause = (
        "the caller has no grant on the account"
        if grant is None
        else grant.denies(call, instruments)
    )
    if grant is None or cause:
        return Denied(cause)
    return Permitted(grant.limits)


def _named(call: str, calls: frozenset[str]) -> bool:
    return call in calls or EVERY in calls


def _matches(instrument: str, patterns: frozenset[str]) -> bool:
    return instrument in patterns or any(
        pattern.endswith(EVERY) and instrument.startswith(pattern[:-1]) for pattern in patterns
    )
