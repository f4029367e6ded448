import asyncio
import time

import pytest

from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import BudgetExhaustedError, DeadlineTooShortError
from okx_gateway.usecases.shared_read import SharedRead
from okx_gateway.usecases.supervisor import Supervisor


class Source:
    """Counts what is read; takes `slow_s`, and then fails as often as `failures` says."""

    def __init__(self) -> None:
        self.shared: SharedRead[int] = SharedRead(Supervisor(tasks_max=10))
        self.count = 0
        self.failures = 0
        self.slow_s = 0.02

    async def read(self) -> int:
        self.count += 1
        number = self.count
        await asyncio.sleep(self.slow_s)
        if number <= self.failures:
            raise BudgetExhaustedError("get_ticker", 100)
        return number

    async def ask(self, key: str = "a", *, within_s: float = 1.0) -> int:
        return await self.shared(key, self.read, Deadline.after(within_s))


async def test_all_who_ask_at_once_share_one_request() -> None:
    source = Source()
    assert await asyncio.gather(*(source.ask() for _ in range(20))) == [1] * 20
    assert await source.ask() == 2


async def test_another_key_is_another_request() -> None:
    source = Source()
    told = await asyncio.gather(*(source.ask(key) for key in "aab"))
    assert told == [1, 1, 2]


async def test_who_goes_does_not_take_the_answer_from_the_others() -> None:
    source = Source()
    first = asyncio.ensure_future(source.ask())
    await asyncio.sleep(0.005)
    second = asyncio.ensure_future(source.ask())
    await asyncio.sleep(0.005)
    first.cancel()
    assert await second == 1


async def test_the_short_deadline_of_one_is_not_that_of_those_who_join() -> None:
    source = Source()
    source.failures = 1
    told = await asyncio.gather(*(source.ask() for _ in range(3)), return_exceptions=True)
    assert isinstance(told[0], BudgetExhaustedError)
    assert told[1:] == [2, 2]


async def test_an_answer_later_than_the_deadline_is_not_waited_for() -> None:
    source = Source()
    source.slow_s = 0.5
    started_s = time.monotonic()
    with pytest.raises(DeadlineTooShortError):
        await source.ask(within_s=0.05)
    assert time.monotonic() - started_s < 0.4
