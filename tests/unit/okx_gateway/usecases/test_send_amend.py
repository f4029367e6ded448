"""One amend from its slot to what is known of it, on a real ledger and a scripted exchange."""

import asyncio
import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from okx_gateway.domain import errors
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.order import Amend, AmendOutcome, NewValues, Refused
from okx_gateway.ledger import redis_amends
from okx_gateway.ledger.grant import UNCHECKED_WAIT_S
from okx_gateway.okx.amend_verdict import AmendNeedsLook
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.verdict import Absent, InDoubt, LookupVerdict, TurnedAway, Unsent
from okx_gateway.usecases.send_amend import Amendment
from tests.fakes.desk import MARGIN_MS, VALIDITY_MS, Desk
from tests.fakes.exchange import AMENDED_UNHEARD, NOTHING_TOLD, Row, wall_ms
from tests.fakes.orders import NET, an_instrument, an_order

LOST = InDoubt("the reply was lost")
VALUES = NewValues(quantity=Decimal("0.7"), price=Decimal("30000.2"))
# What the two have at least to add up to before looking proves that an amend was not taken.
PROOF_S = (VALIDITY_MS + MARGIN_MS) / 1000


@pytest.fixture
def row(desk: Desk) -> Row:
    """An order that stands in OKX's book."""
    return desk.exchange.enter(an_order())


async def amend(desk: Desk, row: Row, *, within_s: float = 5.0, **changes: Any) -> Amend:
    amendment = Amendment(
        account=NET,
        instrument=an_instrument(),
        client_order_id="a1",
        exchange_order_id=row["ordId"],
        values=VALUES,
        caller="desk",
        deadline=Deadline.after(within_s),
    )
    return await desk.send_amend(replace(amendment, **changes))


async def test_an_amend_that_was_taken_is_under_way_and_the_next_one_may_follow(
    desk: Desk, other_desk: Desk, row: Row
) -> None:
    answer = await amend(desk, row)
    assert answer.outcome is AmendOutcome.AMENDING
    await amend(other_desk, row)
    [first, second] = desk.exchange.amended
    assert first.values == VALUES
    assert first.amend_id != second.amend_id
    assert first.expiry_ms <= wall_ms() + VALIDITY_MS


async def test_only_one_amend_of_an_order_is_under_way_over_all_replicas(
    desk: Desk, other_desk: Desk, row: Row
) -> None:
    desk.exchange.slow_s = 0.3
    first = asyncio.ensure_future(amend(desk, row))
    while not desk.exchange.amended:  # noqa: ASYNC110  # until it is on its way
        await asyncio.sleep(0.001)
    with pytest.raises(errors.AmendInFlightError) as busy:
        await amend(other_desk, row)
    assert 0 < busy.value.retry_after_ms <= PROOF_S * 1000 + 1_000
    # Another order is another matter.
    await amend(other_desk, desk.exchange.enter(an_order("a2")))
    assert (await first).outcome is AmendOutcome.AMENDING
    assert len(desk.exchange.amended) == 2


async def test_an_amend_whose_answer_is_lost_is_found_done(desk: Desk, row: Row) -> None:
    desk.exchange.amends.append(AMENDED_UNHEARD)
    answer = await amend(desk, row)
    assert answer.outcome is AmendOutcome.AMENDED
    assert answer.exchange_order_id == row["ordId"]
    assert len(desk.exchange.amended) == 1


async def test_after_doubt_no_amend_is_let_in_before_the_first_can_come_no_more(
    desk: Desk, row: Row
) -> None:
    # It shows the new values from the start, so that seeing them proves nothing of the amend.
    row |= {"px": "30000.2", "sz": "0.7"}
    desk.exchange.amends.append(LOST)
    started_s = time.monotonic()
    assert (await amend(desk, row)).outcome is AmendOutcome.AMENDED
    with pytest.raises(errors.AmendInFlightError):
        await amend(desk, row)
    while True:
        try:
            await amend(desk, row)
        except errors.AmendInFlightError:
            await asyncio.sleep(0.02)
        else:
            break
    assert time.monotonic() - started_s >= PROOF_S


async def test_an_amend_that_comes_late_is_found_done(desk: Desk, row: Row) -> None:
    desk.exchange.amends.append(LOST)
    asyncio.get_running_loop().call_later(0.25, desk.exchange.change, row, VALUES)
    assert (await amend(desk, row)).outcome is AmendOutcome.AMENDED


async def test_an_amend_that_can_come_no_more_was_not_taken_and_may_be_repeated(
    desk: Desk, row: Row
) -> None:
    desk.exchange.amends.append(LOST)
    started_s = time.monotonic()
    with pytest.raises(errors.AmendNotTakenError):
        await amend(desk, row)
    assert time.monotonic() - started_s >= PROOF_S
    assert len(desk.exchange.amended) == 1
    assert (await amend(desk, row)).outcome is AmendOutcome.AMENDING


@pytest.mark.parametrize("told", [NOTHING_TOLD, Absent()])
async def test_a_look_that_does_not_show_the_order_proves_nothing(
    desk: Desk, row: Row, told: LookupVerdict
) -> None:
    desk.exchange.amends.append(LOST)
    desk.exchange.lookups.extend([told] * 8)
    with pytest.raises(errors.AmendNotTakenError):
        await amend(desk, row)
    assert len(desk.exchange.looked_up) > 8


async def test_what_shows_after_another_amend_was_let_in_proves_nothing(
    desk: Desk, other_desk: Desk, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_amends, "_LOOK_MS", 0)
    desk.exchange.amends.append(LOST)
    desk.exchange.lookups.extend([NOTHING_TOLD] * 6)
    first = asyncio.ensure_future(amend(desk, row))
    while len(desk.exchange.looked_up) < 6:  # noqa: ASYNC110  # until the next may be let in
        await asyncio.sleep(0.01)
    await amend(other_desk, row, values=NewValues(quantity=Decimal("0.9")))
    with pytest.raises(errors.AmendOutcomeUnknownError):
        await first


async def test_an_end_that_okx_does_not_tell_stays_unknown(
    desk: Desk, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("okx_gateway.usecases.send_amend._PATIENCE_S", 0.2)
    desk.exchange.amends.append(LOST)
    desk.exchange.lookups.extend([NOTHING_TOLD] * 100)
    with pytest.raises(errors.AmendOutcomeUnknownError) as unknown:
        await amend(desk, row)
    assert unknown.value.metadata["orderId"] == "a1"


@pytest.mark.parametrize(
    ("state", "outcome"),
    [("filled", AmendOutcome.ALREADY_FILLED), ("canceled", AmendOutcome.ALREADY_CANCELLED)],
)
@pytest.mark.parametrize("verdict", [LOST, AmendNeedsLook()])
async def test_an_order_that_is_finished_is_told_so(
    desk: Desk, row: Row, verdict: Any, state: str, outcome: AmendOutcome
) -> None:
    row["state"] = state
    desk.exchange.amends.append(verdict)
    assert (await amend(desk, row)).outcome is outcome


async def test_an_order_that_okx_calls_finished_and_shows_in_the_book_was_not_amended(
    desk: Desk, row: Row
) -> None:
    desk.exchange.amends.extend([AmendNeedsLook(), AmendNeedsLook(), AmendNeedsLook()])
    with pytest.raises(errors.AmendNotTakenError):
        await amend(desk, row)
    desk.exchange.lookups.append(NOTHING_TOLD)
    with pytest.raises(errors.AmendNotTakenError):
        await amend(desk, row)
    row |= {"px": "30000.2", "sz": "0.7"}
    assert (await amend(desk, row)).outcome is AmendOutcome.AMENDED


@pytest.mark.parametrize(
    ("verdict", "error"),
    [
        (Refused("51502", "Insufficient balance"), errors.ExchangeRefusedError),
        (Refused("50011", "Too Many Requests"), errors.ExchangeThrottledError),
        (Unsent("connection refused"), errors.ExchangeUnavailableError),
    ],
)
async def test_what_was_not_taken_is_told_and_lets_the_next_one_in(
    desk: Desk, row: Row, verdict: Any, error: type[errors.GatewayError]
) -> None:
    desk.exchange.amends.append(verdict)
    with pytest.raises(error):
        await amend(desk, row)
    await desk.settle_all()
    if error is not errors.ExchangeThrottledError:
        assert (await amend(desk, row)).outcome is AmendOutcome.AMENDING


async def test_a_window_that_okx_calls_full_is_frozen(desk: Desk, row: Row) -> None:
    desk.exchange.amends.append(Refused("50011", "Too Many Requests"))
    with pytest.raises(errors.ExchangeThrottledError):
        await amend(desk, row)
    await desk.settle_all()
    with pytest.raises(errors.BudgetExhaustedError, match="amend_order:BTC-USDT"):
        await amend(desk, row, within_s=1.0)


async def test_a_slot_that_was_missed_is_given_back_and_another_is_taken(
    desk: Desk, row: Row
) -> None:
    desk.exchange.amends.extend([Unsent("it left too late", late=True)] * 2)
    assert (await amend(desk, row)).outcome is AmendOutcome.AMENDING
    assert len({each.amend_id for each in desk.exchange.amended}) == 3
    assert await granted(desk) == 1


async def test_an_amend_that_its_socket_turned_away_takes_another_slot_and_counts_twice(
    desk: Desk, row: Row
) -> None:
    desk.exchange.amends.append(TurnedAway("51001"))
    assert (await amend(desk, row)).outcome is AmendOutcome.AMENDING
    assert len({each.amend_id for each in desk.exchange.amended}) == 2
    assert await granted(desk) == 2


async def test_an_amend_that_misses_every_slot_sends_nothing_and_lets_the_next_one_in(
    desk: Desk, row: Row
) -> None:
    desk.exchange.amends.extend([Unsent("it left too late", late=True)] * 20)
    with pytest.raises(errors.ExchangeUnavailableError, match="missed every slot"):
        await amend(desk, row)
    assert (await amend(desk, row)).outcome is AmendOutcome.AMENDING


async def test_a_slot_far_ahead_is_asked_for_again_before_it_is_used(desk: Desk, row: Row) -> None:
    rows = [desk.exchange.enter(an_order(f"b{number}")) for number in range(60)]
    await asyncio.gather(*(amend(desk, each) for each in rows))
    started_s = time.monotonic()
    assert (await amend(desk, row)).outcome is AmendOutcome.AMENDING
    assert time.monotonic() - started_s > UNCHECKED_WAIT_S
    last = desk.exchange.amended[-1]
    assert last.write_before_s is not None
    assert last.asked_s <= last.write_before_s
    assert await granted(desk) == 61


async def test_an_amend_without_room_in_time_sends_nothing_and_lets_the_next_one_in(
    desk: Desk, row: Row
) -> None:
    rows = [desk.exchange.enter(an_order(f"b{number}")) for number in range(60)]
    await asyncio.gather(*(amend(desk, each) for each in rows))
    with pytest.raises(errors.BudgetExhaustedError, match="amend_order:BTC-USDT"):
        await amend(desk, row, within_s=0.5)
    assert (await amend(desk, row)).outcome is AmendOutcome.AMENDING


async def test_without_okxs_time_nothing_is_sent(redis: Any, desk: Desk, row: Row) -> None:
    blind = await Desk(redis, desk.exchange, clock=ExchangeClock()).open()
    with pytest.raises(errors.ClockUncertainError):
        await amend(blind, row)
    await blind.close()
    assert desk.exchange.amended == []


async def granted(desk: Desk) -> int:
    """How many amends were given a slot and have not given it up."""
    [window] = (await desk.budget.view(NET.owner)).windows
    assert window.name == "amend_order:BTC-USDT"
    return sum(use.granted for use in window.by_caller.values())
