"""Which pairs, contracts and options does the exchange trade? Pure.

Steps, minimums and contract values are those of OKX's live market.
Source: OKX docs, 'Get instruments', and its answers of 2026.
"""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Pair:
    """A spot pair; `lever` is the highest leverage of its margin twin, empty without one."""

    inst_id: str
    tick_sz: str
    lot_sz: str
    min_sz: str
    max_mkt_sz: str = "1000000"
    lever: str = ""


@dataclass(frozen=True, slots=True)
class Contract:
    """A family of futures: perpetual, and dated with these aliases."""

    family: str
    settle_ccy: str
    ct_val: str
    tick_sz: str
    lot_sz: str
    max_mkt_sz: str
    lever: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OptionFamily:
    """A family of options settled in its base currency, with strikes in USD."""

    family: str
    ct_mult: str
    tick_sz: str
    strikes: tuple[str, ...]
    aliases: tuple[str, ...]


PAIRS = (
    Pair("BTC-USDT", "0.1", "0.00000001", "0.00001", lever="10"),
    Pair("ETH-USDT", "0.01", "0.000001", "0.0001", lever="10"),
    Pair("SOL-USDT", "0.01", "0.000001", "0.01", lever="10"),
    Pair("XRP-USDT", "0.0001", "0.000001", "1", lever="10"),
    Pair("DOGE-USDT", "0.00001", "0.000001", "10", lever="10"),
    Pair("OKB-USDT", "0.01", "0.000001", "0.01"),
    Pair("USDC-USDT", "0.0001", "0.000001", "1"),
    Pair("BTC-USDC", "0.1", "0.00000001", "0.00001"),
    Pair("ETH-USDC", "0.01", "0.000001", "0.0001"),
    Pair("ETH-BTC", "0.00001", "0.000001", "0.0001", lever="10"),
)

_DATED = ("this_week", "next_week", "quarter", "next_quarter")
CONTRACTS = (
    Contract("BTC-USDT", "USDT", "0.01", "0.1", "0.01", "20000", "100", _DATED),
    Contract("ETH-USDT", "USDT", "0.1", "0.01", "0.01", "20000", "100", ("this_week", "quarter")),
    Contract("SOL-USDT", "USDT", "1", "0.01", "0.01", "30000", "50"),
    Contract("XRP-USDT", "USDT", "100", "0.0001", "0.01", "20000", "50"),
    Contract("DOGE-USDT", "USDT", "1000", "0.00001", "0.01", "20000", "50"),
    Contract("BTC-USDC", "USDC", "0.0001", "0.1", "1", "1000000", "50"),
    Contract("BTC-USD", "BTC", "100", "0.1", "1", "60000", "100", ("this_week", "quarter")),
    Contract("ETH-USD", "ETH", "10", "0.01", "1", "60000", "100", ("quarter",)),
)

OPTIONS = (
    OptionFamily(
        "BTC-USD", "0.01", "0.0001", ("90000", "100000", "110000"), ("this_week", "quarter")
    ),
    OptionFamily("ETH-USD", "0.1", "0.0001", ("3500", "4000", "4500"), ("quarter",)),
)

# Prices in USD at the start of the simulation. Everything else follows from these.
START_USD = {
    "BTC": 100_000.0,
    "ETH": 4_000.0,
    "SOL": 200.0,
    "XRP": 2.5,
    "DOGE": 0.2,
    "OKB": 100.0,
    "USDC": 1.0,
    "USDT": 1.0,
}

MAX_LIMIT_SZ_PAIR = Decimal(9_999_999_999)
MAX_LIMIT_SZ_CONTRACT = Decimal(100_000_000)
MAX_SZ_OPTION = Decimal(10_000)
