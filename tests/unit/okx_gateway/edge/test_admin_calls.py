import pytest

from okx_gateway.api.v1 import admin_service_pb2 as api
from okx_gateway.api.v1 import budget_pb2
from okx_gateway.domain.errors import InvalidRequestError
from okx_gateway.edge.admin_calls import AdminCalls
from okx_gateway.edge.call import Call
from okx_gateway.ledger.budget_view import BudgetWindow, CallerUse, OwnerBudget
from okx_gateway.usecases.list_budgets import ListBudgets
from tests.fakes.budgets import BUSY, Budgets, a_window
from tests.fakes.desk import OWNER, a_register
from tests.fakes.exchange import ScriptedExchange
from tests.fakes.messages import shown

CALL = Call("ListBudgets", "desk", None)


def calls(*, shadow: bool = False, **told: OwnerBudget) -> AdminCalls:
    accounts = a_register(ScriptedExchange())
    source = Budgets({OWNER: told.get("user"), "address:nat-1": told.get("address")})
    budgets = ListBudgets(accounts, source, "nat-1")
    return AdminCalls(budgets, shadow=shadow, default_deadline_s=1.0)


async def ask(admin: AdminCalls, account: str = "") -> api.ListBudgetsResponse:
    response = await admin.unary["ListBudgets"](api.ListBudgetsRequest(account=account), CALL)
    assert isinstance(response, api.ListBudgetsResponse)
    return response


def test_every_rpc_of_the_service_is_answered() -> None:
    admin = calls()
    assert {method.name for method in admin.descriptor.methods} == {*admin.unary, *admin.stream}


async def test_a_window_is_told_with_what_each_caller_has_of_it() -> None:
    response = await ask(calls(user=OwnerBudget((BUSY,))), "main")
    assert shown(response) == {
        "mode": "BUDGET_MODE_ENFORCE",
        "budgets": [
            {
                "accounts": ["main"],
                "windows": [
                    {
                        "name": "place_order:BTC-USDT",
                        "limit": 60,
                        "width": "2.200s",
                        "used": 45,
                        "waiting": 12,
                        "granted_count": "70904",
                        "refused_count": "33",
                        "callers": [
                            {
                                "caller": "algo",
                                "used": 40,
                                "waiting": 12,
                                "granted_count": "70000",
                                "refused_count": "33",
                            },
                            {"caller": "desk-7", "used": 5, "granted_count": "900"},
                            {"caller": "idle", "granted_count": "4"},
                        ],
                    }
                ],
            }
        ],
    }


async def test_what_is_frozen_recovering_or_only_counted_is_told() -> None:
    user = OwnerBudget((a_window(frozen_ms=1_900),), recovering_ms=8_300)
    response = await ask(calls(shadow=True, user=user), "main")
    assert response.mode == budget_pb2.BUDGET_MODE_SHADOW
    [budget] = response.budgets
    assert budget.recovery_duration.ToMilliseconds() == 8_300
    assert budget.windows[0].freeze_duration.ToMilliseconds() == 1_900


async def test_the_address_is_named() -> None:
    response = await ask(calls(address=OwnerBudget((a_window("get_time"),))))
    assert [(each.address, list(each.accounts)) for each in response.budgets] == [("nat-1", [])]


async def test_of_many_callers_the_greatest_are_named_and_all_are_counted() -> None:
    by_caller = {f"c{number}": CallerUse(used=number, granted=1) for number in range(150)}
    window = BudgetWindow("w", 60, 2_200, 60, 0, by_caller)
    response = await ask(calls(user=OwnerBudget((window,))), "main")
    [told] = response.budgets[0].windows
    assert [each.used for each in told.callers] == list(range(149, 49, -1))
    assert told.granted_count == 150


async def test_a_name_of_another_form_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        await ask(calls(), "Main")
