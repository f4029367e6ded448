import asyncio

import pytest
from redis.asyncio import Redis

from okx_gateway.domain.errors import BudgetExhaustedError, DeadlineTooShortError
from okx_gateway.ledger import redis_amends
from okx_gateway.ledger.charge import Charge, Route
from okx_gateway.ledger.redis_amends import AmendBusy, AmendGranted, RedisAmends
from tests.fakes.ledgers import SETTINGS, scripts_on

OWNER = "demo:1"
EXCHANGE_MS = 1_700_000_000_000


@pytest.fixture
def amends(redis: "Redis") -> RedisAmends:
    return RedisAmends(scripts_on(redis), SETTINGS)


async def begin(
    amends: RedisAmends,
    charges: Route = (),
    *,
    remaining_ms: int = 2_000,
    given_up: str = "",
    counted: bool = False,
) -> AmendGranted | AmendBusy:
    return await amends.begin(
        OWNER,
        "77",
        caller="desk",
        charges=charges,
        exchange_ms=EXCHANGE_MS,
        remaining_ms=remaining_ms,
        given_up=given_up,
        counted=counted,
    )


async def test_one_amend_of_an_order_at_a_time(amends: RedisAmends) -> None:
    first = await begin(amends)
    assert isinstance(first, AmendGranted)
    assert first.expiry_ms == EXCHANGE_MS + 1_000
    busy = await begin(amends)
    assert isinstance(busy, AmendBusy)
    assert 1_000 < busy.retry_after_ms <= 2_000 + SETTINGS.margin_ms
    assert not await amends.end(OWNER, "77", "of another")
    assert isinstance(await begin(amends), AmendBusy)
    assert await amends.end(OWNER, "77", first.fence)
    assert isinstance(await begin(amends), AmendGranted)


async def test_an_amend_whose_replica_died_makes_way_once_it_can_take_no_effect(
    amends: RedisAmends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_amends, "_LOOK_MS", 100)
    first = await begin(amends, remaining_ms=200)
    assert isinstance(first, AmendGranted)
    await asyncio.sleep((200 + SETTINGS.margin_ms) / 1000)
    busy = await begin(amends)
    assert isinstance(busy, AmendBusy)
    assert 0 < busy.retry_after_ms <= 100
    await asyncio.sleep(0.1)
    assert isinstance(await begin(amends), AmendGranted)
    # Who has died after all, and only slept, learns that another was let in.
    assert not await amends.end(OWNER, "77", first.fence)


async def test_without_room_or_time_no_amend_is_under_way(amends: RedisAmends) -> None:
    window = (Charge("w", 1, 60_000_000),)
    first = await begin(amends, window)
    assert isinstance(first, AmendGranted)
    await amends.end(OWNER, "77", first.fence)
    with pytest.raises(BudgetExhaustedError):
        await begin(amends, window)
    with pytest.raises(DeadlineTooShortError):
        await begin(amends, remaining_ms=1)
    assert isinstance(await begin(amends), AmendGranted)


async def test_in_a_new_epoch_an_amend_may_be_under_way(redis: "Redis") -> None:
    busy = await begin(RedisAmends(scripts_on(redis, new=False), SETTINGS))
    assert isinstance(busy, AmendBusy)
    assert busy.retry_after_ms == SETTINGS.silence_us // 1000


async def test_who_gives_a_grant_up_gets_another_and_its_room_back(amends: RedisAmends) -> None:
    window = (Charge("w", 1, 60_000_000),)
    first = await begin(amends, window)
    assert isinstance(first, AmendGranted)
    assert isinstance(await begin(amends, window, given_up="of another"), AmendBusy)
    second = await begin(amends, window, given_up=first.fence)
    assert isinstance(second, AmendGranted)
    assert second.wait_s == 0
    with pytest.raises(BudgetExhaustedError):
        await begin(amends, window, given_up=second.fence, counted=True)
    # The first one lets nobody in any more.
    await amends.end(OWNER, "77", first.fence)
    assert isinstance(await begin(amends), AmendBusy)
