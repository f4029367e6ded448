"""Which order is amended, and what its caller is told; `test_send_amend.py` has the sending."""

import asyncio
from decimal import Decimal

import pytest

from okx_gateway.domain import errors
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.order import Amend, AmendOutcome, NewValues, OrderName, Refused
from okx_gateway.okx.amend_verdict import AmendNeedsLook
from okx_gateway.okx.verdict import Absent, NoEvidence
from tests.fakes.desk import MARGIN_MS, Desk, named
from tests.fakes.exchange import NOTHING_TOLD
from tests.fakes.orders import an_order

PRICE = NewValues(price=Decimal("30000.2"))


async def amend(
    desk: Desk,
    name: OrderName | None = None,
    instrument: str = "",
    *,
    values: NewValues = PRICE,
    within_s: float = 5.0,
) -> Amend:
    return await desk.amend_order(
        "main",
        name or named(),
        instrument,
        values,
        caller="desk",
        deadline=Deadline.after(within_s),
    )


@pytest.fixture
async def placed(desk: Desk) -> str:
    """OKX's id of an order that stands in its book."""
    answer = await desk.place(an_order())
    await desk.settle_all()
    return answer.placed.exchange_order_id


async def test_an_amend_that_was_taken_is_under_way_and_names_the_order_by_both_ids(
    desk: Desk, placed: str
) -> None:
    answer = await amend(desk)
    assert answer.outcome is AmendOutcome.AMENDING
    assert (answer.client_order_id, answer.exchange_order_id) == ("a1", placed)
    assert answer.update_ms is not None
    # By OKX's id: a caller's id may be in use by another order there.
    [asked] = desk.exchange.amended
    assert (asked.exchange_order_id, asked.values) == (placed, PRICE)
    assert desk.exchange.looked_up == []


async def test_an_order_that_the_gateway_did_not_place_is_amended_by_the_id_of_the_exchange(
    desk: Desk,
) -> None:
    row = desk.exchange.enter(an_order("elsewhere"))
    by_theirs = await amend(desk, OrderName(exchange_order_id=row["ordId"]), "BTC-USDT")
    assert (by_theirs.client_order_id, by_theirs.exchange_order_id) == ("", row["ordId"])
    assert desk.exchange.looked_up == []
    by_ours = await amend(desk, named("elsewhere"), "BTC-USDT")
    assert (by_ours.client_order_id, by_ours.exchange_order_id) == ("elsewhere", row["ordId"])
    assert len(desk.exchange.looked_up) == 1
    assert {each.exchange_order_id for each in desk.exchange.amended} == {row["ordId"]}


@pytest.mark.parametrize(
    ("state", "outcome"),
    [("filled", AmendOutcome.ALREADY_FILLED), ("canceled", AmendOutcome.ALREADY_CANCELLED)],
)
async def test_an_order_that_was_found_finished_is_not_amended(
    desk: Desk, state: str, outcome: AmendOutcome
) -> None:
    desk.exchange.enter(an_order("elsewhere"), state=state)
    answer = await amend(desk, named("elsewhere"), "BTC-USDT")
    assert answer.outcome is outcome
    assert desk.exchange.amended == []


async def test_an_order_that_nobody_knows_is_not_found(desk: Desk) -> None:
    with pytest.raises(errors.OrderNotFoundError):
        await amend(desk)
    with pytest.raises(errors.OrderNotFoundError):
        await amend(desk, named("elsewhere"), "BTC-USDT")
    assert desk.exchange.amended == []


@pytest.mark.parametrize(
    ("seen", "error"),
    [
        (NOTHING_TOLD, errors.ExchangeUnavailableError),
        (NoEvidence("code 50011", "50011"), errors.ExchangeRefusedError),
    ],
)
async def test_an_order_that_cannot_be_looked_up_is_not_amended(
    desk: Desk, seen: NoEvidence, error: type[errors.GatewayError]
) -> None:
    desk.exchange.lookups.append(seen)
    with pytest.raises(error):
        await amend(desk, named("elsewhere"), "BTC-USDT")
    assert desk.exchange.amended == []


async def test_an_order_that_was_refused_is_not_found(desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.always(Refused("51008", "too little"))
    with pytest.raises(errors.OrderRefusedError):
        await desk.place(an_order())
    await desk.settle_all()
    with pytest.raises(errors.OrderNotFoundError):
        await amend(desk)


async def test_an_order_under_whose_id_another_stands_is_not_amended(desk: Desk) -> None:
    desk.exchange.enter(an_order(), side="sell")
    desk.exchange.on_place = desk.exchange.lose_request
    with pytest.raises(errors.OrderConflictError):
        await desk.place(an_order())
    with pytest.raises(errors.OrderConflictError):
        await amend(desk)
    assert desk.exchange.amended == []


async def test_an_order_whose_placing_is_in_doubt_is_waited_for_and_amended(desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.arrive_after(0.2)
    placing = asyncio.ensure_future(desk.place(an_order()))
    await desk.exchange.placing.wait()
    answer = await amend(desk)
    assert answer.outcome is AmendOutcome.AMENDING
    await placing


async def test_an_order_whose_placing_stays_in_doubt_is_not_amended(desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.lose_request
    placing = asyncio.ensure_future(desk.place(an_order()))
    await desk.exchange.placing.wait()
    with pytest.raises(errors.OrderInDoubtError) as in_doubt:
        await amend(desk, within_s=0.2)
    assert in_doubt.value.metadata["resolveTime"].startswith("20")
    assert desk.exchange.amended == []
    placing.cancel()
    await asyncio.gather(placing, return_exceptions=True)


@pytest.mark.usefixtures("placed")
async def test_values_that_break_the_rules_of_the_instrument_are_told_at_once(desk: Desk) -> None:
    wrong = NewValues(quantity=Decimal("0.501"), price=Decimal("30000.15"))
    with pytest.raises(errors.InvalidRequestError) as invalid:
        await amend(desk, values=wrong)
    assert [each.field for each in invalid.value.violations] == ["new_quantity", "new_price"]
    # Below the minimum: of an order that is filled in part it ends what is left.
    await amend(desk, values=NewValues(quantity=Decimal("0.01")))
    assert len(desk.exchange.amended) == 1


@pytest.mark.usefixtures("placed")
async def test_a_caller_who_runs_out_of_time_is_told_when_it_will_be_known(desk: Desk) -> None:
    desk.exchange.slow_s = 0.4
    with pytest.raises(errors.AmendOutcomeUnknownError) as unknown:
        await amend(desk, within_s=0.2)
    assert unknown.value.metadata["resolveTime"].startswith("20")
    desk.exchange.slow_s = 0.0
    await desk.settle_all()
    # It ran on to its end, and let the next one in.
    assert (await amend(desk)).outcome is AmendOutcome.AMENDING


async def test_an_order_that_okx_has_forgotten_is_not_found(desk: Desk, placed: str) -> None:
    del placed
    await asyncio.sleep(1.5 * MARGIN_MS / 1000)
    desk.exchange.amends.append(AmendNeedsLook())
    desk.exchange.lookups.append(Absent())
    with pytest.raises(errors.OrderNotFoundError):
        await amend(desk)


async def test_an_order_that_does_not_show_yet_is_not_called_unknown(
    desk: Desk, placed: str
) -> None:
    del placed
    desk.exchange.amends.append(AmendNeedsLook())
    desk.exchange.lookups.append(Absent())
    with pytest.raises(errors.AmendNotTakenError):
        await amend(desk)
