import asyncio

import pytest
from redis.asyncio import Redis

from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import BudgetExhaustedError, InvalidRequestError
from okx_gateway.domain.instrument import InstrumentType
from okx_gateway.usecases.market_reads import Asker, require_listed
from tests.fakes.desk import Desk


def asker(within_s: float = 3.0) -> Asker:
    return Asker("desk", Deadline.after(within_s))


async def test_what_is_read_is_spent_from_windows_of_the_address(
    redis: "Redis", desk: Desk
) -> None:
    assert (await desk.reads.ticker("BTC-USDT", asker())).value.instrument == "BTC-USDT"
    assert len((await desk.reads.tickers(InstrumentType.SPOT, asker())).value) == 2
    assert (await desk.reads.order_book("BTC-USDT", asker())).value.sequence == 10
    spent = sorted(str(key) for key in await redis.keys("*:window:*"))
    assert [name.rpartition(":")[2] for name in spent] == [
        "get_order_book",
        "get_ticker",
        "get_tickers",
    ]
    assert all("{address:nat-eu-1}" in name for name in spent)


async def test_all_who_ask_the_same_at_once_share_one_request(desk: Desk) -> None:
    desk.exchange.slow_s = 0.02
    await asyncio.gather(
        *(desk.reads.ticker("BTC-USDT", asker()) for _ in range(50)),
        *(desk.reads.order_book("BTC-USDT", asker()) for _ in range(50)),
        desk.reads.ticker("ETH-USDT", asker()),
    )
    assert sorted(desk.exchange.market_read) == [
        ("order_book", "BTC-USDT"),
        ("ticker", "BTC-USDT"),
        ("ticker", "ETH-USDT"),
    ]


async def test_reads_beyond_the_budget_are_denied(desk: Desk) -> None:
    for _ in range(20):
        await desk.reads.ticker("BTC-USDT", asker())
    with pytest.raises(BudgetExhaustedError):
        await desk.reads.ticker("BTC-USDT", asker(0.1))


async def test_what_is_not_listed_is_named(desk: Desk) -> None:
    require_listed(desk.instruments, "BTC-USDT")
    with pytest.raises(InvalidRequestError) as invalid:
        require_listed(desk.instruments, "XYZ-USDT")
    assert [each.field for each in invalid.value.violations] == ["instrument"]
