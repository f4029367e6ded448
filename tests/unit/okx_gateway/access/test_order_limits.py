from decimal import Decimal

import pytest

from okx_gateway.access.order_limits import (
    Breach,
    Size,
    breach,
    breach_of_order,
    needs_price,
    size_of,
)
from okx_gateway.access.policy import OrderLimits
from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.domain.order import Market, TargetCurrency
from tests.fakes.orders import an_instrument, an_order

SPOT = an_instrument(quote_currency="USDT")
LINEAR = an_instrument(
    InstrumentType.SWAP,
    contract_value="0.01",
    contract_currency="BTC",
    settlement_currency="USDT",
)
INVERSE = an_instrument(
    InstrumentType.FUTURES,
    contract_value="100",
    contract_currency="USD",
    settlement_currency="BTC",
)
OPTION = an_instrument(InstrumentType.OPTION)
USDT_100 = OrderLimits(largest={"USDT": Decimal(100)})
LAST = Decimal(50)


def size(quantity: str | None, price: str | None, *, in_quote: bool = False) -> Size:
    return Size(
        Decimal(quantity) if quantity else None, Decimal(price) if price else None, in_quote
    )


@pytest.mark.parametrize(
    ("asked", "instrument", "limits", "told"),
    [
        (size("2", "50"), SPOT, USDT_100, ""),
        (size("2", "50.1"), SPOT, USDT_100, "100.2 USDT"),
        (size("2", None), SPOT, USDT_100, ""),
        (size("2.1", None), SPOT, USDT_100, "105 USDT"),
        (size("100", None, in_quote=True), SPOT, USDT_100, ""),
        (size("101", None, in_quote=True), SPOT, USDT_100, "101 USDT"),
        (size("200", "50"), LINEAR, USDT_100, ""),
        (size("201", "50"), LINEAR, USDT_100, "100.5 USDT"),
        (size("1", "50"), INVERSE, USDT_100, "an order worth USD"),
        (size("1", "90000"), INVERSE, OrderLimits(largest={"USD": Decimal(100)}), ""),
        (size("2", "1"), INVERSE, OrderLimits(largest={"USD": Decimal(100)}), "200 USD"),
        (size("1", "0.1"), OPTION, USDT_100, "an order worth an option"),
        (size("1", "0.1"), OPTION, OrderLimits(), ""),
        (size("9999", "9999"), SPOT, OrderLimits(), ""),
        (size(None, "50"), SPOT, USDT_100, "a new quantity or price alone"),
        (size("1", "55"), SPOT, OrderLimits(collar_percent=Decimal(10)), ""),
        (size("1", "55.01"), SPOT, OrderLimits(collar_percent=Decimal(10)), "55.01"),
        (size("1", "44.99"), SPOT, OrderLimits(collar_percent=Decimal(10)), "44.99"),
        (size("1", None), SPOT, OrderLimits(collar_percent=Decimal(0)), ""),
    ],
)
def test_what_is_beyond_a_limit(
    asked: Size, instrument: Instrument, limits: OrderLimits, told: str
) -> None:
    found = breach(asked, instrument, limits, LAST)
    assert (found.asked if found else "") == told


def test_an_amend_of_the_quantity_alone_cannot_be_judged() -> None:
    found = breach(size("1", None), SPOT, USDT_100, None)
    assert found is not None
    assert found.allowed == "both together, so that what they are worth is known"


def test_what_is_allowed_is_told() -> None:
    limits = OrderLimits(largest={"USDT": Decimal(100)}, collar_percent=Decimal("2.5"))
    assert breach(size("1", "60"), SPOT, limits, LAST) == Breach(
        "collar_percent", "60", "within 2.5 percent of 50"
    )
    assert breach(size("3", "50"), SPOT, limits, LAST) == Breach("largest", "150 USDT", "100 USDT")


def test_market_orders_may_be_forbidden() -> None:
    order = an_order(kind=Market())
    allowed, forbidden = OrderLimits(), OrderLimits(market_orders=False)
    assert breach_of_order(order, SPOT, allowed, None) is None
    found = breach_of_order(order, SPOT, forbidden, None)
    assert found == Breach("market_orders", "a market order", "none")
    assert breach_of_order(an_order(), SPOT, forbidden, None) is None


def test_the_last_price_is_only_asked_for_where_it_counts() -> None:
    collar = OrderLimits(collar_percent=Decimal(1))
    assert needs_price(size_of(an_order()), collar)
    assert not needs_price(size_of(an_order()), USDT_100)
    assert needs_price(size_of(an_order(kind=Market())), USDT_100)
    assert not needs_price(size_of(an_order(kind=Market(TargetCurrency.QUOTE))), USDT_100)
    assert not needs_price(size_of(an_order(kind=Market())), collar)


def test_nothing_is_rounded() -> None:
    limits = OrderLimits(largest={"USDT": Decimal(999999999999999999)})
    asked = size("999999999999999999", "1.000000000000000001")
    assert breach(asked, SPOT, limits, LAST) is not None
