import asyncio
import time

import pytest
from redis.asyncio import Redis

from okx_gateway.domain.errors import LedgerUnavailableError
from okx_gateway.ledger import slot_lease
from okx_gateway.ledger.jitter import JITTER_MS_MAX
from okx_gateway.ledger.slot_lease import NumberedSlot, SlotLease
from okx_gateway.okx.endpoint import Endpoint
from tests.fakes.ledgers import scripts_on

EPOCH = "okxgw:{fleet}:epoch"
MINUTE_US = 60_000_000


def a_lease(redis: "Redis", *, slots: int = 2, new: bool = True) -> SlotLease:
    return SlotLease(scripts_on(redis, new=new), slots=slots)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slot_lease, "_LEASE_S", 0.4)
    monkeypatch.setattr(slot_lease, "GAP_S", 0.1)
    monkeypatch.setattr(slot_lease, "_SILENCE_S", 0.3)


async def seconds_until_held(lease: SlotLease) -> float:
    began_s = time.monotonic()
    async with asyncio.timeout(5):
        while not lease.held():
            await asyncio.sleep(0.05)
            await lease.renew()
    return time.monotonic() - began_s


async def test_so_many_replicas_have_a_slot_and_no_more(redis: "Redis") -> None:
    leases = [a_lease(redis) for _ in range(3)]
    for _ in range(2):
        for lease in leases:
            await lease.renew()
        assert [lease.held() for lease in leases] == [True, True, False]


@pytest.mark.usefixtures("short")
async def test_a_slot_is_anothers_only_long_after_its_lease(redis: "Redis") -> None:
    dead, heir = a_lease(redis, slots=1), a_lease(redis, slots=1)
    await dead.renew()
    assert await seconds_until_held(heir) > 0.75, "lease, gap and silence"
    assert not dead.held(), "it ended by its own clock"
    await dead.renew()
    assert not dead.held()


@pytest.mark.usefixtures("short")
async def test_a_slot_that_was_released_is_anothers_sooner_but_not_at_once(redis: "Redis") -> None:
    leaving, heir = a_lease(redis, slots=1), a_lease(redis, slots=1)
    await leaving.renew()
    await leaving.release()
    assert not leaving.held()
    assert 0.35 < await seconds_until_held(heir) < 0.75


async def test_who_has_no_slot_takes_none_by_leaving(redis: "Redis") -> None:
    await a_lease(redis).release()
    gone = SlotLease(scripts_on(Redis.from_url("unix:///nonexistent")), slots=2)
    await gone.release()
    assert await redis.keys("*slots") == []


async def test_a_lease_outlives_redis_for_a_while_also_when_it_is_released(
    redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = a_lease(redis)
    await lease.renew()
    gone = scripts_on(Redis.from_url("unix:///nonexistent"))
    monkeypatch.setattr(lease, "_scripts", gone)
    with pytest.raises(LedgerUnavailableError):
        await lease.renew()
    assert lease.held()
    await lease.release()
    assert not lease.held()


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
    assert await seconds_until_held(other) > 0.4


@pytest.mark.parametrize("leap_us", [11 * MINUTE_US, 600 * MINUTE_US])
async def test_a_leap_of_the_clock_frees_no_slot(redis: "Redis", leap_us: int) -> None:
    holder, other = a_lease(redis, slots=1), a_lease(redis, slots=1)
    await holder.renew()
    await redis.hset(EPOCH, "ahead_us", str(leap_us))
    for _ in range(2):
        await other.renew()
        assert not other.held()
    await holder.renew()
    assert holder.held()


async def test_it_is_renewed_while_it_runs(redis: "Redis") -> None:
    lease = a_lease(redis)
    running = asyncio.ensure_future(lease.run())
    await asyncio.sleep(0.1)
    assert lease.held()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_only_numbers_below_the_number_of_slots_are_slots() -> None:
    slots = [NumberedSlot(number, slots=2) for number in range(4)]
    for slot in slots:
        await slot.run()
        await slot.release()
    assert [slot.held() for slot in slots] == [True, True, False, False]


def test_no_window_is_wider_than_the_gap() -> None:
    widest_ms = max(each.limit.window_ms for each in Endpoint)
    assert widest_ms + JITTER_MS_MAX < slot_lease.GAP_S * 1000
