"""What does ListBudgets promise?  How much of OKX's limits all replicas use together, and who."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from okx_gateway.custody.account_register import AccountRegister
from okx_gateway.domain.account import Account
from okx_gateway.domain.deadline import Deadline
from okx_gateway.ledger.budget_view import BudgetWindow, OwnerBudget
from okx_gateway.ledger.charge import SUB_ACCOUNT
from okx_gateway.usecases.public_requests import owner_of_address

_WINDOWS_MAX = 1_000


class BudgetSource(Protocol):
    """What knows the budgets of owners."""

    async def view(self, owner: str) -> OwnerBudget:
        """The budget of one owner.

        Raises:
            LedgerUnavailableError: No answer.
        """


@dataclass(frozen=True, slots=True)
class Budget:
    """The windows of a user, whose accounts are named, or of an address, fullest first.

    No order is placed for another `recovering_ms`.
    """

    accounts: tuple[str, ...]
    address: str
    windows: tuple[BudgetWindow, ...]
    recovering_ms: int = 0


@dataclass(frozen=True, slots=True)
class BudgetList:
    """Budgets; `truncated` where windows are left out because there are too many."""

    budgets: tuple[Budget, ...]
    truncated: bool


@dataclass(frozen=True, slots=True)
class ListBudgets:
    """Lists budgets; `address` is the label of the address that requests come from."""

    accounts: AccountRegister
    source: BudgetSource
    address: str

    async def __call__(self, account_name: str, *, deadline: Deadline) -> BudgetList:
        """List the budget of an account's user, or, without a name, all of them.

        Raises:
            AccountUnknownError, CredentialUnusableError: There is no such account in use.
            LedgerUnavailableError: Redis did not answer.
        """
        if account_name:
            account = await self.accounts.find(account_name, deadline)
            return _bounded([await self._of_user([account])])
        by_owner: dict[str, list[Account]] = {}
        for account in sorted(self.accounts.verified(), key=lambda each: each.name):
            by_owner.setdefault(account.owner, []).append(account)
        users = await asyncio.gather(*map(self._of_user, by_owner.values()))
        shared = await self.source.view(owner_of_address(self.address))
        return _bounded([*users, Budget((), self.address, shared.windows)])

    async def _of_user(self, accounts: Sequence[Account]) -> Budget:
        """The budget of the one user that all these accounts are names for."""
        view = await self.source.view(accounts[0].owner)
        windows = tuple(
            replace(each, capacity=accounts[0].orders_per_2_s) if each.name == SUB_ACCOUNT else each
            for each in view.windows
        )
        names = tuple(account.name for account in accounts)
        return Budget(names, "", windows, view.recovering_ms)


def _bounded(budgets: Iterable[Budget]) -> BudgetList:
    listed, left, truncated = [], _WINDOWS_MAX, False
    for budget in budgets:
        windows = sorted(budget.windows, key=_fullest_first)[:left]
        truncated |= len(windows) < len(budget.windows)
        left -= len(windows)
        listed.append(Budget(budget.accounts, budget.address, tuple(windows), budget.recovering_ms))
    return BudgetList(tuple(listed), truncated)


def _fullest_first(window: BudgetWindow) -> tuple[float, str]:
    return -(window.used + window.waiting) / max(1, window.capacity), window.name
