import pytest

from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import InvalidRequestError
from okx_gateway.usecases.market_reads import Asker
from tests.fakes.desk import Desk
from tests.fakes.tickers import a_ticker


async def test_a_ticker_says_how_old_it_is(desk: Desk) -> None:
    dated = await desk.market.get_ticker("BTC-USDT", Asker("desk", Deadline.after(3)))
    assert dated.value == a_ticker("BTC-USDT")
    assert 0 <= dated.age_s() < 1


async def test_what_is_not_listed_is_not_asked_for(desk: Desk) -> None:
    with pytest.raises(InvalidRequestError):
        await desk.market.get_ticker("XYZ-USDT", Asker("desk", Deadline.after(3)))
    assert desk.exchange.market_read == []
