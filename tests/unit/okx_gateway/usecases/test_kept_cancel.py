import pytest

from okx_gateway.domain.order import OrderName, Refused
from okx_gateway.okx.verdict import CancelNeedsLook, InDoubt
from okx_gateway.usecases import kept_cancel
from tests.fakes.desk import Desk
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


async def test_a_finished_order_ends_it_and_a_standing_one_does_not(desk: Desk) -> None:
    desk.exchange.cancels.extend([CancelNeedsLook(), CancelNeedsLook()])
    assert await carry_out(desk) == 3
    desk.exchange.cancelled.clear()
    desk.exchange.cancels.append(CancelNeedsLook())
    row = desk.exchange.enter(an_order(), state="filled")
    await desk.kept_cancel(NET, an_instrument(), an_order(), row["ordId"])
    assert len(desk.exchange.cancelled) == 1


async def test_it_is_given_up_after_a_while(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_cancel, "_PAUSE_MAX_S", 0.01)
    desk.exchange.cancels.extend([InDoubt("lost")] * 99)
    assert await carry_out(desk) == 10
