import pytest

from okx_gateway.domain import errors
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.order import OrderName
from okx_gateway.usecases.find_order import MeantOrder
from tests.fakes.desk import Desk, named
from tests.fakes.orders import an_order


async def find(
    desk: Desk, name: OrderName, instrument: str = "", account: str = "main"
) -> MeantOrder:
    return await desk.find(account, name, instrument, Deadline.after(2))


async def test_an_order_placed_here_is_known_with_its_instrument_and_the_id_of_okx(
    desk: Desk,
) -> None:
    answer = await desk.place(an_order())
    await desk.settled()
    meant = await find(desk, named())
    assert meant.name == OrderName(exchange_order_id=answer.placed.exchange_order_id)
    assert meant.instrument.name == "BTC-USDT"
    assert meant.account.owner == "live:1"
    assert meant.record is not None
    assert meant.record.order == an_order()


async def test_an_order_in_doubt_keeps_the_id_of_the_caller(desk: Desk) -> None:
    desk.exchange.on_place = desk.exchange.accept_after(0.3)
    with pytest.raises(errors.OrderOutcomeUnknownError):
        await desk.place(an_order(), within_s=0.1)
    meant = await find(desk, named())
    assert meant.name == named()
    assert meant.record is not None
    assert meant.record.outcome is None


@pytest.mark.parametrize("name", [named("unknown"), OrderName(exchange_order_id="99")])
async def test_an_order_of_somebody_else_needs_its_instrument(desk: Desk, name: OrderName) -> None:
    meant = await find(desk, name, "BTC-USDT-SWAP")
    assert (meant.name, meant.record) == (name, None)
    assert meant.instrument.name == "BTC-USDT-SWAP"


async def test_without_a_record_and_an_instrument_it_is_not_found(desk: Desk) -> None:
    with pytest.raises(errors.OrderNotFoundError) as unknown:
        await find(desk, named("unknown"))
    assert unknown.value.metadata == {"clientOrderId": "unknown"}


async def test_an_instrument_that_is_not_that_of_the_order_is_refused(desk: Desk) -> None:
    await desk.place(an_order())
    with pytest.raises(errors.InvalidRequestError, match="must be that of order a1"):
        await find(desk, named(), "BTC-USDT-SWAP")
    assert (await find(desk, named(), "BTC-USDT")).record is not None


async def test_an_instrument_that_is_not_listed_is_refused(desk: Desk) -> None:
    with pytest.raises(errors.InvalidRequestError, match="is not listed"):
        await find(desk, named("unknown"), "XYZ-USDT")


async def test_an_account_that_is_not_known_is_refused(desk: Desk) -> None:
    with pytest.raises(errors.AccountUnknownError):
        await find(desk, named(), "BTC-USDT", account="nobody")
