from typing import Any

import pytest

from okx_gateway.domain.errors import BudgetExhaustedError, GatewayError, LedgerUnavailableError
from okx_gateway.domain.order import OrderName, Refused
from okx_gateway.ledger.redis_budget import Slot
from okx_gateway.okx.verdict import Absent, CancelNeedsLook, InDoubt, LookupVerdict
from okx_gateway.usecases import kept_cancel
from tests.fakes.desk import Desk
from tests.fakes.exchange import NOTHING_TOLD
from tests.fakes.orders import NET, an_instrument, an_order


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_cancel, "_PAUSE_S", 0.01)


async def carry_out(desk: Desk) -> int:
    """How many cancels are sent for an order that stands at OKX."""
    row = desk.exchange.enter(an_order())
    await desk.kept_cancel(NET, an_instrument(), an_order(), row["ordId"])
    assert set(desk.exchange.cancelled) == {OrderName(exchange_order_id=row["ordId"])}
    return len(desk.exchange.cancelled)


async def test_it_is_sent_until_okx_has_taken_it(desk: Desk) -> None:
    desk.exchange.cancels.extend([InDoubt("lost"), Refused("50011", "too often")])
    assert await carry_out(desk) == 3


async def test_a_refusal_for_good_ends_it(desk: Desk) -> None:
    desk.exchange.cancels.append(Refused("51403", "cannot be cancelled"))
    assert await carry_out(desk) == 1


@pytest.mark.parametrize("told", [Absent(), NOTHING_TOLD])
async def test_a_look_that_does_not_show_the_order_does_not_end_it(
    desk: Desk, told: LookupVerdict
) -> None:
    desk.exchange.cancels.append(CancelNeedsLook())
    desk.exchange.lookups.append(told)
    assert await carry_out(desk) == 2


@pytest.mark.parametrize(
    "error", [BudgetExhaustedError("cancel_order:BTC-USDT", 1), LedgerUnavailableError("away")]
)
async def test_it_waits_for_room_and_for_redis(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: GatewayError
) -> None:
    spend, errors = desk.budget.spend, [error]

    async def none_at_first(*of: Any, **how: Any) -> Slot:
        if errors:
            raise errors.pop()
        return await spend(*of, **how)

    monkeypatch.setattr(desk.budget, "spend", none_at_first)
    assert await carry_out(desk) == 1
    assert errors == []


@pytest.mark.parametrize("state", ["filled", "canceled"])
async def test_a_finished_order_ends_it_and_a_standing_one_does_not(desk: Desk, state: str) -> None:
    desk.exchange.cancels.extend([CancelNeedsLook(), CancelNeedsLook()])
    assert await carry_out(desk) == 3
    desk.exchange.cancelled.clear()
    desk.exchange.cancels.append(CancelNeedsLook())
    row = desk.exchange.enter(an_order(), state=state)
    await desk.kept_cancel(NET, an_instrument(), an_order(), row["ordId"])
    assert len(desk.exchange.cancelled) == 1


async def test_it_is_given_up_after_a_while(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_cancel, "_PAUSE_MAX_S", 0.01)
    desk.exchange.cancels.extend([InDoubt("lost")] * 99)
    assert await carry_out(desk) == 10
