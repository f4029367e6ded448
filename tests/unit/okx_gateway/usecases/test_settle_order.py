import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from okx_gateway.domain.errors import LedgerUnavailableError
from okx_gateway.domain.order import NotPlaced, OrderName, Outcome, Placed, Refused
from okx_gateway.ledger.grant import Granted, Settlement
from okx_gateway.ledger.ledger_script import new_fence
from okx_gateway.usecases import settle_order
from tests.fakes.desk import OWNER, VALIDITY_MS, Desk
from tests.fakes.exchange import wall_ms
from tests.fakes.orders import NET, an_instrument, an_order


async def a_grant(desk: Desk) -> str:
    granted = await desk.ledger.admit(
        an_order(),
        owner=OWNER,
        caller="desk",
        routes=((),),
        exchange_ms=wall_ms(),
        remaining_ms=5_000,
        fence=new_fence(),
    )
    assert isinstance(granted, Granted)
    return granted.fence


async def settle(desk: Desk, fence: str, outcome: Outcome) -> Outcome:
    settled = await desk.settle(
        outcome,
        account=NET,
        instrument=an_instrument(),
        order=an_order(),
        caller="desk",
        fence=fence,
        sent_ms=wall_ms(),
    )
    return settled.outcome


async def test_what_was_settled_first_stands(desk: Desk) -> None:
    fence = await a_grant(desk)
    assert await settle(desk, fence, Refused("51008", "")) == Refused("51008", "")
    assert await settle(desk, fence, NotPlaced()) == Refused("51008", "")


async def test_an_outcome_whose_row_was_lost_is_put_on_record_anew(
    redis: "Redis", desk: Desk
) -> None:
    fence = await a_grant(desk)
    await redis.delete(f"okxgw:{{{OWNER}}}:order:a1")
    assert await settle(desk, fence, Placed("7", 1)) == Placed("7", 1)
    record = await desk.record()
    assert record is not None
    assert (record.order, record.outcome) == (an_order(), Placed("7", 1))


async def test_a_cancel_that_waited_is_sent(desk: Desk) -> None:
    fence = await a_grant(desk)
    await desk.ledger.keep_cancel(OWNER, "a1", fence)
    await settle(desk, fence, Placed("77", 1))
    await desk.settle_all()
    assert desk.exchange.cancelled == [OrderName(exchange_order_id="77")]


async def test_where_redis_stays_away_the_outcome_is_told_all_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle_order, "_PAUSES_S", (0.01, 0.01))
    fence = await a_grant(desk)

    async def away(*_: object, **__: object) -> Settlement:
        raise LedgerUnavailableError("TimeoutError")

    monkeypatch.setattr(desk.ledger, "settle", away)
    monkeypatch.setattr(desk.ledger, "settle_unsent", away)
    assert await settle(desk, fence, NotPlaced()) == NotPlaced()
    await desk.settle.unsent(NET, an_order(), fence)
    monkeypatch.undo()
    row = await desk.settle.standing(NET, an_order(), hold_s=0)
    assert row is not None
    assert row.outcome is None, "whoever takes it over learns the same from OKX"


async def test_what_was_unsent_is_forgotten_once_redis_is_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle_order, "_PAUSES_S", (0.01, 0.01))
    fence, forget, away = await a_grant(desk), desk.ledger.settle_unsent, [1, 1]

    async def back_at_last(*of: Any) -> None:
        if away:
            away.pop()
            raise LedgerUnavailableError("TimeoutError")
        await forget(*of)

    monkeypatch.setattr(desk.ledger, "settle_unsent", back_at_last)
    await desk.settle.unsent(NET, an_order(), fence)
    assert await desk.record() is None


async def test_a_row_that_somebody_looks_into_is_left_to_him(desk: Desk) -> None:
    await a_grant(desk)
    await desk.settle.standing(NET, an_order(), hold_s=30)
    # Without the hold it is due half a second after its validity.
    await asyncio.sleep(VALIDITY_MS / 1000 + 0.55)
    assert (await desk.ledger.take_open(OWNER, lease_s=1, rows_max=9)).taken == ()
    await desk.settle.standing(NET, an_order(), hold_s=0.001)
    await asyncio.sleep(0.01)
    assert len((await desk.ledger.take_open(OWNER, lease_s=1, rows_max=9)).taken) == 1
