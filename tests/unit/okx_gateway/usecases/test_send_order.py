import asyncio
import time
from typing import Any

import pytest

from okx_gateway.domain.order import NewOrder, Placed
from okx_gateway.ledger.grant import Granted
from okx_gateway.okx.verdict import PlaceVerdict, Unsent
from okx_gateway.usecases.send_order import Missed, SendOrder
from okx_gateway.usecases.shared_batch import SharedBatch
from okx_gateway.usecases.supervisor import Supervisor
from tests.fakes.desk import a_synchronous_clock
from tests.fakes.exchange import ScriptedExchange, wall_ms
from tests.fakes.orders import an_instrument, an_order


@pytest.fixture
def send(exchange: ScriptedExchange) -> SendOrder:
    batch = SharedBatch(exchange, Supervisor(tasks_max=9))
    return SendOrder(exchange=exchange, clock=a_synchronous_clock(), batch=batch)


def granted(*, wait_s: float = 0, expires_in_ms: int = 1_000, route: int = 0) -> Granted:
    now_s = time.monotonic()
    expiry_ms = wall_ms() + expires_in_ms
    return Granted(now_s + wait_s, now_s + wait_s + 0.05, wait_s, expiry_ms, route, "f", 0)


async def test_an_order_is_written_in_its_slot(send: SendOrder) -> None:
    started_s = time.monotonic()
    sent = await send(an_order(), an_instrument(), granted(wait_s=0.1))
    assert isinstance(sent, Placed)
    assert 0.1 <= time.monotonic() - started_s < 0.2


@pytest.mark.parametrize(("wait_s", "asked_s"), [(0.6, 0.3), (0.26, 0.13)])
async def test_a_slot_far_ahead_is_asked_for_again_after_half_of_the_wait(
    send: SendOrder, exchange: ScriptedExchange, wait_s: float, asked_s: float
) -> None:
    started_s = time.monotonic()
    sent = await send(an_order(), an_instrument(), granted(wait_s=wait_s))
    assert isinstance(sent, Missed)
    assert asked_s <= time.monotonic() - started_s < asked_s + 0.1
    assert exchange.placed == []


async def test_past_its_validity_nothing_is_written(
    send: SendOrder, exchange: ScriptedExchange
) -> None:
    sent = await send(an_order(), an_instrument(), granted(expires_in_ms=-1))
    assert isinstance(sent, Missed)
    assert exchange.placed == []


async def test_an_order_too_late_for_its_slot_has_missed_it_and_one_without_a_way_is_unsent(
    send: SendOrder, exchange: ScriptedExchange
) -> None:
    exchange.on_place = exchange.always(Unsent("held up", late=True))
    assert isinstance(await send(an_order(), an_instrument(), granted()), Missed)
    exchange.on_place = exchange.always(Unsent("ClientConnectorError"))
    assert isinstance(await send(an_order(), an_instrument(), granted()), Unsent)


async def test_an_order_alone_in_its_batch_is_not_written(
    send: SendOrder, exchange: ScriptedExchange
) -> None:
    sent = await send(an_order(), an_instrument(), granted(route=1))
    assert isinstance(sent, Missed)
    assert sent.alone
    assert exchange.placed == []


async def test_a_batch_is_to_be_written_before_the_first_of_its_slots_ends(
    send: SendOrder, exchange: ScriptedExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_s: list[float] = []

    async def place_batch(orders: list[NewOrder], *_: Any, **how: Any) -> list[PlaceVerdict]:
        before_s.append(how["write_before_s"])
        return [Placed("7", 1) for _ in orders]

    monkeypatch.setattr(exchange, "place_batch", place_batch)
    grants = [granted(route=1), granted(route=1)]
    await asyncio.gather(
        *(send(an_order(f"a{n}"), an_instrument(), each) for n, each in enumerate(grants))
    )
    assert before_s == [grants[0].until_s]
