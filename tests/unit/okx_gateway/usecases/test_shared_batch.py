import asyncio
import time
from collections.abc import Sequence

import pytest

from okx_gateway.domain.instrument import Instrument
from okx_gateway.domain.order import NewOrder, Placed
from okx_gateway.okx.verdict import InDoubt, PlaceVerdict
from okx_gateway.usecases.shared_batch import Alone, SharedBatch
from okx_gateway.usecases.supervisor import Supervisor
from tests.fakes.exchange import ScriptedExchange
from tests.fakes.orders import an_instrument, an_order


@pytest.fixture
def batch(exchange: ScriptedExchange) -> SharedBatch:
    return SharedBatch(exchange, Supervisor(tasks_max=100))


async def place(
    batch: SharedBatch,
    name: str,
    *,
    account: str = "main",
    left_ms: int = 1_000,
    delay_s: float = 0,
) -> PlaceVerdict | Alone:
    await asyncio.sleep(delay_s)
    return await batch.place(
        an_order(client_order_id=name, account=account),
        an_instrument(),
        expiry_ms=1_000 + left_ms,
        left_ms=left_ms,
        write_before_s=time.monotonic() + 0.05,
    )


async def test_orders_that_come_together_leave_together_each_with_its_own_verdict(
    batch: SharedBatch, exchange: ScriptedExchange
) -> None:
    verdicts = await asyncio.gather(*(place(batch, f"a{n}") for n in range(7)))
    assert exchange.batches == [[f"a{n}" for n in range(7)]]
    for number, verdict in enumerate(verdicts):
        assert isinstance(verdict, Placed)
        assert verdict.exchange_order_id == exchange.book[f"a{number}"]["ordId"]


async def test_no_batch_is_larger_than_okx_takes(
    batch: SharedBatch, exchange: ScriptedExchange
) -> None:
    await asyncio.gather(*(place(batch, f"a{n}") for n in range(43)))
    assert sorted(map(len, exchange.batches)) == [3, 20, 20]


async def test_one_alone_is_not_sent(batch: SharedBatch, exchange: ScriptedExchange) -> None:
    started_s = time.monotonic()
    assert await place(batch, "a1") == Alone()
    assert time.monotonic() - started_s < 0.05
    assert exchange.placed == []


async def test_one_that_comes_a_little_later_is_taken_along_at_once(
    batch: SharedBatch, exchange: ScriptedExchange
) -> None:
    first, second = await asyncio.gather(place(batch, "a1"), place(batch, "a2", delay_s=0.02))
    assert isinstance(first, Placed)
    assert isinstance(second, Placed)
    assert exchange.batches == [["a1", "a2"]]


async def test_accounts_do_not_share(batch: SharedBatch, exchange: ScriptedExchange) -> None:
    told = await asyncio.gather(place(batch, "a1"), place(batch, "a2", account="other"))
    assert set(told) == {Alone()}


async def test_one_that_is_about_to_expire_takes_nobody_with_it(
    batch: SharedBatch, exchange: ScriptedExchange
) -> None:
    told = await asyncio.gather(*(place(batch, f"a{n}", left_ms=100 + 600 * n) for n in range(3)))
    assert told[0] == Alone()
    assert exchange.batches == [["a1", "a2"]]
    assert exchange.expiries_ms == [1_700, 1_700], "none is taken later than it may be"


async def test_a_batch_that_fails_leaves_each_in_doubt(batch: SharedBatch) -> None:
    class Failing(ScriptedExchange):
        async def place_batch(
            self, orders: Sequence[NewOrder], instrument: Instrument, **_: object
        ) -> list[PlaceVerdict]:
            raise RuntimeError("a defect")

    failing = SharedBatch(Failing(), Supervisor(tasks_max=100))
    told = await asyncio.gather(place(failing, "a1"), place(failing, "a2"))
    assert [type(each) for each in told] == [InDoubt, InDoubt]
