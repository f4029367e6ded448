"""What may be ordered of an instrument?  Pure."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class InstrumentType(StrEnum):
    """Kind of instrument. The same id, such as BTC-USDT, may exist as SPOT and as MARGIN."""

    SPOT = "SPOT"
    MARGIN = "MARGIN"
    SWAP = "SWAP"
    FUTURES = "FUTURES"
    OPTION = "OPTION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """An instrument and its trading rules.

    `tick` is the price step, `lot` the quantity step and `minimum` the least quantity: in base
    currency for SPOT and MARGIN, in contracts for derivatives. A maximum of zero means none told.
    `family` is the option family, such as BTC-USD; empty where there is none. The texts after
    it are told as OKX wrote them, empty where they do not apply; `expiry_ms` is of OKX's clock, 0
    where there is no end. `socket_code` is what orders over a WebSocket name it by, until it is
    listed anew: kept in memory only, 0 where OKX tells none.
    """

    name: str
    type: InstrumentType
    family: str
    tick: Decimal
    lot: Decimal
    minimum: Decimal
    maximum_limit: Decimal
    maximum_market: Decimal
    tradable: bool
    base_currency: str = ""
    quote_currency: str = ""
    settlement_currency: str = ""
    contract_value: str = ""
    contract_currency: str = ""
    strike_price: str = ""
    expiry_ms: int = 0
    socket_code: int = 0
