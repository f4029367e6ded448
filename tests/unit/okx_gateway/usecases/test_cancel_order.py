import asyncio

import pytest
from redis.asyncio import Redis

from okx_gateway.domain import errors
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.order import Cancel, CancelOutcome, OrderName, Refused
from okx_gateway.okx.verdict import Absent, CancelNeedsLook, CancelTaken, InDoubt, Unsent
from okx_gateway.usecases import cancel_order
from tests.fakes.desk import Desk, named
from tests.fakes.exchange import NOTHING_TOLD, wall_ms
from tests.fakes.orders import an_order

LOST = InDoubt("the reply was lost")


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancel_order, "_PAUSE_S", 0.01)


async def cancel(
    desk: Desk,
    name: OrderName | None = None,
    instrument: str = "",
    *,
    within_s: float = 5.0,
) -> Cancel:
    return await desk.cancel_order(
        "main", name or named(), instrument, caller="desk", deadline=Deadline.after(within_s)
    )


@pytest.fixture
async def placed(desk: Desk) -> OrderName:
    """OKX's name of an order that stands in its book."""
    answer = await desk.place(an_order())
    await desk.settle_all()
    return OrderName(exchange_order_id=answer.placed.exchange_order_id)


async def test_a_cancel_that_was_taken_is_under_way_and_names_the_order_by_both_ids(
    desk: Desk, placed: OrderName
) -> None:
    answer = await cancel(desk)
    assert answer.outcome is CancelOutcome.CANCELLING
    assert (answer.client_order_id, answer.exchange_order_id) == ("a1", placed.exchange_order_id)
    assert answer.update_ms is not None
    # By OKX's id: a caller's id may be in use by another order there.
    assert desk.exchange.cancelled == [placed]


async def test_an_order_of_somebody_else_is_cancelled_by_its_id_and_instrument(desk: Desk) -> None:
    name = OrderName(exchange_order_id="99")
    answer = await cancel(desk, name, "BTC-USDT")
    assert answer.outcome is CancelOutcome.CANCELLING
    assert desk.exchange.cancelled == [name]


async def test_a_cancel_whose_answer_is_lost_is_sent_again(desk: Desk, placed: OrderName) -> None:
    desk.exchange.cancels.append(LOST)
    assert (await cancel(desk)).outcome is CancelOutcome.CANCELLING
    assert desk.exchange.cancelled == [placed, placed]


@pytest.mark.usefixtures("placed")
async def test_doubt_is_told_after_three_lost_answers(desk: Desk) -> None:
    desk.exchange.cancels.extend([LOST] * 5)
    with pytest.raises(errors.CancelOutcomeUnknownError):
        await cancel(desk)
    assert len(desk.exchange.cancelled) == 3


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("filled", CancelOutcome.ALREADY_FILLED),
        ("canceled", CancelOutcome.CANCELLED),
        ("mmp_canceled", CancelOutcome.CANCELLED),
    ],
)
@pytest.mark.usefixtures("placed")
async def test_a_finished_order_is_looked_up_before_anything_is_said(
    desk: Desk, state: str, outcome: CancelOutcome
) -> None:
    row = desk.exchange.book["a1"]
    row["state"] = state
    desk.exchange.cancels.append(CancelNeedsLook())
    answer = await cancel(desk)
    assert answer == Cancel(outcome, "a1", row["ordId"], int(row["uTime"]))
    assert len(desk.exchange.looked_up) == 1


@pytest.mark.usefixtures("placed")
async def test_an_order_that_stands_after_all_is_cancelled_again(desk: Desk) -> None:
    desk.exchange.cancels.append(CancelNeedsLook())
    assert (await cancel(desk)).outcome is CancelOutcome.CANCELLING
    assert len(desk.exchange.cancelled) == 2


@pytest.mark.usefixtures("placed")
async def test_a_look_that_tells_nothing_leaves_doubt(desk: Desk) -> None:
    desk.exchange.cancels.extend([CancelNeedsLook()] * 3)
    desk.exchange.lookups.extend([NOTHING_TOLD] * 3)
    with pytest.raises(errors.CancelOutcomeUnknownError):
        await cancel(desk)


async def test_an_order_that_nobody_knows_is_not_found(desk: Desk) -> None:
    desk.exchange.cancels.append(CancelNeedsLook())
    with pytest.raises(errors.OrderNotFoundError):
        await cancel(desk, OrderName(exchange_order_id="99"), "BTC-USDT")
    with pytest.raises(errors.OrderNotFoundError):
        await cancel(desk)
    assert len(desk.exchange.cancelled) == 1


async def test_a_cancel_that_overtook_its_order_is_kept_and_sent_again(desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.arrive_after(0.2)
    placing = asyncio.ensure_future(desk.place(an_order()))
    await desk.exchange.placing.wait()
    desk.exchange.cancels.append(CancelNeedsLook())
    answer = await cancel(desk)
    found = (await placing).placed.exchange_order_id
    assert (answer.outcome, answer.exchange_order_id) == (CancelOutcome.CANCELLING, found)
    await desk.settle_all()
    assert OrderName(exchange_order_id=found) in desk.exchange.cancelled
    record = await desk.record()
    assert record is not None
    assert not record.cancel_wanted


async def test_a_kept_cancel_is_carried_out_though_its_caller_has_no_time(desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.arrive_after(0.3)
    placing = asyncio.ensure_future(desk.place(an_order()))
    await desk.exchange.placing.wait()
    desk.exchange.cancels.append(CancelNeedsLook())
    with pytest.raises(errors.CancelOutcomeUnknownError):
        await cancel(desk, within_s=0.1)
    found = (await placing).placed.exchange_order_id
    await desk.settle_all()
    assert OrderName(exchange_order_id=found) in desk.exchange.cancelled


async def test_a_cancel_of_an_order_that_never_arrives_ends_with_it(desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.lose_request
    placing = asyncio.ensure_future(desk.place(an_order()))
    await desk.exchange.placing.wait()
    desk.exchange.cancels.append(CancelNeedsLook())
    with pytest.raises(errors.OrderNotFoundError):
        await cancel(desk)
    await asyncio.gather(placing, return_exceptions=True)
    assert len(desk.exchange.cancelled) == 1


async def test_where_the_journal_may_have_lost_the_order_absence_proves_nothing(
    redis: "Redis", desk: Desk
) -> None:
    await desk.place(an_order())
    await desk.settle_all()
    await redis.flushall()
    desk.exchange.book.clear()
    desk.exchange.cancels.append(CancelNeedsLook())
    with pytest.raises(errors.LedgerRecoveringError):
        await cancel(desk)
    with pytest.raises(errors.CancelOutcomeUnknownError):
        await cancel(desk, instrument=an_order().instrument)
    with pytest.raises(errors.InvalidRequestError, match="lost"):
        await cancel(desk)


@pytest.mark.parametrize(
    ("verdict", "error"),
    [
        (Refused("51403", "cannot be cancelled"), errors.ExchangeRefusedError),
        (Refused("50011", "too often"), errors.ExchangeThrottledError),
        (Unsent("ClientConnectorError"), errors.ExchangeUnavailableError),
    ],
)
@pytest.mark.usefixtures("placed")
async def test_a_cancel_that_was_not_carried_out_is_told_as_such(
    desk: Desk, verdict: Refused | Unsent, error: type[errors.GatewayError]
) -> None:
    desk.exchange.cancels.append(verdict)
    with pytest.raises(error):
        await cancel(desk)
    assert len(desk.exchange.cancelled) == 1


@pytest.mark.parametrize(
    "second", [Refused("51403", "no"), Refused("50011", "too often"), Unsent("closed")]
)
@pytest.mark.usefixtures("placed")
async def test_after_a_lost_answer_nothing_less_than_doubt_is_told(
    desk: Desk, second: Refused | Unsent
) -> None:
    desk.exchange.cancels.extend([LOST, second])
    with pytest.raises(errors.CancelOutcomeUnknownError):
        await cancel(desk)


@pytest.mark.usefixtures("placed")
async def test_a_lost_answer_and_then_a_finished_order_ends_the_doubt(desk: Desk) -> None:
    desk.exchange.cancels.extend([LOST, CancelNeedsLook()])
    desk.exchange.book["a1"]["state"] = "canceled"
    assert (await cancel(desk)).outcome is CancelOutcome.CANCELLED


@pytest.mark.usefixtures("placed")
async def test_out_of_time_the_cancel_goes_on_and_is_told_to_be_in_doubt(desk: Desk) -> None:
    desk.exchange.slow_s = 0.2
    with pytest.raises(errors.CancelOutcomeUnknownError):
        await cancel(desk, within_s=0.05)
    assert await desk.supervisor.drain(2) == 0
    assert len(desk.exchange.cancelled) == 1


@pytest.mark.usefixtures("placed")
async def test_a_caller_who_goes_does_not_stop_the_cancel(desk: Desk) -> None:
    desk.exchange.cancels.extend([LOST, CancelTaken("", "", wall_ms())])
    caller = asyncio.ensure_future(cancel(desk))
    while not desk.exchange.cancelled:  # noqa: ASYNC110  # the fake has no event for it
        await asyncio.sleep(0.001)
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    assert await desk.supervisor.drain(2) == 0
    assert len(desk.exchange.cancelled) == 2


async def test_an_absent_order_whose_placing_was_refused_is_not_found(desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.always(Refused("51008", "no funds"))
    with pytest.raises(errors.OrderRefusedError):
        await desk.place(an_order())
    await asyncio.sleep(0.05)
    desk.exchange.cancels.append(CancelNeedsLook())
    desk.exchange.lookups.append(Absent())
    with pytest.raises(errors.OrderNotFoundError):
        await cancel(desk)


async def test_an_order_that_okx_has_taken_and_does_not_show_yet_is_not_called_absent(
    desk: Desk, placed: OrderName
) -> None:
    book = dict(desk.exchange.book)
    desk.exchange.book.clear()
    desk.exchange.cancels.extend([CancelNeedsLook()] * 3)
    with pytest.raises(errors.CancelOutcomeUnknownError):
        await cancel(desk)
    desk.exchange.book.update(book)
    assert (await cancel(desk)).exchange_order_id == placed.exchange_order_id
