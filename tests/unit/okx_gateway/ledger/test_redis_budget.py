"""The budget against a real server: exact, whoever asks, and distrustful of its own record."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from okx_gateway.domain.errors import BudgetExhaustedError, LedgerUnavailableError
from okx_gateway.ledger.charge import Charge, Part
from okx_gateway.ledger.grant import UNCHECKED_WAIT_S
from okx_gateway.ledger.redis_budget import RedisBudget, Slot
from tests.fakes.ledgers import a_budget

OWNER = "demo:1"


@pytest.fixture
def budget(redis: "Redis") -> RedisBudget:
    return a_budget(redis)


async def take(
    budget: RedisBudget, *charges: Charge, wait_s: float = 60, caller: str = "desk"
) -> Slot:
    return await budget.spend(OWNER, charges, caller=caller, wait_s=wait_s)


def worst_stretch(times: Sequence[int], width: int) -> int:
    return max(sum(1 for each in times if start <= each < start + width) for start in times)


async def spent_at(redis: "Redis", window: str) -> list[int]:
    key = f"okxgw:{{{OWNER}}}:window:{window}"
    spends: Any = await redis.zrange(key, 0, -1, withscores=True)
    return [int(score) for _, score in spends]


async def test_the_slots_of_a_burst_never_exceed_the_window_and_waste_nothing(
    redis: "Redis", budget: RedisBudget
) -> None:
    window = Charge("w", 7, 300_000)
    slots = await asyncio.gather(*(take(budget, window) for _ in range(40)))
    times = await spent_at(redis, "w")
    assert len(times) == 40
    assert worst_stretch(times, 300_000) == 7
    assert min(slot.wait_s for slot in slots) == 0
    # Each full window is followed by the next at the first microsecond that has room.
    assert times[-1] - times[0] < 300_000 * 5 + 200_000


async def test_a_wait_past_the_deadline_is_denied_and_spends_nothing(
    redis: "Redis", budget: RedisBudget
) -> None:
    window = Charge("w", 2, 10_000_000)
    for _ in range(2):
        await take(budget, window, wait_s=1)
    with pytest.raises(BudgetExhaustedError) as denied:
        await take(budget, window, wait_s=1)
    assert denied.value.window == "w"
    assert 9_000 < denied.value.retry_after_ms <= 10_001
    assert len(await spent_at(redis, "w")) == 2


async def test_all_windows_or_none(redis: "Redis", budget: RedisBudget) -> None:
    wide = Charge("wide", 100, 10_000_000)
    narrow = Charge("narrow", 1, 10_000_000)
    await take(budget, wide, narrow, wait_s=1)
    with pytest.raises(BudgetExhaustedError) as denied:
        await take(budget, wide, narrow, wait_s=1)
    assert denied.value.window == "narrow"
    assert len(await spent_at(redis, "wide")) == 1


async def test_random_histories_over_shared_windows_stay_within_every_capacity(
    redis: "Redis", budget: RedisBudget
) -> None:
    # Waiting requests on one instrument leave slots ahead in the shared window; requests on the
    # other are placed before them, and both windows must hold at every alignment.
    chosen = random.Random(7)
    shared = Charge("shared", 9, 200_000)
    singles = [Charge(name, 4, 150_000) for name in ("a", "b", "c")]
    for _ in range(60):
        single = chosen.choice(singles[: chosen.choice((1, 3))])
        charges = [single, shared] if chosen.random() < 0.7 else [single]
        await take(budget, *charges)
        if chosen.random() < 0.3:
            await asyncio.sleep(chosen.random() * 0.03)
    assert worst_stretch(await spent_at(redis, "shared"), 200_000) <= 9
    for single in singles:
        assert worst_stretch(await spent_at(redis, single.name), 150_000) <= 4


async def test_a_batch_weighs_what_it_costs(redis: "Redis", budget: RedisBudget) -> None:
    window = Charge("w", 10, 200_000, cost=4)
    for _ in range(6):
        await take(budget, window)
    times = await spent_at(redis, "w")
    assert len(times) == 24
    assert worst_stretch(times, 200_000) == 8


async def test_a_guaranteed_share_is_there_whatever_others_have_taken(
    redis: "Redis", budget: RedisBudget
) -> None:
    pool = Charge("w", 6, 60_000_000)
    own = Charge("w", 6, 60_000_000, share=Part("algo", 4))
    for _ in range(6):
        await take(budget, pool, caller="hog", wait_s=0)
    with pytest.raises(BudgetExhaustedError):
        await take(budget, pool, caller="hog", wait_s=0)
    for _ in range(4):
        assert (await take(budget, own, caller="algo", wait_s=0)).wait_s == 0
    with pytest.raises(BudgetExhaustedError):
        await take(budget, own, caller="algo", wait_s=0)


async def test_a_cap_leaves_room_for_others_now_and_in_slots_ahead(budget: RedisBudget) -> None:
    capped = Charge("w", 6, 200_000, cap=Part("hog", 4))
    free = Charge("w", 6, 200_000)
    hog = [await take(budget, capped, caller="hog") for _ in range(20)]
    assert sum(slot.wait_s == 0 for slot in hog) <= 4
    others = [await take(budget, free, caller="web") for _ in range(2)]
    assert [slot.wait_s for slot in others] == [0, 0]


async def test_a_share_too_small_for_the_cost_is_never_used(budget: RedisBudget) -> None:
    with pytest.raises(BudgetExhaustedError):
        await take(budget, Charge("w", 0, 200_000))
    with pytest.raises(BudgetExhaustedError):
        await take(budget, Charge("w", 6, 200_000, cap=Part("hog", 0)), caller="hog")


async def test_shares_pool_and_caps_hold_at_every_alignment(
    redis: "Redis", budget: RedisBudget
) -> None:
    chosen = random.Random(11)
    shares = {"algo": Part("algo", 3), "web": Part("web", 2), "hog": None}
    caps = {"algo": Part("algo", 2), "web": None, "hog": Part("hog", 3)}
    for _ in range(120):
        caller = chosen.choice(["algo", "web", "hog", "hog"])
        charge = Charge("w", 5, 100_000, share=shares[caller], cap=caps[caller])
        await take(budget, charge, caller=caller)
        if chosen.random() < 0.2:
            await asyncio.sleep(chosen.random() * 0.02)
    logs = {name: await spent_at(redis, name) for name in ("w", "w#algo", "w#web", "w~hog")}
    assert worst_stretch(logs["w"], 100_000) <= 5
    assert worst_stretch(logs["w#algo"], 100_000) <= 3
    assert worst_stretch(logs["w~hog"], 100_000) <= 3
    assert worst_stretch(logs["w"] + logs["w#algo"] + logs["w#web"], 100_000) <= 10


async def test_in_a_new_epoch_every_window_counts_as_full_while_old_slots_may_be_used(
    redis: "Redis",
) -> None:
    window = Charge("w", 5, 300_000)
    slots = [await take(a_budget(redis, new=False), window) for _ in range(7)]
    full_s = UNCHECKED_WAIT_S + 0.3
    assert all(full_s - 0.1 < slot.wait_s <= full_s + 0.3 for slot in slots)
    assert sum(slot.wait_s <= full_s for slot in slots) == 5


async def test_a_ledger_that_is_flushed_begins_another_epoch(
    redis: "Redis", budget: RedisBudget
) -> None:
    window = Charge("w", 5, 300_000)
    assert (await take(budget, window)).wait_s == 0
    await redis.flushall()
    assert (await take(budget, window)).wait_s > 0.2


async def test_a_slot_that_was_not_used_is_given_back_with_the_next(
    redis: "Redis", budget: RedisBudget
) -> None:
    window = Charge("w", 1, 60_000_000)
    first = await take(budget, window)
    second = await budget.spend(OWNER, (window,), caller="desk", wait_s=0, given_up=first.nonce)
    assert second.wait_s == 0
    with pytest.raises(BudgetExhaustedError):
        await budget.spend(OWNER, (window,), caller="hog", wait_s=0, given_up=second.nonce)


async def test_a_frozen_window_counts_as_full_and_others_do_not(budget: RedisBudget) -> None:
    frozen, other = Charge("w", 5, 300_000), Charge("v", 5, 300_000)
    await budget.freeze(OWNER, frozen)
    assert (await take(budget, frozen)).wait_s > 0.2
    assert (await take(budget, other)).wait_s == 0


async def test_a_shadow_budget_counts_and_never_waits(redis: "Redis") -> None:
    budget = a_budget(redis, shadow=True)
    for _ in range(9):
        assert (await take(budget, Charge("w", 2, 60_000_000), wait_s=0)).wait_s == 0
    assert len(await spent_at(redis, "w")) == 9


async def test_a_clock_that_steps_back_frees_nothing(redis: "Redis", budget: RedisBudget) -> None:
    window = Charge("w", 3, 1_000_000)
    for _ in range(3):
        await take(budget, window)
    # As if the server's clock showed ten seconds more when it was written to last.
    epoch = f"okxgw:{{{OWNER}}}:epoch"
    ahead_us = int(str(await redis.hget(epoch, "last_us"))) + 10_000_000
    await redis.hset(epoch, "last_us", ahead_us)
    await redis.zadd(
        f"okxgw:{{{OWNER}}}:window:w", {f"desk:x:{n}": ahead_us - 1_000 for n in range(3)}
    )
    slot = await take(a_budget(redis), window)
    assert 0.8 < slot.wait_s <= 1.0


async def test_a_clock_that_leaps_is_found_out_and_what_it_granted_is_void(
    redis: "Redis", budget: RedisBudget
) -> None:
    window = Charge("w", 3, 500_000)
    for _ in range(3):
        await take(budget, window)
    await redis.hset(f"okxgw:{{{OWNER}}}:epoch", "ahead_us", 5_000_000)
    with pytest.raises(LedgerUnavailableError, match="clock"):
        await take(budget, window)
    assert (await take(budget, window)).wait_s > 0.4


def has_room(times: Sequence[int], at: int, window: Charge) -> bool:
    """Whether one more spend at `at` keeps every stretch of a log within the window."""
    spent = [*times, *[at] * window.cost]
    ends = [each for each in spent if at <= each < at + window.width_us]
    return all(
        sum(end - window.width_us < each <= end for each in spent) <= window.pool for end in ends
    )


async def now_us(redis: "Redis") -> int:
    seconds, fraction = await redis.time()
    return int(seconds) * 1_000_000 + int(fraction)


@pytest.mark.parametrize("seed", range(6))
async def test_every_slot_is_the_first_that_has_room(
    redis: "Redis", budget: RedisBudget, seed: int
) -> None:
    chosen = random.Random(seed)
    window = Charge("w", chosen.randint(2, 9), chosen.choice([40_000, 300_000]))
    given: list[Slot] = []
    for _ in range(80):
        charge = replace(window, cost=chosen.choice([1, 1, 1, 2]))
        if given and chosen.random() < 0.3:
            # A gap, as something leaves that is given back.
            nonce = given.pop(chosen.randrange(len(given))).nonce
            key = f"okxgw:{{{OWNER}}}:window:w"
            await redis.zrem(key, *(f"desk:{nonce}:{unit}" for unit in (1, 2)))
        before = await spent_at(redis, "w")
        slot = await take(budget, charge)
        after_us = await now_us(redis)
        given.append(slot)
        at = next(iter(Counter(await spent_at(redis, "w")) - Counter(before)))
        assert has_room(before, at, charge)
        sooner = {each + ahead for each in before for ahead in (0, charge.width_us)}
        assert not [t for t in sooner if after_us < t < at and has_room(before, t, charge)], seed
        await asyncio.sleep(chosen.choice([0, 0, 0.001, 0.02]))


async def test_slots_further_ahead_than_a_width_are_in_nobodys_way(
    redis: "Redis", budget: RedisBudget
) -> None:
    window = Charge("w", 2, 300_000)
    await take(budget, window)
    ahead_us = await now_us(redis) + 2 * window.width_us
    key = f"okxgw:{{{OWNER}}}:window:w"
    await redis.delete(key)
    await redis.zadd(key, {"desk:one:1": ahead_us, "desk:other:1": ahead_us})
    assert [(await take(budget, window)).wait_s for _ in range(2)] == [0, 0]


async def test_a_long_queue_is_leapt_over_and_not_walked_along(
    redis: "Redis", budget: RedisBudget
) -> None:
    window = Charge("w", 60, 2_200_000)
    await asyncio.gather(*(take(budget, window) for _ in range(900)))

    async def looks() -> int:
        return int((await redis.info("commandstats"))["cmdstat_zcount"]["calls"])

    before = await looks()
    slot = await take(budget, window)
    assert slot.wait_s > 2.2 * 14
    # A look or two for every width of those who wait, however many they are.
    assert await looks() - before < 60
