"""What does an account hold, by all that was told of it?  Pure.

The channel first tells everything, perhaps in pages, and then what changed; what is older than what
is known, by OKX's own times, changes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation

from okx_gateway.domain.balance import Balance, CurrencyBalance


@dataclass(slots=True)
class LiveBalance:
    """The balance of one account."""

    _balance: Balance | None = None
    _currencies: dict[str, CurrencyBalance] = field(default_factory=dict)
    # Pages of a snapshot of which the last has not come.
    _pages: dict[str, CurrencyBalance] = field(default_factory=dict)
    _pages_left: bool = False

    @property
    def complete(self) -> bool:
        """Whether all of it was told once."""
        return self._balance is not None

    def forget(self) -> None:
        """Know nothing."""
        self._balance = None
        self._currencies, self._pages, self._pages_left = {}, {}, False

    def read(self, currencies: Iterable[str] = ()) -> Balance | None:
        """The balance, of `currencies` where some are named; None where it is not complete."""
        if self._balance is None:
            return None
        wanted = frozenset(currencies)
        shown = (
            each
            for each in self._currencies.values()
            if _holds(each) and (not wanted or each.currency in wanted)
        )
        return replace(self._balance, currencies=tuple(shown))

    def snapshot(
        self, told: Balance, *, page: int, last_page: bool
    ) -> list[CurrencyBalance] | None:
        """Take one page of all that the account holds; what changed, once all pages are there."""
        if page == 1:
            self._pages, self._pages_left = {}, True
        if not self._pages_left:
            return None  # its first page was missed
        self._pages |= {each.currency: each for each in told.currencies}
        if not last_page:
            return None
        self._pages_left = False
        if self._is_old(told):
            return []
        gone = [
            _emptied(each, told.update_ms)
            for name, each in self._currencies.items()
            if name not in self._pages and each.update_ms <= told.update_ms
        ]
        self._balance = replace(told, currencies=())
        changed = self._take([*self._pages.values(), *gone])
        self._pages = {}
        return changed

    def update(self, told: Balance) -> list[CurrencyBalance]:
        """Take the currencies that changed; those that did are returned."""
        if self._balance is None:
            return []
        if not self._is_old(told):
            self._balance = replace(told, currencies=())
        return self._take(told.currencies)

    def _is_old(self, told: Balance) -> bool:
        return self._balance is not None and told.update_ms < self._balance.update_ms

    def _take(self, told: Iterable[CurrencyBalance]) -> list[CurrencyBalance]:
        changed = []
        for each in told:
            known = self._currencies.get(each.currency)
            if known is not None and each.update_ms < known.update_ms:
                continue
            self._currencies[each.currency] = each
            if known is None or replace(known, update_ms=each.update_ms) != each:
                changed.append(each)
        self._currencies = {name: each for name, each in self._currencies.items() if _holds(each)}
        return changed


def _holds(balance: CurrencyBalance) -> bool:
    """Whether it is any: OKX leaves out what is all zero."""
    amounts = (balance.cash, balance.equity, balance.frozen, balance.liability)
    return any(_differs_from_zero(amount) for amount in amounts)


def _differs_from_zero(amount: str) -> bool:
    try:
        return Decimal(amount or "0") != 0
    except InvalidOperation:
        return True  # whatever it is, it is not nothing


def _emptied(balance: CurrencyBalance, update_ms: int) -> CurrencyBalance:
    zeros = {
        name: "0" if getattr(balance, name) else ""
        for name in ("cash", "available", "frozen", "equity", "equity_usd", "liability")
    }
    return replace(
        balance,
        **zeros,
        unrealised_profit="0" if balance.unrealised_profit else "",
        update_ms=max(balance.update_ms, update_ms),
    )
