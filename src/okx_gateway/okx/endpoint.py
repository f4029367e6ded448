"""Which requests does the gateway make of OKX, and what does OKX allow?  Pure.

Source: OKX docs v5, "Order Book Trading", "Trading Account" and "Public Data", November 2025, the
"Rate Limit" lines of each endpoint. There is no endpoint that moves funds out.
"""

from dataclasses import dataclass
from enum import Enum, auto


class Scope(Enum):
    """What OKX counts a limit by."""

    USER = auto()
    USER_INSTRUMENT = auto()  # for OPTION: user and instrument family
    ADDRESS = auto()  # the IP address that the request comes from
    ADDRESS_TYPE = auto()  # IP address and instrument type


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` requests in every `window_ms`, counted by `scope`."""

    count: int
    window_ms: int
    scope: Scope


@dataclass(frozen=True, slots=True)
class EndpointFact:
    """Method, path, whether it is signed, and its limit.

    `sub_account` says whether it counts towards SUB_ACCOUNT_LIMIT.
    """

    method: str
    path: str
    private: bool
    limit: Limit
    sub_account: bool = False


class Endpoint(Enum):
    """Every request the gateway makes, and so every request it may sign."""

    PLACE_ORDER = EndpointFact(
        "POST",
        "/api/v5/trade/order",
        private=True,
        limit=Limit(60, 2_000, Scope.USER_INSTRUMENT),
        sub_account=True,
    )
    CANCEL_ORDER = EndpointFact(
        "POST",
        "/api/v5/trade/cancel-order",
        private=True,
        limit=Limit(60, 2_000, Scope.USER_INSTRUMENT),
    )
    GET_ORDER = EndpointFact(
        "GET",
        "/api/v5/trade/order",
        private=True,
        limit=Limit(60, 2_000, Scope.USER_INSTRUMENT),
    )
    GET_BALANCE = EndpointFact(
        "GET", "/api/v5/account/balance", private=True, limit=Limit(10, 2_000, Scope.USER)
    )
    GET_ACCOUNT_CONFIG = EndpointFact(
        "GET", "/api/v5/account/config", private=True, limit=Limit(5, 2_000, Scope.USER)
    )
    GET_TIME = EndpointFact(
        "GET", "/api/v5/public/time", private=False, limit=Limit(10, 2_000, Scope.ADDRESS)
    )
    GET_INSTRUMENTS = EndpointFact(
        "GET",
        "/api/v5/public/instruments",
        private=False,
        limit=Limit(20, 2_000, Scope.ADDRESS_TYPE),
    )

    @property
    def method(self) -> str:
        """HTTP method, upper case as it is signed."""
        return self.value.method

    @property
    def path(self) -> str:
        """Path from the root, without a query."""
        return self.value.path

    @property
    def private(self) -> bool:
        """Whether OKX wants it signed."""
        return self.value.private


# New and amended orders of one sub-account, all instruments together; SPOT and MARGIN orders are
# exempt. Exceeding it is answered 50061. Source: OKX docs v5, "Sub-account rate limit".
SUB_ACCOUNT_LIMIT = Limit(1_000, 2_000, Scope.USER)
