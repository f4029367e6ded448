"""Whatever happens, one id is written to the wire once, and no more is said than is known."""

import asyncio
import contextlib
import time
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from redis.asyncio import Redis

from okx_gateway.domain import errors
from okx_gateway.domain.instrument import Instrument
from okx_gateway.domain.order import (
    Conflict,
    NewOrder,
    NotPlaced,
    Outcome,
    Placed,
    Refused,
    TradeMode,
)
from okx_gateway.domain.placing import State, state_of
from okx_gateway.ledger.grant import Granted, Known, LookFirst, Settlement
from okx_gateway.ledger.ledger_script import new_fence
from okx_gateway.okx import code as codes
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.verdict import InDoubt, PlaceVerdict, TurnedAway, Unsent
from okx_gateway.usecases.place_order import PlaceAnswer
from tests.fakes.desk import MARGIN_MS, OWNER, Desk
from tests.fakes.exchange import NOTHING_TOLD, ScriptedExchange, wall_ms
from tests.fakes.metering import Metered
from tests.fakes.orders import NET, an_instrument, an_order


async def test_an_order_is_placed_once_and_the_answer_given_again(desk: Desk) -> None:
    first = await desk.place(an_order())
    again = await desk.place(an_order())
    assert not first.replayed
    assert again == PlaceAnswer(first.placed, replayed=True)
    assert len(desk.exchange.placed) == 1
    assert (await desk.settled()).outcome == first.placed


async def test_how_long_an_order_took_is_told(desk: Desk, metered: Metered) -> None:
    arrivals: list[tuple[str, int, int]] = []

    def arrived(owner: str, *, slot_us: int, receive_us: int) -> None:
        arrivals.append((owner, slot_us, receive_us))

    desk.jitter.arrived = arrived  # type: ignore[method-assign]
    await desk.place(an_order())
    await desk.place(an_order())
    assert metered.told("budget.wait") == {"place_order": 0.0}
    assert metered.told("exchange.queue_time") == {"place_order": 0.00025}
    [(owner, slot_us, receive_us)] = arrivals
    assert owner == OWNER
    # Here the ledger and the exchange go by one clock.
    assert abs(receive_us - slot_us) < 1_000_000


async def test_okx_is_told_an_expiry_within_the_validity_and_the_deadline(desk: Desk) -> None:
    await desk.place(an_order())
    await desk.place(an_order("a2"), within_s=0.15)
    long_ms, short_ms = (each - wall_ms() for each in desk.exchange.expiries_ms)
    assert short_ms < 150
    assert 0 < long_ms <= 300


async def test_a_refusal_is_final(desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.always(Refused("51008", "Insufficient balance"))
    for replayed in ("false", "true"):
        with pytest.raises(errors.OrderRefusedError) as refused:
            await desk.place(an_order())
        assert refused.value.metadata["okxCode"] == "51008"
        assert refused.value.metadata["replayed"] == replayed
    assert len(desk.exchange.placed) == 1


async def test_a_lost_reply_is_resolved_by_looking_not_by_sending(desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.lose_reply
    answer = await desk.place(an_order())
    assert answer.placed.exchange_order_id == "7000"
    assert answer.placed.receive_us is None
    assert len(desk.exchange.placed) == 1
    assert (await desk.settled()).outcome == answer.placed


async def test_not_placed_is_only_said_after_two_proofs_later_than_expiry_and_margin(
    desk: Desk,
) -> None:
    desk.exchange.on_place = desk.exchange.lose_request
    with pytest.raises(errors.OrderNotPlacedError):
        await desk.place(an_order())
    [expiry_ms] = desk.exchange.expiries_ms
    proofs_ms = [at_ms for _, at_ms in desk.exchange.looked_up if at_ms > expiry_ms + MARGIN_MS]
    assert proofs_ms[-1] - proofs_ms[0] >= 990
    with pytest.raises(errors.OrderNotPlacedError) as again:
        await desk.place(an_order())
    assert again.value.metadata["replayed"] == "true"
    assert len(desk.exchange.placed) == 1
    assert (await desk.settled()).outcome == NotPlaced()


async def test_an_order_that_comes_to_show_late_was_placed(desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.arrive_after(0.4)
    answer = await desk.place(an_order())
    assert answer.placed.exchange_order_id == "7000"
    assert len(desk.exchange.looked_up) > 1
    assert len(desk.exchange.placed) == 1


async def test_a_caller_who_goes_does_not_stop_the_order(desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.accept_after(0.1)
    caller = asyncio.ensure_future(desk.place(an_order()))
    await desk.exchange.placing.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert isinstance((await desk.settled()).outcome, Placed)
    assert len(desk.exchange.placed) == 1


@pytest.mark.parametrize("delay_s", [0.0, 0.0005, 0.002, 0.005])
async def test_a_caller_who_goes_at_any_time_leaves_no_order_unknown(
    desk: Desk, delay_s: float
) -> None:
    for number in range(10):
        caller = asyncio.ensure_future(desk.place(an_order(f"a{number}")))
        await asyncio.sleep(delay_s)
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
    await desk.supervisor.drain(5)
    for order in desk.exchange.placed:
        record = await desk.record(order.client_order_id)
        assert record is not None
        assert isinstance(record.outcome, Placed)


async def test_a_caller_out_of_time_hears_of_doubt_and_learns_more_by_asking_again(
    desk: Desk,
) -> None:
    desk.exchange.on_place = desk.exchange.accept_after(0.3)
    started_s = time.monotonic()
    with pytest.raises(errors.OrderOutcomeUnknownError) as unknown:
        await desk.place(an_order(), within_s=0.1)
    assert time.monotonic() - started_s < 0.25
    assert unknown.value.metadata["resolveTime"].endswith("Z")
    answer = await desk.place(an_order())
    assert answer.replayed
    assert len(desk.exchange.placed) == 1


async def test_of_twins_in_one_process_one_is_sent(desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.accept_after(0.05)
    answers = await asyncio.gather(*(desk.place(an_order()) for _ in range(30)))
    assert sum(not answer.replayed for answer in answers) == 1
    assert len({answer.placed.exchange_order_id for answer in answers}) == 1
    assert len(desk.exchange.placed) == 1


async def test_of_twins_over_two_replicas_one_is_sent(desk: Desk, other_desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.accept_after(0.1)
    twins = (each.place(an_order()) for each in (desk, other_desk) * 10)
    answers = await asyncio.gather(*twins)
    assert sum(not answer.replayed for answer in answers) == 1
    assert len({answer.placed.exchange_order_id for answer in answers}) == 1
    assert len(desk.exchange.placed) == 1


async def test_a_twin_on_another_replica_shares_the_refusal(desk: Desk, other_desk: Desk) -> None:
    async def refuse_slowly(order: NewOrder) -> PlaceVerdict:
        await asyncio.sleep(0.1)
        return Refused("51008", "Insufficient balance")

    desk.exchange.on_place = refuse_slowly
    twins = [asyncio.ensure_future(each.place(an_order())) for each in (desk, other_desk)]
    told = await asyncio.gather(*twins, return_exceptions=True)
    assert [type(each) for each in told] == [errors.OrderRefusedError] * 2
    assert len(desk.exchange.placed) == 1


async def test_twins_share_the_end_of_a_doubt(desk: Desk, other_desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.arrive_after(0.3)
    answers = await asyncio.gather(*(each.place(an_order()) for each in (desk, other_desk) * 3))
    assert {answer.placed.exchange_order_id for answer in answers} == {"7000"}
    assert len(desk.exchange.placed) == 1


async def test_an_id_of_another_caller_reveals_nothing_and_sends_nothing(desk: Desk) -> None:
    await desk.place(an_order(), caller="desk")
    with pytest.raises(errors.ClientOrderIdTakenError) as taken:
        await desk.place(an_order(quantity=Decimal(1)), caller="another")
    assert taken.value.metadata == {"clientOrderId": "a1", "firstDifference": ""}
    assert len(desk.exchange.placed) == 1


async def test_an_id_used_for_another_order_names_the_difference(desk: Desk) -> None:
    await desk.place(an_order())
    with pytest.raises(errors.ClientOrderIdTakenError) as taken:
        await desk.place(an_order(quantity=Decimal("0.51")))
    assert taken.value.metadata["firstDifference"] == "quantity"
    assert len(desk.exchange.placed) == 1


async def test_an_order_of_which_nothing_was_sent_frees_its_id(desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.always(Unsent("ClientConnectorError"))
    with pytest.raises(errors.ExchangeUnavailableError):
        await desk.place(an_order())
    assert await desk.record() is None
    desk.exchange.on_place = desk.exchange.accept
    assert not (await desk.place(an_order())).replayed
    assert list(desk.exchange.book) == ["a1"]


async def test_another_order_under_the_id_is_a_conflict_for_people(desk: Desk) -> None:
    async def enter_another(order: NewOrder) -> PlaceVerdict:
        desk.exchange.enter(order, sz="7")
        return await desk.exchange.lose_request(order)

    desk.exchange.on_place = enter_another
    for _ in range(2):
        with pytest.raises(errors.OrderConflictError) as conflict:
            await desk.place(an_order())
        assert conflict.value.metadata["firstDifference"] == "quantity"
    assert (await desk.settled()).outcome == Conflict("quantity")
    assert len(desk.exchange.placed) == 1


async def test_a_defect_after_sending_leaves_doubt_and_no_second_order(desk: Desk) -> None:
    async def fail(order: NewOrder) -> PlaceVerdict:
        desk.exchange.enter(order)
        raise RuntimeError("a defect")

    desk.exchange.on_place = fail
    with pytest.raises(RuntimeError, match="a defect"):
        await desk.place(an_order())
    assert (await desk.place(an_order())).replayed
    assert len(desk.exchange.placed) == 1


async def test_look_ups_that_tell_nothing_never_end_a_doubt(desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.lose_request
    desk.exchange.lookups.extend([NOTHING_TOLD] * 1_000)
    with pytest.raises(errors.OrderOutcomeUnknownError):
        await desk.place(an_order(), within_s=1.0)
    record = await desk.record()
    assert record is not None
    assert record.outcome is None
    assert len(desk.exchange.looked_up) >= 3


async def test_a_process_that_stood_still_past_the_expiry_sends_nothing(
    redis: "Redis", exchange: ScriptedExchange
) -> None:
    class PausedClock(ExchangeClock):
        """Found late when it is looked at just before sending."""

        def latest_ms(self) -> int:
            return super().latest_ms() + 60_000

    clock = PausedClock()
    now_s, now_ms = time.monotonic(), time.time() * 1000
    clock.learn(sent_s=now_s, received_s=now_s, earliest_ms=now_ms, latest_ms=now_ms)
    desk = await Desk(redis, exchange, clock=clock).open()
    with pytest.raises(errors.ExchangeUnavailableError):
        await desk.place(an_order())
    assert exchange.placed == []
    assert await desk.record() is None
    await desk.close()


async def test_without_the_time_of_okx_nothing_is_sent_or_recorded(
    redis: "Redis", exchange: ScriptedExchange
) -> None:
    desk = await Desk(redis, exchange, clock=ExchangeClock()).open()
    with pytest.raises(errors.ClockUncertainError):
        await desk.place(an_order())
    assert exchange.placed == []
    assert await desk.record() is None
    await desk.close()


async def test_without_the_ledger_nothing_is_sent(exchange: ScriptedExchange) -> None:
    gone = Redis.from_url("unix:///nonexistent/valkey.sock", decode_responses=True)
    desk = await Desk(gone, exchange).open()
    with pytest.raises(errors.LedgerUnavailableError):
        await desk.place(an_order())
    assert exchange.placed == []
    await desk.close()
    await gone.aclose()


async def test_an_outcome_is_put_on_record_though_the_ledger_fails_at_first(desk: Desk) -> None:
    settle, failures = desk.ledger.settle, [1]

    async def settle_at_last(
        owner: str, client_order_id: str, fence: str, outcome: Outcome, **how: Any
    ) -> Settlement:
        if failures:
            failures.pop()
            raise errors.LedgerUnavailableError("TimeoutError")
        return await settle(owner, client_order_id, fence, outcome, **how)

    desk.ledger.settle = settle_at_last  # type: ignore[method-assign]
    answer = await desk.place(an_order())
    assert (await desk.settled()).outcome == answer.placed


PORTFOLIO_MARGIN = "4"  # where no order shares a batch
UNKNOWN_ACCOUNT, UNLISTED = an_order(account="nobody"), an_order(instrument="XYZ-USDT")


@pytest.mark.parametrize(
    ("order", "error"),
    [(UNKNOWN_ACCOUNT, errors.AccountUnknownError), (UNLISTED, errors.InvalidRequestError)],
)
async def test_a_request_that_cannot_be_right_spends_and_records_nothing(
    redis: "Redis", desk: Desk, order: NewOrder, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await desk.place(order)
    assert desk.exchange.placed == []
    assert await redis.keys("*") == []


async def test_the_trade_mode_decides_between_spot_and_margin(desk: Desk) -> None:
    borrowed = an_order(trade_mode=TradeMode.CROSS, reduce_only=True)
    assert not (await desk.place(borrowed)).replayed


async def test_everything_wrong_is_told_at_once_before_anything_is_spent(
    redis: "Redis", desk: Desk
) -> None:
    with pytest.raises(errors.InvalidRequestError) as invalid:
        await desk.place(an_order(quantity=Decimal("0.001"), reduce_only=True))
    fields = [violation.field for violation in invalid.value.violations]
    assert fields == ["quantity", "quantity", "reduce_only"]
    assert await redis.keys("*") == []


async def test_orders_beyond_the_budget_are_denied_before_they_are_sent(desk: Desk) -> None:
    desk.exchange.config["acctLv"] = PORTFOLIO_MARGIN
    orders = [an_order(f"a{number}") for number in range(65)]
    told = await asyncio.gather(
        *(desk.place(order, within_s=0.8) for order in orders), return_exceptions=True
    )
    denied = [each for each in told if isinstance(each, errors.BudgetExhaustedError)]
    assert len(denied) == 5
    assert {each.window for each in denied} == {"place_order:BTC-USDT"}
    assert all(0 < each.retry_after_ms <= 2_100 for each in denied)
    assert len(desk.exchange.placed) == 60


async def test_a_gateway_at_its_limit_begins_nothing(
    redis: "Redis", exchange: ScriptedExchange
) -> None:
    desk = await Desk(redis, exchange, tasks_max=1).open()
    exchange.on_place = exchange.accept_after(0.1)
    first = asyncio.ensure_future(desk.place(an_order()))
    await asyncio.sleep(0.02)
    with pytest.raises(errors.OverloadedError):
        await desk.place(an_order("a2"))
    assert not (await first).replayed
    assert [order.client_order_id for order in exchange.placed] == ["a1"]
    await desk.close()


async def test_stopping_waits_for_an_order_that_is_being_sent(desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.accept_after(0.15)
    caller = asyncio.ensure_future(desk.place(an_order()))
    await desk.exchange.placing.wait()
    assert await desk.supervisor.drain(5) == 0
    assert not (await caller).replayed
    assert isinstance((await desk.settled()).outcome, Placed)


async def test_orders_beyond_the_window_of_single_ones_share_batches(desk: Desk) -> None:
    orders = [an_order(f"a{number}") for number in range(100)]
    answers = await asyncio.gather(*(desk.place(order) for order in orders))
    in_batches = [name for batch in desk.exchange.batches for name in batch]
    assert len(in_batches) == 40
    assert len(set(in_batches)) == 40
    assert len(desk.exchange.placed) == 100
    assert len({answer.placed.exchange_order_id for answer in answers}) == 100


async def test_an_order_that_finds_nobody_to_share_a_batch_with_goes_alone_later(
    desk: Desk,
) -> None:
    started_s = time.monotonic()
    await asyncio.gather(*(desk.place(an_order(f"a{number}")) for number in range(61)))
    assert time.monotonic() - started_s > 1.5
    assert desk.exchange.batches == []
    assert len(desk.exchange.placed) == 61


async def test_a_slot_that_was_missed_is_taken_anew_with_a_new_expiry(desk: Desk) -> None:
    missed = [Unsent("held up", late=True)] * 2

    async def late(order: NewOrder) -> PlaceVerdict:
        await asyncio.sleep(0.1)
        return missed.pop() if missed else await desk.exchange.accept(order)

    desk.exchange.on_place = late
    await desk.place(an_order())
    assert desk.exchange.expiries_ms == sorted(set(desk.exchange.expiries_ms))
    assert len(desk.exchange.expiries_ms) == 3
    assert (await desk.settled()).outcome is not None


async def test_an_order_that_its_socket_turned_away_is_granted_anew_and_counts_twice(
    redis: "Redis", desk: Desk
) -> None:
    away: list[PlaceVerdict] = [TurnedAway("51001"), Unsent("held up", late=True)]

    async def turned_away(order: NewOrder) -> PlaceVerdict:
        return away.pop(0) if away else await desk.exchange.accept(order)

    desk.exchange.on_place = turned_away
    assert not (await desk.place(an_order())).replayed
    assert len(desk.exchange.placed) == 3
    assert isinstance((await desk.settled()).outcome, Placed)
    assert await redis.zcard(f"okxgw:{{{OWNER}}}:window:place_order:BTC-USDT") == 2


async def test_a_cancel_is_kept_while_an_order_that_was_turned_away_is_granted_anew(
    desk: Desk,
) -> None:
    away: list[PlaceVerdict] = [TurnedAway("51001")]

    async def turned_away(order: NewOrder) -> PlaceVerdict:
        if not away:
            return await desk.exchange.accept(order)
        record = await desk.record()
        assert record is not None
        assert await desk.ledger.keep_cancel(OWNER, "a1", record.fence)
        return away.pop()

    desk.exchange.on_place = turned_away
    await desk.place(an_order())
    await desk.supervisor.drain(2)
    assert len(desk.exchange.cancelled) == 1


async def test_an_order_that_misses_every_slot_is_unsent_and_its_id_free(desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.always(Unsent("held up", late=True))
    with pytest.raises(errors.ExchangeUnavailableError):
        await desk.place(an_order())
    assert await desk.record() is None


async def test_a_refusal_that_comes_after_others_have_settled_tells_what_stands(
    desk: Desk, other_desk: Desk
) -> None:
    async def slow_refusal(order: NewOrder) -> PlaceVerdict:
        await asyncio.sleep(1.0)
        return Refused("51008", "Insufficient balance")

    desk.exchange.on_place = slow_refusal
    placing = asyncio.ensure_future(desk.place(an_order()))
    await desk.exchange.placing.wait()
    record = await other_desk.record()
    assert record is not None
    await asyncio.sleep(0.4)
    await other_desk.ledger.settle(OWNER, "a1", record.fence, NotPlaced())
    with pytest.raises(errors.OrderNotPlacedError):
        await placing


async def test_a_stall_between_grant_and_write_costs_a_new_slot_and_nothing_else(
    redis: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange, on_time = ScriptedExchange(), ScriptedExchange.place

    async def as_the_wire_does(
        self: ScriptedExchange,
        order: NewOrder,
        instrument: Instrument,
        *,
        expiry_ms: int,
        write_before_s: float,
    ) -> PlaceVerdict:
        if time.monotonic() > write_before_s:
            return Unsent("held up", late=True)
        return await on_time(self, order, instrument, expiry_ms=expiry_ms)

    monkeypatch.setattr(ScriptedExchange, "place", as_the_wire_does)
    desk = await Desk(redis, exchange).open()
    await desk.place(an_order("warm"))
    admit, stalls = desk.ledger.admit, [0.06, 0.06]

    async def stalled(*order: Any, **how: Any) -> Any:
        granted = await admit(*order, **how)
        if stalls:
            time.sleep(stalls.pop())  # noqa: ASYNC251  # the process stands still
        return granted

    monkeypatch.setattr(desk.ledger, "admit", stalled)
    assert not (await desk.place(an_order())).replayed
    assert [order.client_order_id for order in exchange.placed] == ["warm", "a1"]
    assert stalls == []
    # What was missed is given back: the window holds what was sent, and no more.
    assert await redis.zcard(f"okxgw:{{{OWNER}}}:window:place_order:BTC-USDT") == 2
    await desk.close()


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (Placed("7", 1), State.PLACED),
        (Refused("51008", ""), State.REFUSED),
        (Unsent("ClientConnectorError"), State.NEW),
        (InDoubt("code 50004"), State.DOUBT),
    ],
)
async def test_every_answer_leads_where_the_table_says(
    desk: Desk, verdict: PlaceVerdict, state: State
) -> None:
    desk.exchange.on_place = desk.exchange.always(verdict)
    desk.exchange.lookups.extend([NOTHING_TOLD] * 100)
    with contextlib.suppress(errors.GatewayError):
        await desk.place(an_order(), within_s=0.2)
    if state is not State.DOUBT:  # which goes on behind the caller
        await desk.settle_all()
    record = await desk.record()
    assert (State.NEW if record is None else state_of(record.outcome)) is state


@pytest.mark.parametrize("code", sorted(codes.THROTTLED))
async def test_what_okx_calls_full_is_full_for_the_next_order(desk: Desk, code: str) -> None:
    desk.exchange.config["acctLv"] = PORTFOLIO_MARGIN
    desk.exchange.on_place = desk.exchange.always(Refused(code, "Too Many Requests"))
    with pytest.raises(errors.OrderRefusedError):
        await desk.place(an_order())
    await desk.settle_all()
    with pytest.raises(errors.BudgetExhaustedError) as exhausted:
        await desk.place(an_order("a2"), within_s=0.5)
    assert exhausted.value.window == "place_order:BTC-USDT"
    assert len(desk.exchange.placed) == 1


async def test_a_refusal_for_another_cause_leaves_the_budget_as_it_is(desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.always(Refused("51008", "Insufficient balance"))
    for name in ("a1", "a2"):
        with pytest.raises(errors.OrderRefusedError):
            await desk.place(an_order(name), within_s=0.5)


@pytest.mark.parametrize("told_ago_s", [60, -60])
async def test_a_time_of_arrival_that_cannot_be_neither_frees_nor_fills_the_window(
    desk: Desk, told_ago_s: int
) -> None:
    desk.exchange.config["acctLv"] = PORTFOLIO_MARGIN

    async def astray(order: NewOrder) -> PlaceVerdict:
        row, told_ms = desk.exchange.enter(order), wall_ms() - told_ago_s * 1000
        return Placed(row["ordId"], wall_ms(), told_ms * 1000, told_ms * 1000)

    desk.exchange.on_place = astray
    await asyncio.gather(*(desk.place(an_order(f"a{number}")) for number in range(60)))
    await desk.settle_all()
    with pytest.raises(errors.BudgetExhaustedError) as exhausted:
        await desk.place(an_order("b1"), within_s=0.5)
    assert 1_000 < exhausted.value.retry_after_ms <= 2_100


async def test_an_order_that_lost_its_row_to_the_same_order_tells_what_became_of_that(
    redis: "Redis", desk: Desk
) -> None:
    async def lose_the_row(order: NewOrder) -> PlaceVerdict:
        await redis.delete(f"okxgw:{{{OWNER}}}:order:a1")
        await desk.ledger.adopt(
            order, owner=OWNER, caller="desk", sent_ms=wall_ms(), outcome=Placed("77", wall_ms())
        )
        return Unsent("held up", late=True)

    desk.exchange.on_place = lose_the_row
    answer = await desk.place(an_order())
    assert (answer.placed.exchange_order_id, answer.replayed) == ("77", True)
    assert len(desk.exchange.placed) == 1


async def test_an_order_that_lost_its_row_to_the_same_order_waits_for_what_becomes_of_that(
    redis: "Redis", desk: Desk, other_desk: Desk
) -> None:
    placed_elsewhere = []

    async def lose_the_row(order: NewOrder) -> PlaceVerdict:
        await redis.delete(f"okxgw:{{{OWNER}}}:order:a1")
        desk.exchange.on_place = desk.exchange.accept_after(0.1)
        desk.exchange.placing.clear()
        placed_elsewhere.append(asyncio.ensure_future(other_desk.place(order)))
        await desk.exchange.placing.wait()
        return Unsent("held up", late=True)

    desk.exchange.on_place = lose_the_row
    answer = await desk.place(an_order(), within_s=3.0)
    elsewhere = await placed_elsewhere[0]
    assert answer.placed == elsewhere.placed
    assert (answer.replayed, elsewhere.replayed) == (True, False)
    assert len(desk.exchange.placed) == 2, "of which the first was not written"


async def test_a_call_that_ends_unsent_leaves_alone_who_has_its_id_by_then(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget, later = desk.ledger.settle_unsent, []

    async def forget_and_dawdle(*of: Any) -> None:
        await forget(*of)
        desk.exchange.on_place = desk.exchange.accept_after(0.1)
        desk.exchange.placing.clear()
        later.append(asyncio.ensure_future(desk.place(an_order())))
        await desk.exchange.placing.wait()

    monkeypatch.setattr(desk.ledger, "settle_unsent", forget_and_dawdle)
    desk.exchange.on_place = desk.exchange.always(Unsent("ClientConnectorError"))
    with pytest.raises(errors.ExchangeUnavailableError):
        await desk.place(an_order())
    shared = await desk.place(an_order())
    assert shared.placed == (await later[0]).placed
    assert desk.exchange.looked_up == []


async def test_who_is_told_of_an_earlier_grant_is_not_answered_with_another_order(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit = desk.ledger.admit
    sending: list[asyncio.Task[PlaceAnswer]] = []
    elsewhere = await admit(
        an_order(),
        owner=OWNER,
        caller="desk",
        routes=((),),
        exchange_ms=wall_ms(),
        remaining_ms=5_000,
        fence=new_fence(),
    )
    assert isinstance(elsewhere, Granted)

    async def tell_late(order: NewOrder, **how: Any) -> Known | Granted | LookFirst:
        answer = await admit(order, **how)
        if not sending:
            # Nothing was written there, and here the id goes to another order.
            sending.append(asyncio.ensure_future(desk.place(an_order(quantity=Decimal("0.7")))))
            await desk.ledger.settle_unsent(OWNER, "a1", elsewhere.fence)
            await desk.exchange.placing.wait()
        return answer

    monkeypatch.setattr(desk.ledger, "admit", tell_late)
    desk.exchange.on_place = desk.exchange.accept_after(0.3)
    with pytest.raises(errors.ClientOrderIdTakenError):
        await desk.place(an_order())
    assert not (await sending[0]).replayed


async def test_an_order_that_missed_its_slot_and_gets_no_other_frees_its_id(desk: Desk) -> None:
    desk.exchange.config["acctLv"] = PORTFOLIO_MARGIN

    async def too_late(order: NewOrder) -> PlaceVerdict:
        await desk.budget.freeze(OWNER, desk.charges.of_placing(an_instrument(), NET, "desk")[0][0])
        return Unsent("held up", late=True)

    desk.exchange.on_place = too_late
    with pytest.raises(errors.BudgetExhaustedError):
        await desk.place(an_order(), within_s=1.0)
    assert await desk.record() is None


async def test_who_asks_elsewhere_leaves_the_first_answer_time_before_looking(
    desk: Desk, other_desk: Desk
) -> None:
    desk.exchange.on_place = desk.exchange.accept_after(0.1)
    first = asyncio.ensure_future(desk.place(an_order()))
    await desk.exchange.placing.wait()
    assert (await other_desk.place(an_order())).placed == (await first).placed
    assert desk.exchange.looked_up == []


async def test_who_runs_out_of_time_is_told_when_the_end_is_known(desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.accept_after(0.3)
    with pytest.raises(errors.OrderOutcomeUnknownError) as unknown:
        await desk.place(an_order(), within_s=0.1)
    told = datetime.fromisoformat(unknown.value.metadata["resolveTime"])
    left_s = told.timestamp() - wall_ms() / 1000
    assert MARGIN_MS / 1000 < left_s <= MARGIN_MS / 1000 + 1.1


async def test_an_order_placed_is_not_cancelled_by_itself(desk: Desk) -> None:
    await desk.place(an_order())
    await desk.settle_all()
    assert desk.exchange.cancelled == []


BATCH_LOG = f"okxgw:{{{OWNER}}}:window:place_orders:BTC-USDT"


async def batch_spends(redis: "Redis") -> dict[str, float]:
    spends: Any = await redis.zrange(BATCH_LOG, 0, -1, withscores=True)
    return dict(spends)


async def fill_single_orders(desk: Desk) -> None:
    await asyncio.gather(*(desk.place(an_order(f"s{number}")) for number in range(60)))


async def test_orders_of_a_batch_are_counted_at_their_arrival_where_batches_are(
    redis: "Redis", desk: Desk
) -> None:
    await fill_single_orders(desk)
    slots: dict[str, float] = {}

    async def slowly(order: NewOrder) -> PlaceVerdict:
        slots.update(await batch_spends(redis))
        await asyncio.sleep(0.2)
        return await desk.exchange.accept(order)

    desk.exchange.on_place = slowly
    await asyncio.gather(*(desk.place(an_order(name)) for name in ("b1", "b2")))
    await desk.settle_all()
    assert len(desk.exchange.batches) == 1
    counted = await batch_spends(redis)
    assert counted.keys() == slots.keys()
    # At least 200 ms later than its slot, less the 100 ms by which the window is widened.
    assert all(counted[name] - slot > 90_000 for name, slot in slots.items())


async def test_a_batch_that_okx_throttles_freezes_the_window_of_batches_alone(desk: Desk) -> None:
    await fill_single_orders(desk)
    desk.exchange.on_place = desk.exchange.always(Refused("50011", "Too Many Requests"))
    told = await asyncio.gather(
        *(desk.place(an_order(name)) for name in ("b1", "b2")), return_exceptions=True
    )
    assert [type(each) for each in told] == [errors.OrderRefusedError] * 2
    await desk.settle_all()
    view = await desk.budget.view(OWNER)
    frozen = {window.name: window.frozen_ms > 0 for window in view.windows}
    assert frozen == {"place_order:BTC-USDT": False, "place_orders:BTC-USDT": True}


async def test_orders_of_a_batch_that_missed_its_slot_give_it_back(
    redis: "Redis", desk: Desk
) -> None:
    await fill_single_orders(desk)
    late = [Unsent("held up", late=True)] * 2

    async def once_late(order: NewOrder) -> PlaceVerdict:
        return late.pop() if late else await desk.exchange.accept(order)

    desk.exchange.on_place = once_late
    await asyncio.gather(*(desk.place(an_order(name)) for name in ("b1", "b2")))
    assert len(desk.exchange.batches) == 2
    assert len(await batch_spends(redis)) == 2
