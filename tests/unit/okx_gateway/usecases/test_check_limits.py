"""Orders within and beyond limits, over a real ledger and a scripted exchange."""

from decimal import Decimal

import pytest

from okx_gateway.access.policy import OrderLimits
from okx_gateway.domain.access_errors import OrderLimitExceededError
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import ExchangeUnavailableError
from okx_gateway.domain.order import Limit, NewValues, TimeInForce
from okx_gateway.domain.ticker import Ticker
from okx_gateway.market.dated import Dated
from okx_gateway.usecases.market_reads import Asker
from okx_gateway.usecases.place_order import PlaceAnswer
from tests.fakes.desk import Desk, named
from tests.fakes.metering import Metered
from tests.fakes.orders import an_order
from tests.fakes.tickers import a_ticker

COLLAR = OrderLimits(collar_percent=Decimal(1))
NEAR = a_ticker("BTC-USDT").last_price
FAR = f"{Decimal(NEAR) * 2:f}"


def at(price: str) -> Limit:
    return Limit(Decimal(price), TimeInForce.GOOD_TILL_CANCELLED)


async def place(desk: Desk, price: str, limits: OrderLimits = COLLAR) -> PlaceAnswer:
    return await desk.place_order(
        an_order(kind=at(price)), caller="desk", deadline=Deadline.after(5), limits=limits
    )


async def test_an_order_beyond_a_limit_is_refused_and_nothing_is_sent(desk: Desk) -> None:
    with pytest.raises(OrderLimitExceededError) as refused:
        await place(desk, FAR)
    assert refused.value.metadata["limit"] == "collar_percent"
    assert desk.exchange.placed == []
    assert await desk.record() is None


async def test_an_order_within_its_limits_is_placed(desk: Desk) -> None:
    assert not (await place(desk, NEAR)).replayed


async def test_one_price_judges_many_orders(desk: Desk) -> None:
    for _ in range(3):
        with pytest.raises(OrderLimitExceededError):
            await place(desk, FAR)
    assert desk.exchange.market_read == [("ticker", "BTC-USDT")]


async def test_an_order_on_record_is_told_whatever_the_market_did(desk: Desk) -> None:
    first = await place(desk, FAR, OrderLimits())
    again = await place(desk, FAR)
    assert again.replayed
    assert again.placed == first.placed


async def no_price(_: str, __: Asker) -> Dated[Ticker]:
    raise ExchangeUnavailableError("it does not tell")


async def test_without_a_price_nothing_is_placed_and_what_is_on_record_is_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk.check_limits, "_read_ticker", no_price)
    with pytest.raises(ExchangeUnavailableError):
        await place(desk, NEAR)
    assert desk.exchange.placed == []
    first = await place(desk, NEAR, OrderLimits())
    assert (await place(desk, NEAR)).placed == first.placed


async def test_without_a_price_a_dry_run_places(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk.check_limits, "_read_ticker", no_price)
    limits = OrderLimits(collar_percent=Decimal(1), enforced=False)
    assert not (await place(desk, NEAR, limits)).replayed


async def test_a_dry_run_places_and_counts(desk: Desk, metered: Metered) -> None:
    limits = OrderLimits(collar_percent=Decimal(1), enforced=False)
    assert not (await place(desk, FAR, limits)).replayed
    [count] = metered.told("policy.limits_exceeded").values()
    assert count == 1


@pytest.mark.parametrize(
    ("quantity", "price"), [("1", None), (None, "30000"), ("1", "30000"), (None, "90000")]
)
async def test_an_amend_beyond_a_limit_changes_nothing(
    desk: Desk, quantity: str | None, price: str | None
) -> None:
    await desk.place(an_order())
    limits = OrderLimits(largest={"USDT": Decimal(20_000)}, collar_percent=Decimal(50))
    values = NewValues(Decimal(quantity) if quantity else None, Decimal(price) if price else None)
    with pytest.raises(OrderLimitExceededError):
        await desk.amend_order(
            "main",
            named(),
            "",
            values,
            caller="desk",
            deadline=Deadline.after(5),
            limits=limits,
        )
    assert desk.exchange.amended == []
