"""Another replica ends what its holder left."""

import asyncio

import pytest
from redis.asyncio import Redis

from okx_gateway.domain.order import NotPlaced, OrderName, Placed
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.usecases import reconcile
from tests.fakes.desk import MARGIN_MS, OWNER, VALIDITY_MS, Desk
from tests.fakes.exchange import ScriptedExchange
from tests.fakes.metering import Metered
from tests.fakes.orders import NET, an_order


async def a_dead_replica(redis: "Redis", exchange: ScriptedExchange) -> Desk:
    """One that dies while OKX answers."""
    desk = await Desk(redis, exchange).open()
    placing = asyncio.ensure_future(desk.place(an_order()))
    await exchange.placing.wait()
    await asyncio.sleep(0)
    await desk.close()
    placing.cancel()
    await asyncio.gather(placing, return_exceptions=True)
    return desk


async def until_settled(desk: Desk, within_s: float) -> object:
    """What is on record once the row is due and somebody sweeps."""
    for _ in range(int(within_s / 0.1)):
        await desk.reconcile.sweep(NET)
        record = await desk.record()
        if record is not None and record.outcome is not None:
            return record.outcome
        await asyncio.sleep(0.1)
    return None


DUE_S = (VALIDITY_MS + 500) / 1000


async def test_an_order_of_a_dead_replica_is_found_by_another(
    redis: "Redis", exchange: ScriptedExchange, other_desk: Desk
) -> None:
    exchange.on_place = exchange.accept_after(60)
    await a_dead_replica(redis, exchange)
    row = exchange.enter(an_order())
    outcome = await until_settled(other_desk, 10 + DUE_S)
    assert isinstance(outcome, Placed)
    assert outcome.exchange_order_id == row["ordId"]
    assert len(exchange.placed) == 1


async def test_an_order_that_never_left_a_dead_replica_is_proven_not_placed(
    redis: "Redis", exchange: ScriptedExchange, other_desk: Desk
) -> None:
    exchange.on_place = exchange.accept_after(60)
    await a_dead_replica(redis, exchange)
    assert await until_settled(other_desk, 10 + DUE_S + MARGIN_MS / 1000) == NotPlaced()
    assert len(exchange.placed) == 1


async def test_a_kept_cancel_of_a_dead_replica_is_carried_out(
    redis: "Redis", exchange: ScriptedExchange, other_desk: Desk
) -> None:
    exchange.on_place = exchange.accept_after(60)
    await a_dead_replica(redis, exchange)
    record = await other_desk.record()
    assert record is not None
    assert await other_desk.ledger.keep_cancel(OWNER, "a1", record.fence)
    row = exchange.enter(an_order())
    await until_settled(other_desk, 10)
    await other_desk.settle_all()
    assert exchange.cancelled == [OrderName(exchange_order_id=row["ordId"])]


async def test_a_kept_cancel_that_was_given_up_is_taken_over(
    redis: "Redis", exchange: ScriptedExchange, desk: Desk
) -> None:
    exchange.on_place = exchange.accept_after(60)
    await a_dead_replica(redis, exchange)
    record = await desk.record()
    assert record is not None
    await desk.ledger.keep_cancel(OWNER, "a1", record.fence)
    await desk.ledger.settle(OWNER, "a1", record.fence, Placed("77", 1))
    await asyncio.sleep(DUE_S)
    await desk.reconcile.sweep(NET)
    await desk.settle_all()
    assert exchange.cancelled == [OrderName(exchange_order_id="77")]
    assert (await desk.ledger.take_open(OWNER, lease_s=1, rows_max=9)).open_count == 0


async def test_a_replica_that_does_not_know_the_time_of_okx_judges_nothing(
    redis: "Redis", exchange: ScriptedExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "_FIRST_PAUSE_S", 0.02)
    exchange.on_place = exchange.accept_after(60)
    await a_dead_replica(redis, exchange)
    await asyncio.sleep(DUE_S)
    desk = await Desk(redis, exchange, clock=ExchangeClock()).open()
    await desk.accounts.verify_all()
    running = asyncio.ensure_future(desk.reconcile.run())
    await asyncio.sleep(0.1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert exchange.looked_up == []
    assert len((await desk.ledger.take_open(OWNER, lease_s=1, rows_max=9)).taken) == 1
    await desk.close()


async def test_what_is_open_and_a_ledger_that_may_have_lost_it_are_told(
    redis: "Redis",
    exchange: ScriptedExchange,
    metered: Metered,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for pause in ("_FIRST_PAUSE_S", "_PAUSE_S"):
        monkeypatch.setattr(reconcile, pause, 0.02)
    exchange.on_place = exchange.accept_after(60)
    await a_dead_replica(redis, exchange)
    await asyncio.sleep(DUE_S)
    exchange.slow_s = 60  # it goes on looking
    desk = await Desk(redis, exchange, new=False).open()
    await desk.accounts.verify_all()
    running = asyncio.ensure_future(desk.reconcile.run())
    await asyncio.sleep(0.2)
    assert metered.told("orders.in_doubt") == {"": 1}
    assert 0.5 < metered.told("doubt.oldest")[""] < 5
    assert metered.told("ledger.open_rows") == {"": 1}
    assert metered.told("ledger.overdue") == {"": 0}
    assert metered.told("ledger.epoch_changes") == {}
    for count in (1, 2):
        await redis.flushall()
        await asyncio.sleep(0.1)
        assert metered.told("ledger.epoch_changes") == {"": count}
    assert metered.told("ledger.open_rows") == {"": 0}
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await desk.close()


async def test_a_row_that_waits_for_somebody_is_overdue(
    redis: "Redis", exchange: ScriptedExchange, other_desk: Desk
) -> None:
    exchange.on_place = exchange.accept_after(60)
    await a_dead_replica(redis, exchange)
    await asyncio.sleep(DUE_S + 0.3)
    rows = await other_desk.ledger.take_open(OWNER, lease_s=1, rows_max=9)
    assert 0.2 < rows.late_s < 2


async def test_a_replica_has_caught_up_once_orders_are_admitted(
    redis: "Redis", exchange: ScriptedExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "_FIRST_PAUSE_S", 0.02)
    desk = await Desk(redis, exchange, new=False).open()
    running = asyncio.ensure_future(desk.reconcile.run())
    await asyncio.sleep(0.1)
    caught_up = [desk.reconcile.caught_up]  # no account is verified
    await desk.accounts.verify_all()
    await asyncio.sleep(0.2)
    caught_up.append(desk.reconcile.caught_up)  # orders may be lost
    await asyncio.sleep((VALIDITY_MS + MARGIN_MS + 250) / 1000)
    caught_up.append(desk.reconcile.caught_up)
    assert caught_up == [False, False, True]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await desk.close()
