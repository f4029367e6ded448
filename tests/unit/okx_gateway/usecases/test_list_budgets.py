from dataclasses import replace

import pytest

from okx_gateway.custody.account_register import AccountRegister
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import AccountUnknownError, LedgerUnavailableError
from okx_gateway.ledger.budget_view import OwnerBudget
from okx_gateway.usecases.list_budgets import Budget, BudgetList, ListBudgets
from tests.fakes.budgets import Budgets, a_window
from tests.fakes.desk import OWNER, a_register
from tests.fakes.exchange import ScriptedExchange

ADDRESS = "address:nat-1"


@pytest.fixture
def accounts() -> AccountRegister:
    names = ("main", "other-name")
    return a_register(ScriptedExchange(), names)


async def listed(
    accounts: AccountRegister, told: dict[str, OwnerBudget | None], account: str = ""
) -> BudgetList:
    budgets = ListBudgets(accounts, Budgets(told), "nat-1")
    return await budgets(account, deadline=Deadline.after(1))


async def test_every_user_in_use_and_the_address_are_listed(accounts: AccountRegister) -> None:
    told: dict[str, OwnerBudget | None] = {
        OWNER: OwnerBudget((a_window(used=5),), recovering_ms=700),
        ADDRESS: OwnerBudget((a_window("get_time"),)),
    }
    before = await listed(accounts, told)
    assert [each.address for each in before.budgets] == ["nat-1"]
    await accounts.verify_all()
    assert await listed(accounts, told) == BudgetList(
        (
            Budget(("main", "other-name"), "", (a_window(used=5),), 700),
            Budget((), "nat-1", (a_window("get_time"),)),
        ),
        truncated=False,
    )


async def test_of_one_account_its_users_alone_is_listed(accounts: AccountRegister) -> None:
    told: dict[str, OwnerBudget | None] = {OWNER: OwnerBudget((a_window(),)), ADDRESS: None}
    only = await listed(accounts, told, "main")
    assert only.budgets == (Budget(("main",), "", (a_window(),)),)
    with pytest.raises(AccountUnknownError):
        await listed(accounts, told, "nobody")


async def test_the_limit_of_the_sub_account_is_that_of_the_account(
    accounts: AccountRegister,
) -> None:
    account = await accounts.find("main", Deadline.after(1))
    windows = (replace(a_window("sub_account"), capacity=1), a_window("get_time"))
    only = await listed(accounts, {OWNER: OwnerBudget(windows)}, "main")
    limits = {each.name: each.capacity for each in only.budgets[0].windows}
    assert limits == {"sub_account": account.orders_per_2_s, "get_time": 60}


async def test_the_fullest_windows_come_first(accounts: AccountRegister) -> None:
    windows = (
        a_window("a", used=1),
        a_window("b", used=2, waiting=5),
        a_window("c", used=6),
        a_window("d"),
    )
    only = await listed(accounts, {OWNER: OwnerBudget(windows)}, "main")
    assert [each.name for each in only.budgets[0].windows] == ["b", "c", "a", "d"]


async def test_too_many_windows_are_cut_to_the_fullest(accounts: AccountRegister) -> None:
    await accounts.verify_all()
    many = tuple(a_window(f"w{number}", used=number % 60) for number in range(999))
    told: dict[str, OwnerBudget | None] = {
        OWNER: OwnerBudget(many),
        ADDRESS: OwnerBudget((a_window("quiet"), a_window("busy", used=1))),
    }
    cut = await listed(accounts, told)
    assert [len(each.windows) for each in cut.budgets] == [999, 1]
    assert cut.budgets[1].windows[0].name == "busy"
    assert cut.truncated
    told[OWNER] = OwnerBudget(many[:998])
    assert not (await listed(accounts, told)).truncated


async def test_a_ledger_that_is_away_is_told(accounts: AccountRegister) -> None:
    with pytest.raises(LedgerUnavailableError):
        await listed(accounts, {ADDRESS: None})
