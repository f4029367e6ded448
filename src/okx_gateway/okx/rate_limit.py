"""How often may what be asked of OKX, and what does OKX count it by?  Pure: one table.

Source: OKX docs v5, November 2025, the "Rate Limit" lines of each endpoint, "Sub-account rate
limit", "Fill ratio based sub-account rate limit" and "WebSocket / Connect".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Scope(StrEnum):
    """Who shares a window: an owner, and the word of the request that tells its windows apart."""

    USER = "user"
    USER_INSTRUMENT = "user+instrument"  # for OPTION: user and instrument family
    USER_INSTRUMENT_ID = "user+instrument_id"  # for OPTION too
    USER_TYPE = "user+type"
    USER_CURRENCY = "user+currency"
    USER_TAG = "user+tag"
    ADDRESS = "address"  # the IP address that the request comes from
    ADDRESS_TYPE = "address+type"
    ADDRESS_INSTRUMENT_ID = "address+instrument_id"
    CONNECTION = "connection"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` in every `window_ms`, counted by `scope`.

    Requests are counted, or the orders in them where `order_weighted`. `sub_account` says whether
    these also count towards SUB_ACCOUNT_LIMIT. The WebSocket operation `operation`, empty where
    there is none, spends from the same windows.
    """

    count: int
    window_ms: int
    scope: Scope
    order_weighted: bool = False
    sub_account: bool = False
    operation: str = ""


# Method; path below /api/v5; how many in how many seconds; scope. Where they apply: `orders`, not
# requests, are counted; they count for the `sub`-account too; the operation over WebSocket (`ws`).
#
# A batch of one order counts as the single request, not as a batch. OKX prints no scope for the
# system's status, and does not say whether cancelling algo orders counts requests or orders: here
# the narrower reading stands. On instruments of lead traders OKX allows less than this.
_TABLE = """
POST trade/order                     60/2     user+instrument sub        ws:order
POST trade/batch-orders              300/2    user+instrument orders sub ws:batch-orders
POST trade/cancel-order              60/2     user+instrument            ws:cancel-order
POST trade/cancel-batch-orders       300/2    user+instrument orders     ws:batch-cancel-orders
POST trade/amend-order               60/2     user+instrument sub        ws:amend-order
POST trade/amend-batch-orders        300/2    user+instrument orders sub ws:batch-amend-orders
POST trade/close-position            20/2     user+instrument
GET  trade/order                     60/2     user+instrument
GET  trade/orders-pending            60/2     user
GET  trade/orders-history            40/2     user
GET  trade/orders-history-archive    20/2     user
GET  trade/fills                     60/2     user
GET  trade/fills-history             10/2     user
POST trade/mass-cancel               5/2      user                       ws:mass-cancel
POST trade/cancel-all-after          1/1      user+tag
GET  trade/account-rate-limit        1/1      user
POST trade/order-precheck            5/2      user
POST trade/order-algo                20/2     user+instrument
POST trade/cancel-algos              20/2     user+instrument orders
POST trade/amend-algos               20/2     user+instrument_id
POST trade/cancel-advance-algos      20/2     user+instrument orders
GET  trade/order-algo                20/2     user
GET  trade/orders-algo-pending       20/2     user
GET  trade/orders-algo-history       20/2     user
GET  account/balance                 10/2     user
GET  account/positions               10/2     user
GET  account/positions-history       10/2     user
GET  account/account-position-risk   10/2     user
GET  account/config                  5/2      user
GET  account/instruments             20/2     user+type
GET  account/bills                   5/1      user
GET  account/bills-archive           5/2      user
POST account/bills-history-archive   12/86400 user
GET  account/bills-history-archive   10/2     user
GET  account/leverage-info           20/2     user
POST account/set-leverage            20/2     user
POST account/set-position-mode       5/2      user
POST account/set-account-level       5/2      user
POST account/position/margin-balance 20/2     user
GET  account/max-size                20/2     user
GET  account/max-avail-size          20/2     user
GET  account/max-withdrawal          20/2     user
GET  account/max-loan                20/2     user
GET  account/trade-fee               5/2      user
GET  account/risk-state              10/2     user
POST account/mmp-config              2/10     user
POST account/mmp-reset               5/2      user
GET  market/tickers                  20/2     address
GET  market/ticker                   20/2     address
GET  market/books                    40/2     address
GET  market/books-full               10/2     address
GET  market/candles                  40/2     address
GET  market/history-candles          20/2     address
GET  market/trades                   100/2    address
GET  market/history-trades           20/2     address
GET  public/instruments              20/2     address+type
GET  public/time                     10/2     address
GET  public/mark-price               10/2     address+instrument_id
GET  public/funding-rate             10/2     address+instrument_id
GET  public/funding-rate-history     10/2     address+instrument_id
GET  public/open-interest            20/2     address+instrument_id
GET  public/price-limit              20/2     address
GET  public/position-tiers           10/2     address
GET  system/status                   1/5      address
GET  asset/balances                  6/1      user
GET  asset/currencies                6/1      user
GET  asset/asset-valuation           1/1      user
POST asset/transfer                  2/1      user+currency
GET  asset/transfer-state            10/1     user
GET  asset/bills                     6/1      user
GET  asset/bills-history             1/1      user
GET  asset/deposit-address           6/1      user
GET  asset/deposit-history           6/1      user
GET  asset/withdrawal-history        6/1      user
POST asset/withdrawal                6/1      user
POST asset/cancel-withdrawal         6/1      user
"""


def _limits(table: str) -> Mapping[tuple[str, str], Limit]:
    limits = {}
    for line in table.strip().splitlines():
        method, path, amount, scope, *marks = line.split()
        count, window_s = amount.split("/")
        limits[method, f"/api/v5/{path}"] = Limit(
            int(count),
            int(window_s) * 1000,
            Scope(scope),
            order_weighted="orders" in marks,
            sub_account="sub" in marks,
            operation=next((mark[3:] for mark in marks if mark.startswith("ws:")), ""),
        )
    return MappingProxyType(limits)


# By method and path, such as ("POST", "/api/v5/trade/order").
LIMITS = _limits(_TABLE)

# New and amended orders of one sub-account, all instruments together; each order of a batch counts.
# Orders on SPOT and MARGIN are exempt, and so are block trades, spreads and market maker
# protection. Exceeding it is answered 50061.
SUB_ACCOUNT_LIMIT = Limit(1_000, 2_000, Scope.USER, order_weighted=True)

# What SUB_ACCOUNT_LIMIT becomes from VIP 5 on, by the fill ratio of the last seven days: from that
# ratio on, so many orders. OKX computes it at 00:00 UTC and applies it at 08:00 UTC.
FILL_RATIO_TIERS = (
    (0, 1_000),
    (1, 1_250),
    (2, 1_500),
    (3, 1_750),
    (5, 2_000),
    (10, 2_500),
    (20, 3_000),
    (50, 10_000),
)

# Connecting a WebSocket, whatever it is for.
CONNECT_LIMIT = Limit(3, 1_000, Scope.ADDRESS)
# Subscribing, unsubscribing and logging in, together. Exceeding it is answered 60014.
CONNECTION_REQUEST_LIMIT = Limit(480, 3_600_000, Scope.CONNECTION)
# Arguments of one request over a WebSocket.
ARGUMENTS_BYTES_MAX = 64 << 10
# Connections on which one sub-account may have one of these channels subscribed.
CHANNEL_CONNECTIONS_MAX = 30
CHANNELS_BY_CONNECTIONS = frozenset(
    {
        "orders",
        "account",
        "positions",
        "balance_and_position",
        "liquidation-warning",
        "account-greeks",
    }
)
