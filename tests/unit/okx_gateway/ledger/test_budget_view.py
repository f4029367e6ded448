import pytest
from redis.asyncio import Redis

from okx_gateway.domain.errors import BudgetExhaustedError
from okx_gateway.ledger.budget_view import CallerUse
from okx_gateway.ledger.charge import Charge, Part
from tests.fakes.ledgers import SETTINGS, a_budget

OWNER = "demo:1"
ORDERS = Charge("place_order:BTC-USDT", 2, 2_000_000)


async def test_a_ledger_that_was_never_used_has_no_windows(redis: "Redis") -> None:
    budget = await a_budget(redis).view(OWNER)
    assert (budget.windows, budget.recovering_ms) == ((), 0)


async def test_it_tells_who_uses_waits_and_was_refused(redis: "Redis") -> None:
    budget = a_budget(redis)
    own = Charge(ORDERS.name, 2, 2_000_000, share=Part("algo", 1))
    for charge, caller in ((ORDERS, "web"), (ORDERS, "web"), (own, "algo"), (ORDERS, "web")):
        await budget.spend(OWNER, (charge,), caller=caller, wait_s=3)
    with pytest.raises(BudgetExhaustedError):
        await budget.spend(OWNER, (ORDERS,), caller="web", wait_s=0)
    [window] = (await budget.view(OWNER)).windows
    assert (window.name, window.capacity, window.width_ms) == (ORDERS.name, 60, 2_000)
    assert (window.used, window.waiting, window.frozen_ms) == (3, 1, 0)
    assert window.by_caller == {
        "web": CallerUse(used=2, waiting=1, granted=3, refused=1),
        "algo": CallerUse(used=1, granted=1),
    }


async def test_it_tells_of_frozen_windows_and_of_an_epoch_that_has_begun(redis: "Redis") -> None:
    budget = a_budget(redis, new=False)
    await budget.spend(OWNER, (ORDERS,), caller="web", wait_s=9)
    await budget.freeze(OWNER, ORDERS)
    view = await budget.view(OWNER)
    assert 2_050 < view.windows[0].frozen_ms <= 2_250
    assert 0 < view.recovering_ms <= SETTINGS.silence_us // 1000


async def test_in_an_epoch_that_has_begun_every_window_counts_as_full(redis: "Redis") -> None:
    budget = a_budget(redis, new=False)
    with pytest.raises(BudgetExhaustedError):
        await budget.spend(OWNER, (ORDERS,), caller="web", wait_s=0)
    [window] = (await budget.view(OWNER)).windows
    assert (window.used, window.waiting) == (0, 0)
    assert 1_750 < window.frozen_ms <= 2_250


async def test_a_slot_that_is_given_up_counts_for_nothing(redis: "Redis") -> None:
    budget = a_budget(redis)
    first = await budget.spend(OWNER, (ORDERS,), caller="web", wait_s=0)
    await budget.spend(OWNER, (ORDERS,), caller="web", wait_s=0, given_up=first.nonce)
    [window] = (await budget.view(OWNER)).windows
    assert window.by_caller == {"web": CallerUse(used=1, granted=1)}


async def test_of_very_many_names_the_later_ones_are_counted_together(redis: "Redis") -> None:
    budget = a_budget(redis)
    many = [part for n in range(20_000) for part in (f"{ORDERS.name}|c{n}|granted", "1")]
    await redis.hset(f"okxgw:{{{OWNER}}}:tally", items=many)
    for caller in ("one", "more"):
        await budget.spend(OWNER, (ORDERS,), caller=caller, wait_s=0)
    [window] = (await budget.view(OWNER)).windows
    assert len(window.by_caller) == 20_003
    assert window.by_caller["(others)"].granted == 2
    assert window.by_caller["one"] == CallerUse(used=1)


async def test_a_window_that_only_a_later_version_knows_is_told_without_its_limit(
    redis: "Redis",
) -> None:
    budget = a_budget(redis)
    await budget.spend(OWNER, (Charge("place_spread:X", 5, 1_000_000),), caller="web", wait_s=0)
    [window] = (await budget.view(OWNER)).windows
    assert (window.name, window.capacity, window.used) == ("place_spread:X", 0, 1)


async def test_windows_of_every_kind_are_told_with_what_okx_allows(redis: "Redis") -> None:
    budget = a_budget(redis)
    for name in ("sub_account", "websocket_connect", "get_instruments:SWAP"):
        await budget.spend(OWNER, (Charge(name, 9, 1_000_000),), caller="(gateway)", wait_s=0)
    told = {window.name: window.capacity for window in (await budget.view(OWNER)).windows}
    assert told == {"get_instruments:SWAP": 20, "sub_account": 1_000, "websocket_connect": 3}
