"""Which instruments are listed at a given time? Pure.

Source: OKX docs, 'Get instruments' (aliases; dated contracts expire on Fridays at 08:00 UTC).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from okx_simulator.market.instrument import Instrument, InstType
from okx_simulator.market.instrument_table import (
    CONTRACTS,
    MAX_LIMIT_SZ_CONTRACT,
    MAX_LIMIT_SZ_PAIR,
    MAX_SZ_OPTION,
    OPTIONS,
    PAIRS,
    Contract,
    OptionFamily,
    Pair,
)
from okx_simulator.number import ONE

# Everything without an expiry has been listed since 2021-01-01.
LISTED_MS = 1_609_459_200_000
_WEEK = timedelta(days=7)
_EXPIRY_HOUR = 8
_QUARTER_MONTHS = (3, 6, 9, 12)
_FRIDAY = 4


def expiries(now_ms: int) -> dict[str, int]:
    """Return the expiry in ms of each alias, all later than `now_ms`."""
    now = datetime.fromtimestamp(now_ms / 1_000, UTC)
    this_week = _friday_on_or_after(now)
    if this_week <= now:
        this_week += _WEEK
    next_week = this_week + _WEEK
    quarters = _quarter_ends(next_week)
    dates = {
        "this_week": this_week,
        "next_week": next_week,
        "quarter": next(quarters),
        "next_quarter": next(quarters),
    }
    return {alias: int(date.timestamp() * 1_000) for alias, date in dates.items()}


class Listing:
    """The instruments that exist, found by name or by code.

    Names of pairs are shared by SPOT and MARGIN, and so are their codes.
    """

    def __init__(self, now_ms: int) -> None:
        self._codes: dict[str, int] = {}
        self._next_code = 10_459
        self._by_key: dict[tuple[str, str], Instrument] = {}
        self._by_code: dict[int, Instrument] = {}
        self._list(now_ms)

    def find(self, inst_id: str, inst_type: str = "") -> Instrument | None:
        """Return the instrument called `inst_id`; the SPOT one of a pair unless told otherwise."""
        if inst_type:
            return self._by_key.get((inst_type, inst_id))
        return self._by_key.get(("", inst_id))

    def find_code(self, code: int) -> Instrument | None:
        """Return the instrument with this `instIdCode`; the SPOT one of a pair."""
        return self._by_code.get(code)

    def all(self, inst_type: str = "", inst_family: str = "") -> list[Instrument]:
        """Return the instruments of a type and family; an empty filter lets all through."""
        return [
            instrument
            for (kind, _), instrument in self._by_key.items()
            if kind and inst_type in ("", kind) and inst_family in ("", instrument.inst_family)
        ]

    def next_expiry_ms(self) -> int:
        """Return when the next instrument expires."""
        return min(item.expiry_ms for item in self.all() if item.expiry_ms)

    def roll(self, now_ms: int) -> list[Instrument]:
        """Delist what has expired by `now_ms`, list what follows, and return the delisted."""
        expired = [item for item in self.all() if 0 < item.expiry_ms <= now_ms]
        if expired:
            self._list(now_ms)
        return expired

    def relist(self, inst_id: str) -> int | None:
        """Give an instrument a new `instIdCode`, as a relisting does, and return it."""
        if ("", inst_id) not in self._by_key:
            return None
        self._next_code += 1
        self._codes[inst_id] = self._next_code
        self._list_again()
        return self._next_code

    def _list(self, now_ms: int) -> None:
        self._expiry_ms = expiries(now_ms)
        self._list_again()

    def _list_again(self) -> None:
        known = dict(self._by_key)
        self._by_key.clear()
        self._by_code.clear()
        for made in (*self._pairs(), *self._contracts(), *self._options()):
            # What has not changed stays the same object, which orders and positions refer to.
            item = known.get((made.inst_type, made.inst_id), made)
            item = made if item.inst_id_code != made.inst_id_code else item
            self._by_key[item.inst_type, item.inst_id] = item
            self._by_key.setdefault(("", item.inst_id), item)
            self._by_code.setdefault(item.inst_id_code, item)

    def _code(self, inst_id: str) -> int:
        if inst_id not in self._codes:
            self._next_code += 1
            self._codes[inst_id] = self._next_code
        return self._codes[inst_id]

    def _pairs(self) -> Iterator[Instrument]:
        for pair in PAIRS:
            code = self._code(pair.inst_id)
            yield _pair(pair, "SPOT", code)
            if pair.lever:
                yield _pair(pair, "MARGIN", code)

    def _contracts(self) -> Iterator[Instrument]:
        for contract in CONTRACTS:
            inst_id = f"{contract.family}-SWAP"
            yield _contract(contract, "SWAP", inst_id, self._code(inst_id))
        for contract in CONTRACTS:
            for alias in contract.aliases:
                expiry_ms = self._expiry_ms[alias]
                inst_id = f"{contract.family}-{_yymmdd(expiry_ms)}"
                yield _contract(
                    contract,
                    "FUTURES",
                    inst_id,
                    self._code(inst_id),
                    alias=alias,
                    expiry_ms=expiry_ms,
                )

    def _options(self) -> Iterator[Instrument]:
        for family in OPTIONS:
            for alias in family.aliases:
                for strike in family.strikes:
                    for opt_type in "CP":
                        expiry_ms = self._expiry_ms[alias]
                        inst_id = f"{family.family}-{_yymmdd(expiry_ms)}-{strike}-{opt_type}"
                        yield _option(family, strike, inst_id, self._code(inst_id), expiry_ms)


def _pair(pair: Pair, inst_type: InstType, code: int) -> Instrument:
    base, quote = pair.inst_id.split("-")
    return Instrument(
        inst_id=pair.inst_id,
        inst_type=inst_type,
        inst_id_code=code,
        base_ccy=base,
        quote_ccy=quote,
        tick_sz=Decimal(pair.tick_sz),
        lot_sz=Decimal(pair.lot_sz),
        min_sz=Decimal(pair.min_sz),
        max_lmt_sz=MAX_LIMIT_SZ_PAIR,
        max_mkt_sz=Decimal(pair.max_mkt_sz),
        lever=Decimal(pair.lever) if inst_type == "MARGIN" else Decimal(0),
        listed_ms=LISTED_MS,
    )


def _contract(
    contract: Contract,
    inst_type: InstType,
    inst_id: str,
    code: int,
    *,
    alias: str = "",
    expiry_ms: int = 0,
) -> Instrument:
    base, quote = contract.family.split("-")
    return Instrument(
        inst_id=inst_id,
        inst_type=inst_type,
        inst_id_code=code,
        base_ccy=base,
        quote_ccy=quote,
        settle_ccy=contract.settle_ccy,
        ct_val=Decimal(contract.ct_val),
        tick_sz=Decimal(contract.tick_sz),
        lot_sz=Decimal(contract.lot_sz),
        min_sz=Decimal(contract.lot_sz),
        max_lmt_sz=MAX_LIMIT_SZ_CONTRACT,
        max_mkt_sz=Decimal(contract.max_mkt_sz),
        lever=Decimal(contract.lever),
        listed_ms=LISTED_MS,
        expiry_ms=expiry_ms,
        alias=alias,
    )


def _option(
    family: OptionFamily, strike: str, inst_id: str, code: int, expiry_ms: int
) -> Instrument:
    base, quote = family.family.split("-")
    return Instrument(
        inst_id=inst_id,
        inst_type="OPTION",
        inst_id_code=code,
        base_ccy=base,
        quote_ccy=quote,
        settle_ccy=base,
        ct_mult=Decimal(family.ct_mult),
        tick_sz=Decimal(family.tick_sz),
        lot_sz=ONE,
        min_sz=ONE,
        max_lmt_sz=MAX_SZ_OPTION,
        max_mkt_sz=MAX_SZ_OPTION,
        listed_ms=LISTED_MS,
        expiry_ms=expiry_ms,
        strike=Decimal(strike),
        opt_type=inst_id[-1],
    )


def _friday_on_or_after(moment: datetime) -> datetime:
    days = (_FRIDAY - moment.weekday()) % 7
    date = moment + timedelta(days=days)
    return date.replace(hour=_EXPIRY_HOUR, minute=0, second=0, microsecond=0)


def _quarter_ends(after: datetime) -> Iterator[datetime]:
    """Yield the last Fridays of the two quarters that end later than `after`."""
    year, found = after.year, 0
    for month_index in range(12):
        month = _QUARTER_MONTHS[month_index % 4]
        next_month = datetime(
            year + month_index // 4 + month // 12, month % 12 + 1, 1, _EXPIRY_HOUR, tzinfo=UTC
        )
        last_friday = _friday_on_or_after(next_month - _WEEK)
        if last_friday > after and found < 2:
            found += 1
            yield last_friday


def _yymmdd(expiry_ms: int) -> str:
    return datetime.fromtimestamp(expiry_ms / 1_000, UTC).strftime("%y%m%d")
