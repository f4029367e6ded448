"""Budgets as a ledger would tell them."""

from okx_gateway.domain.errors import LedgerUnavailableError
from okx_gateway.ledger.budget_view import BudgetWindow, CallerUse, OwnerBudget


def a_window(
    name: str = "place_order:BTC-USDT", used: int = 0, waiting: int = 0, frozen_ms: int = 0
) -> BudgetWindow:
    return BudgetWindow(name, 60, 2_200, used, waiting, {}, frozen_ms)


BUSY = BudgetWindow(
    name="place_order:BTC-USDT",
    capacity=60,
    width_ms=2_200,
    used=45,
    waiting=12,
    by_caller={
        "desk-7": CallerUse(used=5, waiting=0, granted=900, refused=0),
        "algo": CallerUse(used=40, waiting=12, granted=70_000, refused=33),
        "idle": CallerUse(granted=4),
    },
)


class Budgets:
    """What is told of each owner; of None, that Redis is away."""

    def __init__(self, told: dict[str, OwnerBudget | None]) -> None:
        self._told = told
        self.asked: list[str] = []

    async def view(self, owner: str) -> OwnerBudget:
        self.asked.append(owner)
        budget = self._told.get(owner)
        if budget is None:
            raise LedgerUnavailableError("timeout")
        return budget
