"""Which windows does a request spend from, and from which part of each?  Pure.

What OKX allows in a window is split into parts that are counted apart, so that no mishap in one can
make the whole exceed it: floors of the replicas, kept in their memory for when Redis is away; a
reserve for look-ups that end doubts; shares of named callers; and a pool for everybody.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from okx_gateway.domain.account import Account
from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.ledger.caller_shares import CallerShares
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.rate_limit import CONNECT_LIMIT, SUB_ACCOUNT_LIMIT, Limit, Scope

# Who asks where no caller does: no caller can have these names. What doubts are ended with is kept
# for the first alone.
GATEWAY = "(gateway)"
LIVE_STATE = "(live state)"

# OKX does not count orders on these towards the sub-account limit.
# Source: OKX docs v5, "Sub-account rate limit".
_EXEMPT_FROM_SUB_ACCOUNT = frozenset({InstrumentType.SPOT, InstrumentType.MARGIN})

# Whatever Redis does, nothing is placed without a row in its journal: floors would be of no use.
_WITHOUT_FLOOR = frozenset({Endpoint.PLACE_ORDER, Endpoint.PLACE_ORDERS, Endpoint.AMEND_ORDER})
_DOUBT_RESERVE = 3  # one part in three of the look-ups

# What no caller asks for is not split between callers.
_OF_THE_GATEWAY = frozenset(
    {
        Endpoint.GET_ORDERS_PENDING,
        Endpoint.GET_ORDERS_HISTORY,
        Endpoint.GET_FILLS,
        Endpoint.GET_ACCOUNT_CONFIG,
        Endpoint.GET_ACCOUNT_RATE_LIMIT,
        Endpoint.GET_TIME,
        Endpoint.GET_INSTRUMENTS,
    }
)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a window for one caller, or its cap on the pool: whose, and how many."""

    caller: str
    capacity: int


@dataclass(frozen=True, slots=True)
class Charge:
    """What one request takes from one window.

    `name` is the window as callers see it, unique within its owner: `place_order:BTC-USDT`.
    `pool` is what everybody may take of it, `share` what is kept for the one who asks, `cap` the
    most it may take of the pool; `floor` what each replica may take without asking.
    """

    name: str
    pool: int
    width_us: int
    cost: int = 1
    share: Part | None = None
    cap: Part | None = None
    floor: int = 0


Route = tuple[Charge, ...]
"""Windows that a request spends from together, all or none."""


# Its limit is not the same for every account.
SUB_ACCOUNT = "sub_account"
_CONNECT = "websocket_connect"


def limit_of_window(name: str) -> Limit:
    """What OKX allows in the window of a charge's name.

    Raises:
        KeyError: No charge has that name.
    """
    if name == SUB_ACCOUNT:
        return SUB_ACCOUNT_LIMIT
    if name == _CONNECT:
        return CONNECT_LIMIT
    return Endpoint[name.partition(":")[0].upper()].limit


@dataclass(frozen=True, slots=True)
class ChargeTable:
    """Charges with every window widened by what `jitter_ms` tells.

    The widening is how much longer one request may take to OKX than another: without it, requests
    that left in two windows could arrive in one.
    """

    jitter_ms: Callable[[], int]
    shares: CallerShares = field(default_factory=CallerShares)
    replicas_max: int = 0

    def of_placing(
        self, instrument: Instrument, account: Account, caller: str
    ) -> tuple[Route, ...]:
        """The ways an order may go: by itself, or with others in a batch, which OKX counts apart.

        In portfolio margin mode OKX takes a batch as a whole or not at all: no order may share one.
        """
        alone = self.of_order(Endpoint.PLACE_ORDER, instrument, account, caller)
        if account.portfolio_margin:
            return (alone,)
        return alone, self.of_order(Endpoint.PLACE_ORDERS, instrument, account, caller)

    def of_order(
        self, endpoint: Endpoint, instrument: Instrument, account: Account, caller: str
    ) -> Route:
        """Charges of a request about one order on `instrument`."""
        # OKX counts options by family, everything else by instrument.
        counted_by = (
            instrument.family if instrument.type is InstrumentType.OPTION else instrument.name
        )
        charge = self._charge(
            f"{endpoint.name.lower()}:{counted_by}", endpoint.limit, caller, endpoint
        )
        if endpoint.limit.sub_account and instrument.type not in _EXEMPT_FROM_SUB_ACCOUNT:
            limit = Limit(account.orders_per_2_s, SUB_ACCOUNT_LIMIT.window_ms, Scope.USER)
            return charge, self._charge(SUB_ACCOUNT, limit, caller)
        return (charge,)

    def of_read(
        self, endpoint: Endpoint, caller: str = GATEWAY, *, kind: InstrumentType | None = None
    ) -> Route:
        """Charges of a request that is not about one order; `kind` where OKX counts by type."""
        name = endpoint.name.lower()
        if endpoint.limit.scope is Scope.ADDRESS_TYPE and kind is not None:
            name = f"{name}:{kind.value}"
        return (self._charge(name, endpoint.limit, caller, endpoint),)

    def of_connecting(self) -> Route:
        """Charge of opening a WebSocket."""
        return (self._charge(_CONNECT, CONNECT_LIMIT, GATEWAY),)

    def _charge(
        self, name: str, limit: Limit, caller: str, endpoint: Endpoint | None = None
    ) -> Charge:
        floor = 0
        if self.replicas_max and endpoint is not None and endpoint not in _WITHOUT_FLOOR:
            floor = limit.count // (3 * self.replicas_max)
        count = limit.count - floor * self.replicas_max
        width_us = (limit.window_ms + self.jitter_ms()) * 1000
        reserve = count // _DOUBT_RESERVE if endpoint is Endpoint.GET_ORDER else 0
        count -= reserve
        if endpoint in _OF_THE_GATEWAY:
            return Charge(name, count, width_us, floor=floor)
        pool = self.shares.pool(count)
        share = self.shares.of(caller)
        guaranteed = count * share.guaranteed // 100
        if caller == GATEWAY:
            guaranteed = reserve
        cap = None
        if share.maximum < 100 and caller != GATEWAY:
            cap = Part(caller, max(0, count * share.maximum // 100 - guaranteed))
        return Charge(
            name,
            pool,
            width_us,
            share=Part(caller, guaranteed) if guaranteed else None,
            cap=cap,
            floor=floor,
        )
