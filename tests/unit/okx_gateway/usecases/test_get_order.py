import pytest

from okx_gateway.domain import errors
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.order import (
    Conflict,
    NotPlaced,
    Order,
    OrderName,
    OrderState,
    Placed,
    Refused,
)
from okx_gateway.okx.verdict import Absent, NoEvidence
from okx_gateway.usecases.get_order import OrderAnswer
from tests.fakes.desk import MARGIN_MS, Desk, named
from tests.fakes.exchange import NOTHING_TOLD
from tests.fakes.live_orders import a_live_order
from tests.fakes.okx_socket import until
from tests.fakes.orders import an_order


async def get(
    desk: Desk, name: OrderName | None = None, instrument: str = "", *, within_s: float = 5.0
) -> OrderAnswer:
    return await desk.get_order(
        "main", name or named(), instrument, caller="desk", deadline=Deadline.after(within_s)
    )


async def test_an_order_is_told_as_okx_holds_it(desk: Desk) -> None:
    answer = await desk.place(an_order())
    await desk.settled()
    desk.exchange.book["a1"]["state"] = "partially_filled"
    told = await get(desk)
    assert told.outcome == answer.placed
    assert told.order is not None
    assert told.order.state is OrderState.PARTIALLY_FILLED
    # By OKX's id: the caller's may be in use by another order there.
    assert desk.exchange.looked_up[-1][0] == OrderName(
        exchange_order_id=answer.placed.exchange_order_id
    )


async def test_an_order_that_okx_has_forgotten_is_still_known_to_have_been_placed(
    desk: Desk,
) -> None:
    answer = await desk.place(an_order())
    await desk.settled()
    desk.exchange.book.clear()
    assert await get(desk) == OrderAnswer(answer.placed, None)


@pytest.mark.parametrize(
    "name", [named("theirs"), OrderName(exchange_order_id="7000")], ids=["ours", "okx"]
)
async def test_an_order_of_somebody_else_is_looked_up_at_okx(desk: Desk, name: OrderName) -> None:
    row = desk.exchange.enter(an_order("theirs"))
    told = await get(desk, name, "BTC-USDT")
    assert told.outcome == Placed(row["ordId"], int(row["cTime"]))
    assert told.order is not None
    assert told.order.client_order_id == "theirs"


async def test_an_order_that_nobody_knows_is_not_found(desk: Desk) -> None:
    with pytest.raises(errors.OrderNotFoundError) as unknown:
        await get(desk, OrderName(exchange_order_id="99"), "BTC-USDT")
    assert unknown.value.metadata == {"exchangeOrderId": "99"}


async def test_a_refused_order_is_told_from_the_record(desk: Desk) -> None:
    refused = Refused("51008", "Insufficient balance")
    desk.exchange.on_place = desk.exchange.always(refused)
    with pytest.raises(errors.OrderRefusedError):
        await desk.place(an_order())
    await desk.settled()
    assert await get(desk) == OrderAnswer(refused)
    assert desk.exchange.looked_up == []


async def test_an_order_in_doubt_is_told_so_with_the_end_of_the_doubt(desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.lose_request
    with pytest.raises(errors.OrderOutcomeUnknownError):
        await desk.place(an_order(), within_s=0.15)
    told = await get(desk, within_s=0.2)
    record = await desk.record()
    assert record is not None
    assert told == OrderAnswer(None, None, record.expiry_ms + MARGIN_MS + 1_000)


async def test_asking_ends_a_doubt_and_never_sends(desk: Desk, other_desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.lose_reply
    desk.exchange.lookups.extend([NOTHING_TOLD] * 3)
    with pytest.raises(errors.OrderOutcomeUnknownError):
        await desk.place(an_order(), within_s=0.1)
    await desk.supervisor.drain(0)  # this replica is gone; another one is asked
    desk.exchange.lookups.clear()
    told = await get(other_desk)
    assert isinstance(told.outcome, Placed)
    assert told.order is not None
    assert len(desk.exchange.placed) == 1


async def test_a_doubt_that_ends_without_an_order_says_not_placed(desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.lose_request
    with pytest.raises(errors.OrderNotPlacedError):
        await desk.place(an_order())
    assert await get(desk) == OrderAnswer(NotPlaced())


async def test_a_conflict_is_told_as_one(desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.lose_request
    desk.exchange.enter(an_order(), side="sell")
    with pytest.raises(errors.OrderConflictError):
        await desk.place(an_order())
    assert await get(desk) == OrderAnswer(Conflict("side"))


@pytest.mark.parametrize(
    ("seen", "error"),
    [
        (NOTHING_TOLD, errors.ExchangeUnavailableError),
        (NoEvidence("code 51001 no such instrument", "51001"), errors.ExchangeRefusedError),
    ],
)
async def test_a_look_up_that_tells_nothing_is_an_error_and_not_an_absence(
    desk: Desk, seen: NoEvidence, error: type[errors.GatewayError]
) -> None:
    desk.exchange.lookups.append(seen)
    with pytest.raises(error):
        await get(desk, OrderName(exchange_order_id="99"), "BTC-USDT")


async def test_absence_of_an_order_that_was_placed_is_no_error(desk: Desk) -> None:
    await desk.place(an_order())
    await desk.settled()
    desk.exchange.lookups.append(Absent())
    assert (await get(desk)).order is None


async def followed(desk: Desk, *orders: Order) -> None:
    """Have somebody follow the account's orders, which are these."""
    desk.live.orders("main", need=True)
    desk.live.lists["main"].orders = list(orders)
    desk.live.sockets["main"].subscribed("orders")
    feed = desk.live.orders("main", need=False)
    await until(lambda: feed is not None and feed.usable)


async def test_an_order_that_has_ended_is_told_by_the_channel(desk: Desk) -> None:
    placed = (await desk.place(an_order())).placed
    await desk.settled()
    ended = a_live_order(placed.exchange_order_id, state=OrderState.CANCELLED)
    await followed(desk, ended)
    looked_up = len(desk.exchange.looked_up)
    told = await get(desk)
    assert (told.outcome, told.order) == (placed, ended)
    by_okx_id = await get(desk, OrderName(exchange_order_id=ended.exchange_order_id), "BTC-USDT")
    assert by_okx_id.order == ended
    assert 0 <= told.age_s() < 5
    assert len(desk.exchange.looked_up) == looked_up


async def test_an_open_order_is_told_by_the_channel_only_to_who_takes_its_age(desk: Desk) -> None:
    placed = (await desk.place(an_order())).placed
    await desk.settled()
    resting = a_live_order(placed.exchange_order_id, price="77")
    await followed(desk, resting)
    looked_up = len(desk.exchange.looked_up)
    prices = []
    for max_age_s in (60.0, 0.0, None):
        told = await desk.get_order(
            "main",
            named(),
            "",
            max_age_s=max_age_s,
            caller="desk",
            deadline=Deadline.after(5),
        )
        assert told.order is not None
        prices.append(told.order.price)
    assert prices == ["77", "30000.1", "30000.1"]
    assert len(desk.exchange.looked_up) == looked_up + 2


async def test_an_order_of_another_instrument_is_not_taken_for_it(desk: Desk) -> None:
    row = desk.exchange.enter(an_order("theirs"))
    await followed(
        desk,
        a_live_order(row["ordId"], instrument="ETH-USDT", state=OrderState.FILLED),
    )
    told = await get(desk, OrderName(exchange_order_id=row["ordId"]), "BTC-USDT")
    assert told.order is not None
    assert told.order.instrument == "BTC-USDT"
