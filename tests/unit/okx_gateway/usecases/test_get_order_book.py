import pytest

from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import InvalidRequestError
from okx_gateway.usecases.market_reads import Asker
from tests.fakes.desk import Desk


def asker() -> Asker:
    return Asker("desk", Deadline.after(3))


async def test_a_book_is_as_deep_as_it_is_wanted(desk: Desk) -> None:
    whole = (await desk.market.get_order_book("BTC-USDT", asker())).value
    best = (await desk.market.get_order_book("BTC-USDT", asker(), depth=1)).value
    assert (len(whole.asks), len(whole.bids)) == (2, 2)
    assert (best.asks, best.bids) == (whole.asks[:1], whole.bids[:1])
    assert best.sequence == whole.sequence


async def test_what_is_not_listed_is_not_asked_for(desk: Desk) -> None:
    with pytest.raises(InvalidRequestError):
        await desk.market.get_order_book("XYZ-USDT", asker())
    assert desk.exchange.market_read == []
