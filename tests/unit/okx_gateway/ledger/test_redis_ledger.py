"""The journal against a real server: an id is granted once, and what is settled stays."""

import asyncio
import time
from decimal import Decimal
from typing import Any

import pytest
from redis.asyncio import Redis

from okx_gateway.domain.errors import (
    BudgetExhaustedError,
    LedgerRecoveringError,
    LedgerUnavailableError,
)
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
from okx_gateway.ledger.charge import Charge, Part, Route
from okx_gateway.ledger.grant import Arrival, Granted, Known, LedgerSettings, LookFirst
from okx_gateway.ledger.ledger_script import new_fence
from okx_gateway.ledger.redis_ledger import RedisLedger
from tests.fakes.ledgers import a_ledger

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
def ledger(redis: "Redis") -> RedisLedger:
    return a_ledger(redis)


async def admit(
    ledger: RedisLedger,
    order: NewOrder,
    *routes: Route,
    caller: str = "desk",
    remaining_ms: int = 5_000,
    fence: str = "",
    given_up: str = "",
    counted: bool = False,
    looked: bool = False,
) -> Known | LookFirst | Granted:
    return await ledger.admit(
        order,
        owner=OWNER,
        caller=caller,
        routes=routes or ((),),
        exchange_ms=EXCHANGE_MS,
        remaining_ms=remaining_ms,
        fence=fence or new_fence(),
        given_up=given_up,
        counted=counted,
        looked=looked,
    )


async def grant(ledger: RedisLedger, order: NewOrder, *routes: Route, **how: Any) -> Granted:
    granted = await admit(ledger, order, *routes, **how)
    assert isinstance(granted, Granted)
    return granted


async def spent(redis: "Redis", window: str) -> int:
    return int(await redis.zcard(f"okxgw:{{{OWNER}}}:window:{window}"))


async def open_ids(redis: "Redis") -> list[str]:
    ids: Any = await redis.zrange(f"okxgw:{{{OWNER}}}:open", 0, -1)
    return list(ids)


async def test_an_admitted_order_is_on_record_before_it_is_sent(
    redis: "Redis", ledger: RedisLedger
) -> None:
    granted = await grant(ledger, an_order("a1"), fence="ab")
    assert (granted.wait_s, granted.expiry_ms, granted.fence) == (0.0, EXCHANGE_MS + 1_000, "ab")
    assert abs(granted.slot_s - time.monotonic()) < 1
    record = await ledger.read(OWNER, "a1")
    assert record is not None
    assert record.outcome is None
    assert record.order == an_order("a1")
    assert record.expiry_ms == EXCHANGE_MS + 1_000
    assert record.fence == "ab"
    assert await open_ids(redis) == ["a1"]
    audit: Any = await redis.xrange(f"okxgw:{{{OWNER}}}:audit")
    assert [entry["event"] for _, entry in audit] == ["sending"]


async def test_the_expiry_never_lies_past_the_deadline_and_follows_the_slot(
    ledger: RedisLedger,
) -> None:
    window = (Charge("w", 1, 2_000_000),)
    first = await grant(ledger, an_order("a1"), window, remaining_ms=700)
    assert (first.wait_s, first.expiry_ms) == (0.0, EXCHANGE_MS + 700)
    second = await grant(ledger, an_order("a2"), window, remaining_ms=10_000)
    assert 1.5 < second.wait_s <= 2.0
    assert EXCHANGE_MS + 2_500 < second.expiry_ms <= EXCHANGE_MS + 3_001


async def test_an_order_denied_leaves_no_record(ledger: RedisLedger) -> None:
    window = (Charge("w", 1, 60_000_000),)
    await grant(ledger, an_order("a1"), window)
    with pytest.raises(BudgetExhaustedError) as denied:
        await admit(ledger, an_order("a2"), window)
    assert denied.value.window == "w"
    assert await ledger.read(OWNER, "a2") is None


async def test_what_has_no_room_alone_goes_the_other_way(
    redis: "Redis", ledger: RedisLedger
) -> None:
    alone, batch = (Charge("alone", 2, 60_000_000),), (Charge("batch", 2, 60_000_000),)
    routes = [(await grant(ledger, an_order(f"a{n}"), alone, batch)).route for n in range(4)]
    assert routes == [0, 0, 1, 1]
    assert (await spent(redis, "alone"), await spent(redis, "batch")) == (2, 2)
    with pytest.raises(BudgetExhaustedError):
        await admit(ledger, an_order("a5"), alone, batch)


async def test_of_many_at_once_with_one_id_exactly_one_is_granted(
    redis: "Redis", ledger: RedisLedger
) -> None:
    window = (Charge("w", 1_000, 60_000_000),)
    others = [a_ledger(redis) for _ in range(3)]
    answers = await asyncio.gather(
        *(
            admit(each, an_order("a1", str(1 + number % 2)), window)
            for number in range(50)
            for each in (ledger, *others)
        )
    )
    assert sum(isinstance(answer, Granted) for answer in answers) == 1
    assert await spent(redis, "w") == 1


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
    redis: "Redis", ledger: RedisLedger, outcome: Placed | Refused | NotPlaced
) -> None:
    fence = (await grant(ledger, an_order("a1"))).fence
    assert (await ledger.settle(OWNER, "a1", fence, outcome)).outcome == outcome
    standing = await ledger.settle(OWNER, "a1", fence, Refused("1", "another word"))
    assert standing.outcome == outcome
    known = await admit(ledger, an_order("a1"))
    assert isinstance(known, Known)
    assert known.record.outcome == outcome
    assert known.record.caller == "desk"
    assert await open_ids(redis) == []


async def test_an_id_of_which_nothing_was_sent_may_be_used_again(ledger: RedisLedger) -> None:
    granted = await grant(ledger, an_order("a1"))
    await ledger.settle_unsent(OWNER, "a1", granted.fence)
    assert await ledger.read(OWNER, "a1") is None
    await grant(ledger, an_order("a1"))


async def test_who_held_an_earlier_grant_cannot_forget_or_settle_a_later_one(
    ledger: RedisLedger,
) -> None:
    first = await grant(ledger, an_order("a1"))
    await ledger.settle_unsent(OWNER, "a1", first.fence)
    second = await grant(ledger, an_order("a1"))
    await ledger.settle_unsent(OWNER, "a1", first.fence)
    await ledger.settle(OWNER, "a1", first.fence, NotPlaced())
    record = await ledger.read(OWNER, "a1")
    assert record is not None
    assert (record.fence, record.outcome) == (second.fence, None)


async def test_a_grant_is_given_anew_only_to_who_holds_it(ledger: RedisLedger) -> None:
    first = await grant(ledger, an_order("a1"))
    second = await grant(ledger, an_order("a1"), given_up=first.fence, remaining_ms=3_000)
    assert second.fence != first.fence
    assert isinstance(await admit(ledger, an_order("a1"), given_up=first.fence), Known)
    await ledger.settle(OWNER, "a1", second.fence, NotPlaced())
    assert isinstance(await admit(ledger, an_order("a1"), given_up=second.fence), Known)


async def test_a_slot_that_was_missed_is_given_back_with_the_next(
    redis: "Redis", ledger: RedisLedger
) -> None:
    window = (Charge("w", 1, 60_000_000),)
    first = await grant(ledger, an_order("a1"), window)
    assert first.until_s > first.slot_s
    second = await grant(ledger, an_order("a1"), window, given_up=first.fence)
    assert second.wait_s == 0
    assert await spent(redis, "w") == 1


async def test_a_slot_in_which_okx_has_counted_a_request_stays_spent(
    redis: "Redis", ledger: RedisLedger
) -> None:
    window = (Charge("w", 2, 60_000_000),)
    first = await grant(ledger, an_order("a1"), window)
    second = await grant(ledger, an_order("a1"), window, given_up=first.fence, counted=True)
    assert second.fence != first.fence
    assert await spent(redis, "w") == 2


@pytest.mark.parametrize(
    ("answered_s", "arrived_s", "wait_s"),
    [
        (0.05, 0.0, 0.25),  # counted by then: 200 ms of widening are not needed any more
        (0.3, 0.01, 0.4),  # it may have been counted just before: the slot stands
        (0.4, 0.35, 0.55),  # it came later than it should have
    ],
)
async def test_a_spend_moves_to_when_okx_has_counted_it(
    ledger: RedisLedger, answered_s: float, arrived_s: float, wait_s: float
) -> None:
    window = (Charge("w", 1, 400_000),)
    first = await grant(ledger, an_order("a1"), window)
    arrival = Arrival(
        window,
        "desk",
        first.slot_us,
        answered_s=first.slot_s + answered_s,
        arrived_s=first.slot_s + arrived_s,
        jitter_us=200_000,
    )
    await ledger.settle(OWNER, "a1", first.fence, Placed("7", EXCHANGE_MS), arrival=arrival)
    second = await grant(ledger, an_order("a2"), window)
    assert wait_s - 0.02 < second.slot_s - first.slot_s < wait_s + 0.02


async def test_a_settled_order_is_not_forgotten_as_unsent(ledger: RedisLedger) -> None:
    granted = await grant(ledger, an_order("a1"))
    await ledger.settle(OWNER, "a1", granted.fence, NotPlaced())
    await ledger.settle_unsent(OWNER, "a1", granted.fence)
    record = await ledger.read(OWNER, "a1")
    assert record is not None
    assert record.outcome == NotPlaced()


async def test_a_row_left_by_its_holder_is_taken_by_one_for_a_lease(redis: "Redis") -> None:
    ledger = a_ledger(redis, LedgerSettings(validity_ms=0, least_validity_ms=0))
    granted = await grant(ledger, an_order("a1"))
    assert (await ledger.take_open(OWNER, lease_s=1, rows_max=9)).taken == ()
    await asyncio.sleep(0.55)
    first = await ledger.take_open(OWNER, lease_s=0.2, rows_max=9)
    assert [record.fence for record in first.taken] == [granted.fence]
    assert first.open_count == 1
    assert (await ledger.take_open(OWNER, lease_s=1, rows_max=9)).taken == ()
    await asyncio.sleep(0.25)
    assert len((await ledger.take_open(OWNER, lease_s=1, rows_max=9)).taken) == 1
    await ledger.settle(OWNER, "a1", granted.fence, NotPlaced())
    assert (await ledger.take_open(OWNER, lease_s=1, rows_max=9)).open_count == 0


async def test_a_row_that_is_held_is_not_taken_over(redis: "Redis") -> None:
    ledger = a_ledger(redis, LedgerSettings(validity_ms=0, least_validity_ms=0))
    await grant(ledger, an_order("a1"))
    await ledger.read(OWNER, "a1", hold_s=30)
    await asyncio.sleep(0.55)
    assert (await ledger.take_open(OWNER, lease_s=1, rows_max=9)).taken == ()


async def test_a_cancel_is_kept_for_an_order_in_doubt_until_it_is_carried_out(
    redis: "Redis", ledger: RedisLedger
) -> None:
    granted = await grant(ledger, an_order("a1"))
    assert await ledger.keep_cancel(OWNER, "a1", granted.fence)
    settled = await ledger.settle(OWNER, "a1", granted.fence, Placed("7", EXCHANGE_MS))
    assert settled.cancel_wanted
    assert await open_ids(redis) == ["a1"], "left for others where this replica dies"
    record = await ledger.read(OWNER, "a1")
    assert record is not None
    assert record.cancel_wanted
    await ledger.end_cancel(OWNER, "a1")
    assert await open_ids(redis) == []
    assert not await ledger.keep_cancel(OWNER, "a1", granted.fence), "it is settled"


async def test_in_a_new_epoch_nothing_is_sent_and_then_unknown_ids_are_looked_up_first(
    redis: "Redis",
) -> None:
    settings = LedgerSettings(validity_ms=100, margin_ms=150, look_first_ms=2_000)
    ledger = a_ledger(redis, settings)
    granted = await grant(ledger, an_order("a1"))
    await ledger.settle(OWNER, "a1", granted.fence, Placed("7", EXCHANGE_MS))
    await redis.flushall()
    with pytest.raises(LedgerRecoveringError) as recovering:
        await admit(ledger, an_order("a1"))
    assert 400 < recovering.value.retry_after_ms <= 501
    with pytest.raises(LedgerRecoveringError):
        await ledger.read(OWNER, "a1")
    assert await ledger.silence_left_s(OWNER) > 0
    await asyncio.sleep(0.51)
    assert await ledger.silence_left_s(OWNER) == 0
    assert await ledger.read(OWNER, "a1") is None
    assert isinstance(await admit(ledger, an_order("a1")), LookFirst)
    await grant(ledger, an_order("a1"), looked=True)


async def test_a_server_that_another_wrote_to_last_begins_an_epoch(redis: "Redis") -> None:
    await grant(a_ledger(redis), an_order("a1"))
    await redis.hset(f"okxgw:{{{OWNER}}}:epoch", "server", "the run id of another")
    ledger = a_ledger(redis)
    with pytest.raises(LedgerRecoveringError):
        await admit(ledger, an_order("a2"))
    assert isinstance(await admit(ledger, an_order("a1")), Known), "rows that are there are known"


async def test_only_who_is_told_so_takes_an_empty_ledger_for_a_new_one(redis: "Redis") -> None:
    with pytest.raises(LedgerRecoveringError):
        await admit(a_ledger(redis, new=False), an_order("a1"))
    with pytest.raises(LedgerRecoveringError):
        await admit(a_ledger(redis), an_order("a1"))


async def test_an_order_that_okx_has_and_the_journal_lost_is_adopted_once(
    ledger: RedisLedger,
) -> None:
    placed = Placed("7", EXCHANGE_MS)
    adopted = await ledger.adopt(
        an_order("a1"), owner=OWNER, caller="desk", sent_ms=EXCHANGE_MS, outcome=placed
    )
    assert adopted.outcome == placed
    again = await ledger.adopt(
        an_order("a1", "2"), owner=OWNER, caller="desk", sent_ms=1, outcome=Placed("8", 1)
    )
    assert again.outcome == placed
    known = await admit(ledger, an_order("a1"))
    assert isinstance(known, Known)
    assert known.record.order == an_order("a1")


async def test_a_settlement_tells_where_its_row_is_gone(
    redis: "Redis", ledger: RedisLedger
) -> None:
    granted = await grant(ledger, an_order("a1"))
    await redis.delete(f"okxgw:{{{OWNER}}}:order:a1")
    settled = await ledger.settle(OWNER, "a1", granted.fence, NotPlaced())
    assert settled.lost


async def test_scripts_flushed_from_the_server_are_loaded_again(
    redis: "Redis", ledger: RedisLedger
) -> None:
    await grant(ledger, an_order("a1"))
    await redis.script_flush()
    answers = await asyncio.gather(*(admit(ledger, an_order(f"b{n}")) for n in range(5)))
    assert all(isinstance(answer, Granted) for answer in answers)


@pytest.mark.parametrize(
    "changes",
    [
        {"order": '{"account":"main"}'},
        {"caller": "another"},
        {"sent_ms": "5"},
        {"expiry_ms": str(EXCHANGE_MS - 1)},
        {"expiry_ms": str(EXCHANGE_MS + 5_001)},
        {"nonce": "another"},
        {"state": "not_placed"},
        {"state": "placed", "exchange_order_id": "1", "place_ms": "1", "receive_us": ""},
        {"state": "of nothing"},
        {"seal": "0" * 32},
    ],
    ids="-".join,
)
async def test_a_row_that_the_gateway_did_not_write_is_not_believed(
    redis: "Redis", ledger: RedisLedger, changes: Any
) -> None:
    await grant(ledger, an_order("a1"))
    await redis.hset(f"okxgw:{{{OWNER}}}:order:a1", mapping=changes)
    with pytest.raises(LedgerUnavailableError):
        await ledger.read(OWNER, "a1")
    with pytest.raises(LedgerUnavailableError):
        await admit(ledger, an_order("a1"))


async def test_a_row_moved_to_another_id_or_outcome_is_not_believed(
    redis: "Redis", ledger: RedisLedger
) -> None:
    for name, quantity in (("a1", "1"), ("a2", "2")):
        granted = await grant(ledger, an_order(name, quantity))
        await ledger.settle(OWNER, name, granted.fence, Refused("51008", name))
    first, second = (f"okxgw:{{{OWNER}}}:order:{name}" for name in ("a1", "a2"))
    await redis.hset(second, "outcome_seal", str(await redis.hget(first, "outcome_seal")))
    with pytest.raises(LedgerUnavailableError):
        await ledger.read(OWNER, "a2")
    await redis.copy(first, second, replace=True)
    with pytest.raises(LedgerUnavailableError):
        await ledger.read(OWNER, "a2")


async def test_a_forged_cancel_is_not_carried_out(redis: "Redis", ledger: RedisLedger) -> None:
    granted = await grant(ledger, an_order("a1"))
    await ledger.settle(OWNER, "a1", granted.fence, Placed("7", EXCHANGE_MS))
    await redis.hset(f"okxgw:{{{OWNER}}}:order:a1", "cancel", "1")
    record = await ledger.read(OWNER, "a1")
    assert record is not None
    assert not record.cancel_wanted


async def test_a_forged_row_is_never_taken_over(redis: "Redis", ledger: RedisLedger) -> None:
    await grant(ledger, an_order("a1"))
    await redis.hset(f"okxgw:{{{OWNER}}}:order:a1", "seal", "0" * 32)
    await redis.zadd(f"okxgw:{{{OWNER}}}:open", {"a1": 1, "a9": 1})
    assert (await ledger.take_open(OWNER, lease_s=1, rows_max=9)).taken == ()
    assert await open_ids(redis) == ["a1"], "a row that is not there is not kept open"


async def test_a_server_that_is_gone_is_told_and_nothing_granted() -> None:
    gone = Redis.from_url("unix:///nonexistent/valkey.sock", decode_responses=True)
    with pytest.raises(LedgerUnavailableError):
        await admit(a_ledger(gone), an_order("a1"))
    await gone.aclose()


async def test_a_cancelled_caller_leaves_no_reply_for_the_next(ledger: RedisLedger) -> None:
    for number in range(200):
        task = asyncio.ensure_future(admit(ledger, an_order(f"c{number}")))
        await asyncio.sleep(0 if number % 2 else 0.0005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        record = await ledger.read(OWNER, f"c{number}")
        assert record is None or record.order.client_order_id == f"c{number}"


SPLIT = (Charge("w", 5, 60_000_000, share=Part("desk", 1), cap=Part("desk", 3)),)


async def test_a_slot_that_was_missed_is_given_back_from_every_part_and_way(
    redis: "Redis", ledger: RedisLedger
) -> None:
    full = (Charge("full", 0, 60_000_000),)
    await grant(ledger, an_order("a0"), full, SPLIT)  # takes from the share
    first = await grant(ledger, an_order("a1"), full, SPLIT)  # takes from the pool
    assert [await spent(redis, name) for name in ("w#desk", "w", "w~desk")] == [1, 1, 1]
    second = await grant(ledger, an_order("a1"), full, SPLIT, given_up=first.fence)
    assert [await spent(redis, name) for name in ("w#desk", "w", "w~desk")] == [1, 1, 1]
    await ledger.settle_unsent(OWNER, "a1", second.fence)


async def test_a_time_of_arrival_adds_no_spend_where_there_was_none(
    redis: "Redis", ledger: RedisLedger
) -> None:
    granted = await grant(ledger, an_order("a1"), SPLIT)
    arrival = Arrival(
        SPLIT,
        "desk",
        granted.slot_us,
        answered_s=granted.slot_s,
        arrived_s=granted.slot_s,
        jitter_us=1_000,
    )
    await ledger.settle(OWNER, "a1", granted.fence, Placed("7", EXCHANGE_MS), arrival=arrival)
    assert [await spent(redis, name) for name in ("w#desk", "w", "w~desk")] == [1, 0, 0]


async def test_a_new_ledger_lacks_no_rows_and_is_not_silent(ledger: RedisLedger) -> None:
    await grant(ledger, an_order("a1"))
    assert await ledger.silence_left_s(OWNER) == 0
    assert not await ledger.may_lack_rows(OWNER)


async def test_a_leap_of_the_clock_is_seen_by_who_takes_rows_over(
    redis: "Redis", ledger: RedisLedger
) -> None:
    await ledger.take_open(OWNER, lease_s=1, rows_max=9)
    await redis.hset(f"okxgw:{{{OWNER}}}:epoch", "ahead_us", 1_000_000)
    with pytest.raises(LedgerUnavailableError, match="stepped"):
        await ledger.take_open(OWNER, lease_s=1, rows_max=9)
