"""What can be traded, in which steps and sizes? Pure.

Source: OKX docs, 'Get instruments'.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from okx_simulator.answer import Row
from okx_simulator.number import ONE, ZERO, text

InstType: TypeAlias = Literal["SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION"]
DERIVATIVES = ("SWAP", "FUTURES", "OPTION")
INST_TYPES: tuple[InstType, ...] = ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION")


# Compared by identity, which makes an instrument a cheap key.
@dataclass(frozen=True, slots=True, eq=False)
class Instrument:
    """One instrument. Sizes are base currency for SPOT and MARGIN, contracts for the others.

    One contract is worth `ct_val` * `ct_mult` of `ct_val_ccy`. Times are milliseconds since the
    epoch; `expiry_ms` is 0 where nothing expires.
    """

    inst_id: str
    inst_type: InstType
    inst_id_code: int
    base_ccy: str
    quote_ccy: str
    tick_sz: Decimal
    lot_sz: Decimal
    min_sz: Decimal
    max_lmt_sz: Decimal
    max_mkt_sz: Decimal
    settle_ccy: str = ""
    ct_val: Decimal = ONE
    ct_mult: Decimal = ONE
    lever: Decimal = ZERO
    listed_ms: int = 0
    expiry_ms: int = 0
    alias: str = ""
    strike: Decimal = ZERO
    opt_type: str = ""

    @property
    def inst_family(self) -> str:
        """Family of a derivative or margin instrument (`BTC-USD`); empty for SPOT."""
        return "" if self.inst_type == "SPOT" else f"{self.base_ccy}-{self.quote_ccy}"

    @property
    def is_contract(self) -> bool:
        """Whether sizes count contracts."""
        return self.inst_type in DERIVATIVES

    @property
    def is_inverse(self) -> bool:
        """Whether a contract is worth a fixed amount of USD and settles in its base currency."""
        return self.inst_type in ("SWAP", "FUTURES") and self.settle_ccy == self.base_ccy

    @property
    def money_ccy(self) -> str:
        """Currency in which a trade is paid: the quote of a pair, the settlement of a contract."""
        return self.settle_ccy or self.quote_ccy

    @property
    def ct_val_ccy(self) -> str:
        """Currency in which `ct_val` counts; empty for pairs."""
        if not self.is_contract:
            return ""
        return "USD" if self.is_inverse else self.base_ccy

    @property
    def ct_type(self) -> str:
        """Contract type as OKX spells it; empty for pairs and options."""
        if self.inst_type not in ("SWAP", "FUTURES"):
            return ""
        return "inverse" if self.is_inverse else "linear"

    def row(self) -> Row:
        """Return the row of 'Get instruments'; every documented key, "" where it does not apply."""
        pair, contract = not self.is_contract, self.is_contract
        return {
            "alias": self.alias,
            "auctionEndTime": "",
            "baseCcy": self.base_ccy if pair else "",
            "category": "1",
            "contTdSwTime": str(self.listed_ms),
            "ctMult": text(self.ct_mult) if contract else "",
            "ctType": self.ct_type,
            "ctVal": text(self.ct_val) if contract else "",
            "ctValCcy": self.ct_val_ccy,
            "elp": "0",
            "expTime": str(self.expiry_ms) if self.expiry_ms else "",
            "futureSettlement": False,
            "groupId": "1" if self.inst_type == "SPOT" else "2",
            "instCategory": "1",
            "instFamily": self.inst_family,
            "instId": self.inst_id,
            "instIdCode": self.inst_id_code,
            "instType": self.inst_type,
            "lever": text(self.lever) if self.lever else "",
            "listTime": str(self.listed_ms),
            "lotSz": text(self.lot_sz),
            "maxIcebergSz": text(self.max_lmt_sz),
            "maxLmtAmt": "20000000",
            "maxLmtSz": text(self.max_lmt_sz),
            "maxMktAmt": "1000000" if pair else "",
            "maxMktSz": text(self.max_mkt_sz),
            "maxPlatOILmt": "" if pair else "1000000000",
            "maxStopSz": text(self.max_mkt_sz),
            "maxTriggerSz": text(self.max_lmt_sz),
            "maxTwapSz": text(self.max_lmt_sz),
            "minSz": text(self.min_sz),
            "openType": "",
            "optType": self.opt_type,
            "posLmtAmt": "" if pair else "250000000",
            "posLmtPct": "" if pair else "30",
            "preMktSwTime": "",
            "quoteCcy": self.quote_ccy if pair else "",
            "ruleType": "normal",
            "settleCcy": self.settle_ccy,
            "state": "live",
            "stk": text(self.strike) if self.strike else "",
            "tickSz": text(self.tick_sz),
            "tradeQuoteCcyList": [self.quote_ccy] if self.inst_type == "SPOT" else [],
            "uly": self.inst_family,
        }
