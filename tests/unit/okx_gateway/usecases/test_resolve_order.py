import asyncio
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from okx_gateway.domain.errors import (
    ClientOrderIdTakenError,
    LedgerUnavailableError,
    OrderOutcomeUnknownError,
)
from okx_gateway.domain.order import Conflict, NotPlaced, Placed, Refused
from okx_gateway.ledger.charge import Route
from okx_gateway.ledger.grant import Granted, Settlement
from okx_gateway.ledger.ledger_script import new_fence
from okx_gateway.ledger.redis_budget import Slot
from okx_gateway.okx.verdict import Absent
from okx_gateway.usecases import resolve_order
from okx_gateway.usecases.resolve_order import Doubt
from tests.fakes.desk import MARGIN_MS, OWNER, VALIDITY_MS, Desk
from tests.fakes.exchange import NOTHING_TOLD, wall_ms
from tests.fakes.orders import NET, an_instrument, an_order


async def a_doubt(desk: Desk, *, expired_ms: int = 0) -> Doubt:
    """An order on record as being sent; `expired_ms` moves its expiry into the past."""
    granted = await desk.ledger.admit(
        an_order(),
        owner=OWNER,
        caller="desk",
        routes=((),),
        exchange_ms=wall_ms() - expired_ms,
        remaining_ms=5_000,
        fence=new_fence(),
    )
    assert isinstance(granted, Granted)
    record = await desk.record()
    assert record is not None
    return Doubt.of(record, NET, an_instrument())


async def test_an_order_that_is_there_was_placed_and_is_put_on_record(desk: Desk) -> None:
    row = desk.exchange.enter(an_order())
    outcome = await desk.resolve(await a_doubt(desk))
    assert outcome == Placed(row["ordId"], int(row["cTime"]))
    assert (await desk.settled()).outcome == outcome
    assert desk.exchange.placed == []


async def test_it_looks_by_the_id_of_the_caller(desk: Desk) -> None:
    desk.exchange.enter(an_order())
    await desk.resolve(await a_doubt(desk))
    assert [name.client_order_id for name, _ in desk.exchange.looked_up] == ["a1"]


async def test_absence_before_expiry_and_margin_proves_nothing(desk: Desk) -> None:
    doubt = await a_doubt(desk)
    looking = desk.resolve.begin(doubt)
    await asyncio.sleep((VALIDITY_MS + MARGIN_MS) / 1000 * 0.9)
    assert not looking.done()
    assert len(desk.exchange.looked_up) >= 2
    desk.exchange.enter(an_order())
    assert isinstance(await looking, Placed)


async def test_one_proof_is_not_enough_and_two_lie_a_second_apart(desk: Desk) -> None:
    doubt = await a_doubt(desk, expired_ms=5_000)
    looking = desk.resolve.begin(doubt)
    await asyncio.sleep(0.9)
    assert len(desk.exchange.looked_up) >= 3
    assert not looking.done()
    assert await looking == NotPlaced()
    first_ms, last_ms = desk.exchange.looked_up[0][1], desk.exchange.looked_up[-1][1]
    assert last_ms - first_ms >= 990


async def test_a_slow_answer_counts_from_when_it_was_asked_for(desk: Desk) -> None:
    # The first answers come after expiry and margin, and were asked for before.
    desk.exchange.slow_s = 0.4
    doubt = await a_doubt(desk)
    assert await desk.resolve(doubt) == NotPlaced()
    proofs_ms = [
        at_ms for _, at_ms in desk.exchange.looked_up if at_ms > doubt.expiry_ms + MARGIN_MS
    ]
    assert proofs_ms[-1] - proofs_ms[0] >= 990


async def test_two_proofs_lie_a_second_apart_however_long_the_first_one_took(desk: Desk) -> None:
    # Whether it waited for its slot or for its answer: OKX may have looked at the end of that.
    desk.exchange.slow_s = 0.7
    looking = desk.resolve.begin(await a_doubt(desk, expired_ms=5_000))
    await asyncio.sleep(0.4)
    desk.exchange.slow_s = 0.0
    assert await looking == NotPlaced()
    first_ms, last_ms = desk.exchange.looked_up[0][1], desk.exchange.looked_up[-1][1]
    assert last_ms - first_ms >= 1_690


async def test_an_order_that_shows_between_two_proofs_was_placed(desk: Desk) -> None:
    doubt = await a_doubt(desk, expired_ms=3_000)
    looking = desk.resolve.begin(doubt)
    await asyncio.sleep(0.5)
    desk.exchange.enter(an_order(), cTime=str(doubt.sent_ms))
    assert isinstance(await looking, Placed)


async def test_many_share_one_looking(desk: Desk) -> None:
    doubt = await a_doubt(desk)
    desk.exchange.lookups.extend([Absent()] * 2)
    desk.exchange.enter(an_order())
    outcomes = await asyncio.gather(*(desk.resolve(doubt) for _ in range(20)))
    assert len(set(outcomes)) == 1
    assert len(desk.exchange.looked_up) == 3


async def test_it_goes_on_when_nobody_waits(desk: Desk) -> None:
    doubt = await a_doubt(desk)
    waiting = asyncio.ensure_future(desk.resolve(doubt))
    await asyncio.sleep(0.02)
    waiting.cancel()
    desk.exchange.enter(an_order())
    assert isinstance((await desk.settled()).outcome, Placed)


async def test_what_another_replica_learnt_is_taken_over_without_asking_okx(desk: Desk) -> None:
    doubt = await a_doubt(desk)
    looking = desk.resolve.begin(doubt, others_first=True)
    refused = Refused("51008", "Insufficient balance")
    await desk.ledger.settle(OWNER, "a1", doubt.fence, refused)
    assert await looking == refused
    assert desk.exchange.looked_up == []


async def test_a_replica_that_says_nothing_is_not_waited_for_for_long(desk: Desk) -> None:
    desk.exchange.enter(an_order())
    outcome = await desk.resolve(await a_doubt(desk), others_first=True)
    assert isinstance(outcome, Placed)
    assert len(desk.exchange.looked_up) == 1


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"side": "sell"}, "side"),
        ({"px": "1"}, "price"),
        ({"cTime": str(wall_ms() - 3_600_000)}, "place_time"),
    ],
)
async def test_another_order_under_the_id_is_a_conflict(
    desk: Desk, changes: dict[str, str], difference: str
) -> None:
    desk.exchange.enter(an_order(), **changes)
    assert await desk.resolve(await a_doubt(desk)) == Conflict(difference)
    assert (await desk.settled()).outcome == Conflict(difference)


async def test_another_order_under_the_id_does_not_rule_out_ours_while_it_may_come(
    desk: Desk,
) -> None:
    desk.exchange.enter(an_order(), px="1")
    looking = desk.resolve.begin(await a_doubt(desk))
    await asyncio.sleep((VALIDITY_MS + MARGIN_MS) / 1000 * 0.9)
    assert not looking.done()
    assert len(desk.exchange.looked_up) >= 2
    desk.exchange.enter(an_order())
    assert isinstance(await looking, Placed)


async def test_an_outcome_on_record_wins_over_what_is_seen(desk: Desk) -> None:
    doubt = await a_doubt(desk)
    settled = Placed("1", 2)
    read = desk.ledger.read

    async def settle_behind(owner: str, client_order_id: str, *, hold_s: float) -> None:
        await read(owner, client_order_id, hold_s=hold_s)
        await desk.ledger.settle(owner, client_order_id, doubt.fence, settled)

    desk.ledger.read = settle_behind  # type: ignore[method-assign,assignment]
    desk.exchange.enter(an_order())
    assert await desk.resolve(doubt) == settled


async def test_looking_survives_a_ledger_and_an_exchange_that_fail_for_a_while(desk: Desk) -> None:
    doubt = await a_doubt(desk)
    desk.exchange.lookups.extend([NOTHING_TOLD] * 2)
    desk.exchange.enter(an_order())
    spend, failures = desk.budget.spend, [1, 2]

    async def spend_at_last(owner: str, route: Route, **how: Any) -> Slot:
        if failures:
            failures.pop()
            raise LedgerUnavailableError("TimeoutError")
        return await spend(owner, route, **how)

    desk.budget.spend = spend_at_last  # type: ignore[method-assign]
    assert isinstance(await desk.resolve(doubt), Placed)
    assert len(desk.exchange.looked_up) == 3


async def test_patience_ends_and_the_doubt_stays_on_record(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve_order, "_PATIENCE_S", -1.4)
    desk.exchange.lookups.extend([NOTHING_TOLD] * 100)
    with pytest.raises(OrderOutcomeUnknownError):
        await desk.resolve(await a_doubt(desk))
    record = await desk.record()
    assert record is not None
    assert record.outcome is None
    desk.exchange.lookups.clear()
    desk.exchange.enter(an_order())
    monkeypatch.undo()
    doubt = Doubt.of(record, NET, an_instrument())
    assert isinstance(await desk.resolve(doubt), Placed)


async def test_the_end_of_a_doubt_is_foretold(desk: Desk) -> None:
    expiry_ms = 1_700_000_000_000
    assert desk.resolve.resolve_ms(expiry_ms) == expiry_ms + MARGIN_MS + 1_000
    error = desk.resolve.unknown(an_order(), expiry_ms)
    assert error.metadata["resolveTime"] == "2023-11-14T22:13:21.200Z"


async def test_how_old_the_oldest_doubt_is_is_told(desk: Desk) -> None:
    assert (desk.resolve.looking_count, desk.resolve.oldest_s) == (0, 0.0)
    doubt = await a_doubt(desk, expired_ms=60_000)
    desk.exchange.slow_s = 0.1
    looking = desk.resolve.begin(doubt)
    assert desk.resolve.begin(doubt) is looking
    assert desk.resolve.looking_count == 1
    assert 60.0 <= desk.resolve.oldest_s < 65.0
    await looking
    await asyncio.sleep(0)
    assert (desk.resolve.looking_count, desk.resolve.oldest_s) == (0, 0.0)


async def test_doubts_of_one_owner_and_id_are_the_same(desk: Desk) -> None:
    doubt = await a_doubt(desk)
    assert doubt.key == replace(doubt, expiry_ms=1).key == (OWNER, "a1")


async def test_an_order_granted_anew_is_looked_for_under_its_new_grant(desk: Desk) -> None:
    doubt = await a_doubt(desk, expired_ms=600_000)
    await desk.ledger.settle_unsent(OWNER, "a1", doubt.fence)
    later = await a_doubt(desk)
    looking = desk.resolve.begin(doubt)
    await asyncio.sleep(0.2)
    assert not looking.done(), "the earlier expiry proves nothing of the later grant"
    desk.exchange.enter(an_order())
    assert isinstance(await looking, Placed)
    record = await desk.record()
    assert record is not None
    assert record.fence == later.fence


async def test_the_outcome_of_another_order_under_the_id_is_not_told(desk: Desk) -> None:
    doubt = await a_doubt(desk)
    await desk.ledger.settle_unsent(OWNER, "a1", doubt.fence)
    other = an_order(quantity=an_order().quantity * 3)
    await desk.place(other)
    with pytest.raises(ClientOrderIdTakenError):
        await desk.resolve(doubt)


async def test_not_placed_is_told_only_once_it_is_on_record(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubt = await a_doubt(desk, expired_ms=5_000)
    settle, regranted = desk.ledger.settle, asyncio.Event()

    async def regrant_behind(
        owner: str, client_order_id: str, fence: str, *rest: Any, **how: Any
    ) -> Settlement:
        if not regranted.is_set():
            # Its holder lives, has written nothing, and takes a new slot now.
            await desk.ledger.settle_unsent(owner, client_order_id, fence)
            await a_doubt(desk)
            regranted.set()
        return await settle(owner, client_order_id, fence, *rest, **how)

    monkeypatch.setattr(desk.ledger, "settle", regrant_behind)
    looking = desk.resolve.begin(doubt)
    await regranted.wait()
    await asyncio.sleep(0.1)
    assert not looking.done()
    desk.exchange.enter(an_order())
    assert isinstance(await looking, Placed)


async def test_what_is_not_there_is_not_put_on_record_where_the_row_is_gone(
    desk: Desk, redis: "Redis"
) -> None:
    # The id may have been granted anew, and the row of that be what was lost.
    doubt = await a_doubt(desk, expired_ms=5_000)
    await redis.delete(f"okxgw:{{{OWNER}}}:order:a1")
    looking = desk.resolve.begin(doubt)
    await asyncio.sleep(1.5)
    desk.exchange.enter(an_order(), px="1")
    await asyncio.sleep(1.5)
    assert len(desk.exchange.looked_up) > 4
    assert not looking.done()
    assert await desk.record() is None


@pytest.mark.parametrize("quantity", ["0.5", "7"])
async def test_an_order_that_came_too_late_to_be_ours_is_anothers_however_alike(
    desk: Desk, quantity: str
) -> None:
    doubt = await a_doubt(desk, expired_ms=5_000)
    late = {"cTime": str(wall_ms() + 60_000), "uTime": str(wall_ms() + 60_001)}
    desk.exchange.enter(an_order(), **late, sz=quantity)
    assert await desk.resolve(doubt) == Conflict("place_time")
    assert (await desk.settled()).outcome == Conflict("place_time")


async def test_where_rows_were_lost_it_may_be_of_a_later_grant(desk: Desk, redis: "Redis") -> None:
    doubt = await a_doubt(desk, expired_ms=5_000)
    await redis.hset(f"okxgw:{{{OWNER}}}:epoch", "server", "the run id of another")
    late = {"cTime": str(wall_ms() + 60_000)}
    desk.exchange.enter(an_order(), **late, sz="7", uTime=str(wall_ms() + 60_001))
    looking = desk.resolve.begin(doubt)
    await asyncio.sleep(0.5)
    assert not looking.done(), "an amend, or another order"
    desk.exchange.enter(an_order(), **late)
    assert isinstance(await looking, Placed), "with the row of its grant restored from before"


async def test_who_looks_for_an_earlier_grant_is_not_joined_by_who_looks_for_a_later_one(
    desk: Desk,
) -> None:
    earlier = await a_doubt(desk)
    looking = desk.resolve.begin(earlier, others_first=True)
    await desk.ledger.settle_unsent(OWNER, "a1", earlier.fence)
    later = await a_doubt(desk)
    assert desk.resolve.begin(later) is not looking
    desk.exchange.enter(an_order())
    assert isinstance(await desk.resolve(later), Placed)
