import pytest

from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import BudgetExhaustedError
from okx_gateway.ledger.charge import Charge
from okx_gateway.usecases.alarms import Alarms
from okx_gateway.usecases.throttling import Throttling
from tests.fakes.desk import OWNER, Desk
from tests.fakes.metering import Metered

ORDERS, SUB_ACCOUNT = Charge("place_order:X", 60, 500_000), Charge("sub_account", 1_000, 500_000)


@pytest.mark.parametrize(
    ("code", "full", "free"), [("50011", ORDERS, SUB_ACCOUNT), ("50061", SUB_ACCOUNT, ORDERS)]
)
async def test_the_window_that_okx_calls_full_counts_as_full(
    desk: Desk, metered: Metered, code: str, full: Charge, free: Charge
) -> None:
    throttling = Throttling(desk.budget, desk.supervisor, Alarms())
    throttling.seen(OWNER, (ORDERS, SUB_ACCOUNT), code)
    assert metered.told("budget.throttled") == {full.name.partition(":")[0]: 1}
    assert metered.told("alarm")["throttled"] == 1
    await desk.settle_all()
    with pytest.raises(BudgetExhaustedError) as exhausted:
        await desk.ask.wait_for_room(OWNER, (full,), Deadline.after(0.1))
    assert exhausted.value.window == full.name
    await desk.ask.wait_for_room(OWNER, (free,), Deadline.after(0.1))
