"""The ledger against a real server: budget exact, journal once."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from redis.asyncio import Redis

from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import BudgetExhaustedError, LedgerUnavailableError
from okx_gateway.domain.order import (
    Limit,
    NewOrder,
    NotPlaced,
    Placed,
    Refused,
    Side,
    TimeInForce,
    TradeMode,
)
from okx_gateway.ledger.charge import Charge
from okx_gateway.ledger.redis_ledger import Granted, Known, LedgerSettings, RedisLedger

OWNER = "demo:1"
EXCHANGE_MS = 1_700_000_000_000


def an_order(client_order_id: str, quantity: str = "1") -> NewOrder:
    return NewOrder(
        account="main",
        client_order_id=client_order_id,
        instrument="BTC-USDT",
        side=Side.BUY,
        trade_mode=TradeMode.CASH,
        quantity=Decimal(quantity),
        kind=Limit(Decimal("30000.1"), TimeInForce.GOOD_TILL_CANCELLED),
    )


@pytest.fixture
async def ledger(redis: "Redis") -> AsyncIterator[RedisLedger]:
    ledger = RedisLedger(redis, LedgerSettings())
    yield ledger
    await ledger.close()


async def admit(
    ledger: RedisLedger,
    order: NewOrder,
    charges: Sequence[Charge] = (),
    *,
    caller: str = "desk",
    remaining_ms: int = 5_000,
) -> Known | Granted:
    return await ledger.admit(
        order,
        owner=OWNER,
        caller=caller,
        charges=charges,
        exchange_ms=EXCHANGE_MS,
        remaining_ms=remaining_ms,
    )


def worst_stretch(times: Sequence[int], width: int) -> int:
    return max(sum(1 for each in times if start <= each < start + width) for start in times)


async def spent_at(redis: "Redis", window: str) -> list[int]:
    key = f"okxgw:{{{OWNER}}}:window:{window}"
    spends: Any = await redis.zrange(key, 0, -1, withscores=True)
    return [int(score) for _, score in spends]


async def test_the_slots_of_a_burst_never_exceed_the_window_and_waste_nothing(
    redis: "Redis", ledger: RedisLedger
) -> None:
    window = Charge("w", capacity=7, width_us=300_000)
    deadline = Deadline.after(60)
    waits_s = await asyncio.gather(*(ledger.spend(OWNER, [window], deadline) for _ in range(40)))
    times = await spent_at(redis, "w")
    assert len(times) == 40
    assert worst_stretch(times, 300_000) == 7
    assert min(waits_s) == 0
    # Each full window is followed by the next at the first microsecond that has room.
    assert times[-1] - times[0] < 300_000 * 5 + 200_000


async def test_a_wait_past_the_deadline_is_denied_and_spends_nothing(
    redis: "Redis", ledger: RedisLedger
) -> None:
    window = Charge("w", capacity=2, width_us=10_000_000)
    for _ in range(2):
        await ledger.spend(OWNER, [window], Deadline.after(1))
    with pytest.raises(BudgetExhaustedError) as denied:
        await ledger.spend(OWNER, [window], Deadline.after(1))
    assert denied.value.window == "w"
    assert 9_000 < denied.value.retry_after_ms <= 10_001
    assert len(await spent_at(redis, "w")) == 2


async def test_all_windows_or_none(redis: "Redis", ledger: RedisLedger) -> None:
    wide = Charge("wide", capacity=100, width_us=10_000_000)
    narrow = Charge("narrow", capacity=1, width_us=10_000_000)
    await ledger.spend(OWNER, [wide, narrow], Deadline.after(1))
    with pytest.raises(BudgetExhaustedError) as denied:
        await ledger.spend(OWNER, [wide, narrow], Deadline.after(1))
    assert denied.value.window == "narrow"
    assert len(await spent_at(redis, "wide")) == 1


async def test_random_histories_over_shared_windows_stay_within_every_capacity(
    redis: "Redis", ledger: RedisLedger
) -> None:
    # Waiting requests on one instrument leave slots ahead in the shared window; requests on the
    # other are placed before them, and both windows must hold at every alignment.
    chosen = random.Random(7)
    shared = Charge("shared", capacity=9, width_us=200_000)
    singles = [Charge(name, capacity=4, width_us=150_000) for name in ("a", "b", "c")]
    for _ in range(60):
        single = chosen.choice(singles[: chosen.choice((1, 3))])
        charges = [single, shared] if chosen.random() < 0.7 else [single]
        await ledger.spend(OWNER, charges, Deadline.after(60))
        if chosen.random() < 0.3:
            await asyncio.sleep(chosen.random() * 0.03)
    assert worst_stretch(await spent_at(redis, "shared"), 200_000) <= 9
    for single in singles:
        assert worst_stretch(await spent_at(redis, single.name), 150_000) <= 4


async def test_a_batch_weighs_what_it_costs(redis: "Redis", ledger: RedisLedger) -> None:
    window = Charge("w", capacity=10, width_us=200_000, cost=4)
    for _ in range(6):
        await ledger.spend(OWNER, [window], Deadline.after(60))
    times = await spent_at(redis, "w")
    assert len(times) == 24
    assert worst_stretch(times, 200_000) == 8


async def test_an_admitted_order_is_on_record_before_it_is_sent(
    redis: "Redis", ledger: RedisLedger
) -> None:
    granted = await admit(ledger, an_order("a1"))
    assert granted == Granted(0.0, EXCHANGE_MS + 1_000)
    record = await ledger.read(OWNER, "a1")
    assert record is not None
    assert record.outcome is None
    assert record.order == an_order("a1")
    assert record.expiry_ms == EXCHANGE_MS + 1_000
    audit: Any = await redis.xrange(f"okxgw:{{{OWNER}}}:audit")
    assert [entry["event"] for _, entry in audit] == ["sending"]


async def test_the_expiry_never_lies_past_the_deadline_and_follows_the_slot(
    ledger: RedisLedger,
) -> None:
    window = Charge("w", capacity=1, width_us=2_000_000)
    first = await admit(ledger, an_order("a1"), [window], remaining_ms=700)
    assert first == Granted(0.0, EXCHANGE_MS + 700)
    second = await admit(ledger, an_order("a2"), [window], remaining_ms=10_000)
    assert isinstance(second, Granted)
    assert 1.5 < second.wait_s <= 2.0
    assert EXCHANGE_MS + 2_500 < second.expiry_ms <= EXCHANGE_MS + 3_001


async def test_an_order_denied_leaves_no_record(ledger: RedisLedger) -> None:
    window = Charge("w", capacity=1, width_us=60_000_000)
    await admit(ledger, an_order("a1"), [window])
    with pytest.raises(BudgetExhaustedError):
        await admit(ledger, an_order("a2"), [window])
    assert await ledger.read(OWNER, "a2") is None


async def test_of_many_at_once_with_one_id_exactly_one_is_granted(
    redis: "Redis", ledger: RedisLedger
) -> None:
    window = Charge("w", capacity=1_000, width_us=60_000_000)
    others = [RedisLedger(redis, LedgerSettings()) for _ in range(3)]
    answers = await asyncio.gather(
        *(
            admit(each, an_order("a1", str(1 + number % 2)), [window])
            for number in range(50)
            for each in (ledger, *others)
        )
    )
    assert sum(isinstance(answer, Granted) for answer in answers) == 1
    assert len(await spent_at(redis, "w")) == 1


@pytest.mark.parametrize(
    "outcome",
    [
        Placed("312269865356374016", EXCHANGE_MS + 5, EXCHANGE_MS * 1000, EXCHANGE_MS * 1000 + 9),
        Placed("312269865356374016", EXCHANGE_MS + 5),
        Refused("51008", "Insufficient balance"),
        NotPlaced(),
    ],
)
async def test_a_final_outcome_stays(
    ledger: RedisLedger, outcome: Placed | Refused | NotPlaced
) -> None:
    await admit(ledger, an_order("a1"))
    assert await ledger.settle(OWNER, "a1", outcome) is None
    standing = await ledger.settle(OWNER, "a1", Refused("1", "another word"))
    assert standing is not None
    assert standing.outcome == outcome
    known = await admit(ledger, an_order("a1"))
    assert isinstance(known, Known)
    assert known.record.outcome == outcome
    assert known.record.caller == "desk"


async def test_an_id_of_which_nothing_was_sent_may_be_used_again(ledger: RedisLedger) -> None:
    await admit(ledger, an_order("a1"))
    await ledger.settle_unsent(OWNER, "a1")
    assert isinstance(await admit(ledger, an_order("a1")), Granted)


async def test_a_settled_order_is_not_forgotten_as_unsent(ledger: RedisLedger) -> None:
    await admit(ledger, an_order("a1"))
    await ledger.settle(OWNER, "a1", NotPlaced())
    await ledger.settle_unsent(OWNER, "a1")
    record = await ledger.read(OWNER, "a1")
    assert record is not None
    assert record.outcome == NotPlaced()


async def test_scripts_flushed_from_the_server_are_loaded_again(
    redis: "Redis", ledger: RedisLedger
) -> None:
    await admit(ledger, an_order("a1"))
    await redis.script_flush()
    answers = await asyncio.gather(*(admit(ledger, an_order(f"b{n}")) for n in range(5)))
    assert all(isinstance(answer, Granted) for answer in answers)


async def test_a_row_that_the_gateway_did_not_write_is_not_believed(
    redis: "Redis", ledger: RedisLedger
) -> None:
    await redis.hset(f"okxgw:{{{OWNER}}}:order:a1", mapping={"state": "placed"})
    with pytest.raises(LedgerUnavailableError):
        await admit(ledger, an_order("a1"))


async def test_a_server_that_is_gone_is_told_and_nothing_granted(redis: "Redis") -> None:
    gone = Redis.from_url("unix:///nonexistent/valkey.sock", decode_responses=True)
    ledger = RedisLedger(gone, LedgerSettings())
    with pytest.raises(LedgerUnavailableError):
        await admit(ledger, an_order("a1"))
    await ledger.close()
    await gone.aclose()


async def test_a_cancelled_caller_leaves_no_reply_for_the_next(ledger: RedisLedger) -> None:
    for number in range(200):
        task = asyncio.ensure_future(admit(ledger, an_order(f"c{number}")))
        await asyncio.sleep(0 if number % 2 else 0.0005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        record = await ledger.read(OWNER, f"c{number}")
        assert record is None or record.order.client_order_id == f"c{number}"
