"""Which limit does OKX publish for which endpoint?

Pure: a table. Endpoints that are not in it have no published limit.

Source: OKX docs, the 'Rate Limit' line of each endpoint; 'Sub-account rate limit' and
'WebSocket' for the rest. Two rows rest on less: the scope of system/status is not printed,
and whether cancel-algos counts calls or orders is open, so it counts orders.
"""

from dataclasses import dataclass
from enum import StrEnum

SECOND_US = 1_000_000


class Scope(StrEnum):
    """Who shares one window: an owner, and the word of the request that tells windows apart.

    The windows of orders hold a whole instrument family in the case of options.
    """

    USER = "uid"
    USER_INSTRUMENT = "uid+instId|family"
    USER_INSTRUMENT_ID = "uid+instId"
    USER_INSTRUMENT_TYPE = "uid+instType"
    USER_CURRENCY = "uid+ccy"
    USER_TAG = "uid+tag"
    IP = "ip"
    IP_INSTRUMENT_TYPE = "ip+instType"
    IP_INSTRUMENT_ID = "ip+instId"
    IP_FAMILY = "ip+instFamily"


@dataclass(frozen=True, slots=True)
class Limit:
    """`amount` requests per `window_us` and scope; per order where `per_order`.

    `sub_account` marks orders that also count towards the limit of the whole sub-account.
    `single` is the path whose window a batch of one element uses instead.
    """

    path: str
    amount: int
    window_us: int
    scope: Scope
    per_order: bool = False
    sub_account: bool = False
    single: str = ""
    method: str = "GET"


def _get(path: str, amount: int, window_s: int, scope: Scope) -> Limit:
    return Limit(f"/api/v5/{path}", amount, window_s * SECOND_US, scope)


def _post(path: str, amount: int, window_s: int, scope: Scope, *, per_order: bool = False) -> Limit:
    return Limit(
        f"/api/v5/{path}", amount, window_s * SECOND_US, scope, per_order=per_order, method="POST"
    )


def _order(path: str, *, sub_account: bool) -> Limit:
    return Limit(
        f"/api/v5/trade/{path}",
        60,
        2 * SECOND_US,
        Scope.USER_INSTRUMENT,
        per_order=True,
        sub_account=sub_account,
        method="POST",
    )


def _batch(path: str, single: str, *, sub_account: bool) -> Limit:
    return Limit(
        f"/api/v5/trade/{path}",
        300,
        2 * SECOND_US,
        Scope.USER_INSTRUMENT,
        per_order=True,
        sub_account=sub_account,
        single=f"/api/v5/trade/{single}",
        method="POST",
    )


_ROWS = (
    _order("order", sub_account=True),
    _order("amend-order", sub_account=True),
    _order("cancel-order", sub_account=False),
    _batch("batch-orders", "order", sub_account=True),
    _batch("amend-batch-orders", "amend-order", sub_account=True),
    _batch("cancel-batch-orders", "cancel-order", sub_account=False),
    _post("trade/close-position", 20, 2, Scope.USER_INSTRUMENT),
    _post("trade/mass-cancel", 5, 2, Scope.USER),
    _post("trade/cancel-all-after", 1, 1, Scope.USER_TAG),
    _post("trade/order-precheck", 5, 2, Scope.USER),
    _post("trade/order-algo", 20, 2, Scope.USER_INSTRUMENT),
    _post("trade/cancel-algos", 20, 2, Scope.USER_INSTRUMENT, per_order=True),
    _post("trade/amend-algos", 20, 2, Scope.USER_INSTRUMENT_ID),
    _post("trade/cancel-advance-algos", 20, 2, Scope.USER_INSTRUMENT, per_order=True),
    _get("trade/order", 60, 2, Scope.USER_INSTRUMENT),
    _get("trade/orders-pending", 60, 2, Scope.USER),
    _get("trade/orders-history", 40, 2, Scope.USER),
    _get("trade/orders-history-archive", 20, 2, Scope.USER),
    _get("trade/fills", 60, 2, Scope.USER),
    _get("trade/fills-history", 10, 2, Scope.USER),
    _get("trade/account-rate-limit", 1, 1, Scope.USER),
    _get("trade/order-algo", 20, 2, Scope.USER),
    _get("trade/orders-algo-pending", 20, 2, Scope.USER),
    _get("trade/orders-algo-history", 20, 2, Scope.USER),
    _get("account/balance", 10, 2, Scope.USER),
    _get("account/positions", 10, 2, Scope.USER),
    _get("account/positions-history", 10, 2, Scope.USER),
    _get("account/account-position-risk", 10, 2, Scope.USER),
    _get("account/config", 5, 2, Scope.USER),
    _get("account/instruments", 20, 2, Scope.USER_INSTRUMENT_TYPE),
    _get("account/bills", 5, 1, Scope.USER),
    _get("account/bills-archive", 5, 2, Scope.USER),
    _post("account/bills-history-archive", 12, 86_400, Scope.USER),
    _get("account/bills-history-archive", 10, 2, Scope.USER),
    _get("account/leverage-info", 20, 2, Scope.USER),
    _post("account/set-leverage", 20, 2, Scope.USER),
    _post("account/set-position-mode", 5, 2, Scope.USER),
    _post("account/set-account-level", 5, 2, Scope.USER),
    _post("account/position/margin-balance", 20, 2, Scope.USER),
    _get("account/max-size", 20, 2, Scope.USER),
    _get("account/max-avail-size", 20, 2, Scope.USER),
    _get("account/max-withdrawal", 20, 2, Scope.USER),
    _get("account/max-loan", 20, 2, Scope.USER),
    _get("account/trade-fee", 5, 2, Scope.USER),
    _get("account/risk-state", 10, 2, Scope.USER),
    _get("account/mmp-config", 5, 2, Scope.USER),
    _post("account/mmp-config", 2, 10, Scope.USER),
    _post("account/mmp-reset", 5, 2, Scope.USER),
    _get("market/tickers", 20, 2, Scope.IP),
    _get("market/ticker", 20, 2, Scope.IP),
    _get("market/books", 40, 2, Scope.IP),
    _get("market/books-full", 10, 2, Scope.IP),
    _get("market/candles", 40, 2, Scope.IP),
    _get("market/history-candles", 20, 2, Scope.IP),
    _get("market/trades", 100, 2, Scope.IP),
    _get("market/history-trades", 20, 2, Scope.IP),
    _get("market/index-tickers", 20, 2, Scope.IP),
    _get("market/index-candles", 20, 2, Scope.IP),
    _get("market/history-index-candles", 10, 2, Scope.IP),
    _get("market/mark-price-candles", 20, 2, Scope.IP),
    _get("market/history-mark-price-candles", 20, 2, Scope.IP),
    _get("public/underlying", 20, 2, Scope.IP),
    _get("public/opt-summary", 20, 2, Scope.IP_FAMILY),
    _get("public/instruments", 20, 2, Scope.IP_INSTRUMENT_TYPE),
    _get("public/time", 10, 2, Scope.IP),
    _get("public/mark-price", 10, 2, Scope.IP_INSTRUMENT_ID),
    _get("public/funding-rate", 10, 2, Scope.IP_INSTRUMENT_ID),
    _get("public/funding-rate-history", 10, 2, Scope.IP_INSTRUMENT_ID),
    _get("public/open-interest", 20, 2, Scope.IP_INSTRUMENT_ID),
    _get("public/price-limit", 20, 2, Scope.IP),
    _get("public/position-tiers", 10, 2, Scope.IP),
    _get("system/status", 1, 5, Scope.IP),
    _get("asset/balances", 6, 1, Scope.USER),
    _get("asset/currencies", 6, 1, Scope.USER),
    _get("asset/non-tradable-assets", 6, 1, Scope.USER),
    _get("asset/asset-valuation", 1, 1, Scope.USER),
    _post("asset/transfer", 2, 1, Scope.USER_CURRENCY),
    _get("asset/transfer-state", 10, 1, Scope.USER),
    _get("asset/bills", 6, 1, Scope.USER),
    _get("asset/bills-history", 1, 1, Scope.USER),
    _get("asset/deposit-address", 6, 1, Scope.USER),
    _get("asset/deposit-history", 6, 1, Scope.USER),
    _get("asset/withdrawal-history", 6, 1, Scope.USER),
    _post("asset/withdrawal", 6, 1, Scope.USER),
    _post("asset/cancel-withdrawal", 6, 1, Scope.USER),
)

LIMITS = {(row.method, row.path): row for row in _ROWS}

# New and amended orders of one sub-account, over all its instruments and both doors. OKX docs,
# 'Sub-account rate limit': spot and margin orders are exempt, and so are market maker
# protection orders.
SUB_ACCOUNT = Limit("sub-account new and amended orders", 1000, 2 * SECOND_US, Scope.USER)
SUB_ACCOUNT_EXEMPT_TYPES = frozenset({"SPOT", "MARGIN"})
SUB_ACCOUNT_EXEMPT_ORDER_TYPES = frozenset({"mmp", "mmp_and_post_only"})

# OKX docs, 'WebSocket': connects per IP, and requests to login, subscribe and unsubscribe
# per connection.
CONNECT = Limit("websocket connect", 3, SECOND_US, Scope.IP)
CONNECTION_REQUESTS_MAX = 480
CONNECTION_REQUESTS_WINDOW_US = 3600 * SECOND_US

# The order operations of a socket use the windows of these REST endpoints.
PATH_BY_OPERATION = {
    "order": "/api/v5/trade/order",
    "batch-orders": "/api/v5/trade/batch-orders",
    "cancel-order": "/api/v5/trade/cancel-order",
    "batch-cancel-orders": "/api/v5/trade/cancel-batch-orders",
    "amend-order": "/api/v5/trade/amend-order",
    "batch-amend-orders": "/api/v5/trade/amend-batch-orders",
    "mass-cancel": "/api/v5/trade/mass-cancel",
}
