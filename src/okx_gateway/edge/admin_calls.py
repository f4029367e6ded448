"""What does each call of AdminService do?  Check, ask the use case, translate back."""

from google.protobuf import duration_pb2

from okx_gateway.api.v1 import admin_service_pb2 as api
from okx_gateway.api.v1 import budget_pb2
from okx_gateway.domain.deadline import Deadline
from okx_gateway.edge import translate
from okx_gateway.edge.call import Call, StreamCall, UnaryCall
from okx_gateway.ledger.budget_view import BudgetWindow, CallerUse
from okx_gateway.usecases.list_budgets import Budget, ListBudgets

_CALLERS_MAX = 100


class AdminCalls:
    """The calls by RPC name; see `call.RpcCalls`. `shadow` tells that budgets only count."""

    descriptor = api.DESCRIPTOR.services_by_name["AdminService"]

    def __init__(
        self, list_budgets: ListBudgets, *, shadow: bool, default_deadline_s: float
    ) -> None:
        self._list_budgets = list_budgets
        self._mode = budget_pb2.BUDGET_MODE_SHADOW if shadow else budget_pb2.BUDGET_MODE_ENFORCE
        self._default_deadline_s = default_deadline_s
        self.unary: dict[str, UnaryCall] = {"ListBudgets": self._budgets}
        self.stream: dict[str, StreamCall] = {}

    async def _budgets(
        self, request: api.ListBudgetsRequest, call: Call
    ) -> api.ListBudgetsResponse:
        translate.check(request)
        deadline = call.deadline or Deadline.after(self._default_deadline_s)
        listed = await self._list_budgets(request.account, deadline=deadline)
        return api.ListBudgetsResponse(
            budgets=map(_budget, listed.budgets), mode=self._mode, truncated=listed.truncated
        )


def _budget(budget: Budget) -> budget_pb2.Budget:
    return budget_pb2.Budget(
        accounts=budget.accounts,
        address=budget.address,
        windows=map(_window, budget.windows),
        recovery_duration=_duration(budget.recovering_ms),
    )


def _window(window: BudgetWindow) -> budget_pb2.BudgetWindow:
    uses = window.by_caller.values()
    callers = sorted(window.by_caller.items(), key=_greatest_first)
    return budget_pb2.BudgetWindow(
        name=window.name,
        limit=window.capacity,
        width=_duration(window.width_ms),
        used=window.used,
        waiting=window.waiting,
        granted_count=sum(use.granted for use in uses),
        refused_count=sum(use.refused for use in uses),
        callers=[_caller(*each) for each in callers[:_CALLERS_MAX]],
        freeze_duration=_duration(window.frozen_ms),
    )


def _greatest_first(named: tuple[str, CallerUse]) -> tuple[int, int, str]:
    caller, use = named
    return -(use.used + use.waiting), -(use.granted + use.refused), caller


def _caller(caller: str, use: CallerUse) -> budget_pb2.CallerUse:
    return budget_pb2.CallerUse(
        caller=caller,
        used=use.used,
        waiting=use.waiting,
        granted_count=use.granted,
        refused_count=use.refused,
    )


def _duration(milliseconds: int) -> duration_pb2.Duration | None:
    if not milliseconds:
        return None
    duration = duration_pb2.Duration()
    duration.FromMilliseconds(milliseconds)
    return duration
