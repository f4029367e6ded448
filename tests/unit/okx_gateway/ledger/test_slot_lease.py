import asyncio

import pytest
from redis.asyncio import Redis

from okx_gateway.domain.errors import LedgerUnavailableError
from okx_gateway.ledger import slot_lease
from okx_gateway.ledger.slot_lease import OwnSlot, SlotLease
from tests.fakes.ledgers import scripts_on


def a_lease(redis: "Redis", *, slots: int = 2, new: bool = True) -> SlotLease:
    return SlotLease(scripts_on(redis, new=new), "demo", slots=slots)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slot_lease, "_LEASE_S", 0.3)
    monkeypatch.setattr(slot_lease, "_GAP_S", 0.2)


async def test_so_many_replicas_have_a_slot_and_no_more(redis: "Redis") -> None:
    leases = [a_lease(redis) for _ in range(3)]
    for _ in range(2):
        for lease in leases:
            await lease.renew()
        assert [lease.held() for lease in leases] == [True, True, False]


@pytest.mark.usefixtures("short")
async def test_a_slot_is_anothers_only_after_its_lease_and_a_gap(redis: "Redis") -> None:
    dead, heir = a_lease(redis, slots=1), a_lease(redis, slots=1)
    await dead.renew()
    await asyncio.sleep(0.35)
    assert not dead.held(), "it ends by its own clock"
    await heir.renew()
    assert not heir.held()
    await asyncio.sleep(0.2)
    await heir.renew()
    assert heir.held()
    await dead.renew()
    assert not dead.held()


async def test_a_lease_outlives_redis_for_a_while(redis: "Redis") -> None:
    lease = a_lease(redis)
    await lease.renew()
    gone = SlotLease(scripts_on(Redis.from_url("unix:///nonexistent")), "demo", slots=2)
    with pytest.raises(LedgerUnavailableError):
        await gone.renew()
    assert lease.held()
    assert not gone.held()


@pytest.mark.usefixtures("short")
async def test_after_a_loss_only_who_holds_a_slot_keeps_it_until_old_leases_have_ended(
    redis: "Redis",
) -> None:
    holder, other = a_lease(redis, slots=2), a_lease(redis, slots=2, new=False)
    await holder.renew()
    await redis.flushall()
    await other.renew()
    assert not other.held(), "a lease may be missing on record"
    await holder.renew()
    assert holder.held()
    await asyncio.sleep(0.55)
    await other.renew()
    assert other.held()


async def test_it_is_renewed_while_it_runs(redis: "Redis") -> None:
    lease = a_lease(redis)
    running = asyncio.ensure_future(lease.run())
    await asyncio.sleep(0.1)
    assert lease.held()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_slot_that_the_deployment_gives_is_held() -> None:
    assert OwnSlot().held()
