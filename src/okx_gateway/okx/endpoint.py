"""Which requests does the gateway make of OKX?  Pure: a closed list.

There is no endpoint that moves funds out. Source: OKX docs v5, "Order Book Trading", "Trading
Account" and "Public Data", November 2025.
"""

from dataclasses import dataclass, field
from enum import Enum

from okx_gateway.okx.rate_limit import LIMITS, Limit


@dataclass(frozen=True, slots=True)
class EndpointFact:
    """Method, path from the root, whether OKX wants it signed, and its limit.

    Raises:
        KeyError: The table of limits has no such request.
    """

    method: str
    path: str
    private: bool
    limit: Limit = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "limit", LIMITS[self.method, self.path])


class Endpoint(Enum):
    """Every request the gateway makes, and so every request it may sign."""

    PLACE_ORDER = EndpointFact("POST", "/api/v5/trade/order", private=True)
    PLACE_ORDERS = EndpointFact("POST", "/api/v5/trade/batch-orders", private=True)
    AMEND_ORDER = EndpointFact("POST", "/api/v5/trade/amend-order", private=True)
    CANCEL_ORDER = EndpointFact("POST", "/api/v5/trade/cancel-order", private=True)
    GET_ORDER = EndpointFact("GET", "/api/v5/trade/order", private=True)
    GET_ORDERS_PENDING = EndpointFact("GET", "/api/v5/trade/orders-pending", private=True)
    GET_ORDERS_HISTORY = EndpointFact("GET", "/api/v5/trade/orders-history", private=True)
    GET_FILLS = EndpointFact("GET", "/api/v5/trade/fills", private=True)
    GET_ACCOUNT_RATE_LIMIT = EndpointFact("GET", "/api/v5/trade/account-rate-limit", private=True)
    GET_BALANCE = EndpointFact("GET", "/api/v5/account/balance", private=True)
    GET_ACCOUNT_CONFIG = EndpointFact("GET", "/api/v5/account/config", private=True)
    GET_TICKER = EndpointFact("GET", "/api/v5/market/ticker", private=False)
    GET_TICKERS = EndpointFact("GET", "/api/v5/market/tickers", private=False)
    GET_ORDER_BOOK = EndpointFact("GET", "/api/v5/market/books", private=False)
    GET_TIME = EndpointFact("GET", "/api/v5/public/time", private=False)
    GET_INSTRUMENTS = EndpointFact("GET", "/api/v5/public/instruments", private=False)

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

    @property
    def limit(self) -> Limit:
        """How often it may be made."""
        return self.value.limit
