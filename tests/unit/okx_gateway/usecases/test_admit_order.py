"""After a loss of the ledger nothing is sent that OKX may have already."""

import asyncio

import pytest
from redis.asyncio import Redis

from okx_gateway.domain import errors
from okx_gateway.usecases.place_order import PlaceAnswer
from tests.fakes.desk import MARGIN_MS, VALIDITY_MS, Desk
from tests.fakes.exchange import NOTHING_TOLD
from tests.fakes.orders import an_order

SILENCE_S = (VALIDITY_MS + MARGIN_MS + 250) / 1000


async def after_a_loss(redis: "Redis", desk: Desk) -> None:
    await desk.settle_all()
    await redis.flushall()
    with pytest.raises(errors.LedgerRecoveringError):
        await desk.place(an_order("x1"))
    await asyncio.sleep(SILENCE_S)


async def test_an_order_that_okx_has_is_known_again_and_not_sent(
    redis: "Redis", desk: Desk
) -> None:
    first = await desk.place(an_order())
    await after_a_loss(redis, desk)
    again = await desk.place(an_order())
    assert again.replayed
    assert again.placed.exchange_order_id == first.placed.exchange_order_id
    assert len(desk.exchange.placed) == 1
    looked_up = len(desk.exchange.looked_up)
    assert await desk.place(an_order()) == PlaceAnswer(again.placed, replayed=True)
    assert len(desk.exchange.looked_up) == looked_up, "it is on record again"


async def test_another_order_under_the_id_is_told_and_nothing_sent(
    redis: "Redis", desk: Desk
) -> None:
    await desk.place(an_order())
    await after_a_loss(redis, desk)
    with pytest.raises(errors.ClientOrderIdTakenError) as taken:
        await desk.place(an_order(instrument="BTC-USDT", quantity=an_order().quantity * 2))
    assert taken.value.metadata["firstDifference"] == "quantity"
    assert len(desk.exchange.placed) == 1


async def test_where_okx_does_not_tell_nothing_is_sent(redis: "Redis", desk: Desk) -> None:
    await desk.place(an_order("y1"))
    await after_a_loss(redis, desk)
    desk.exchange.lookups.append(NOTHING_TOLD)
    with pytest.raises(errors.ExchangeUnavailableError):
        await desk.place(an_order())
    assert len(desk.exchange.placed) == 1
    await desk.place(an_order())
    assert len(desk.exchange.placed) == 2, "asked again, OKX says that it never had it"


async def test_a_grant_whose_answer_was_lost_does_not_keep_the_id(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit = desk.ledger.admit

    async def unanswered(*order: object, **how: object) -> object:
        await admit(*order, **how)  # type: ignore[arg-type]
        raise errors.LedgerUnavailableError("TimeoutError")

    monkeypatch.setattr(desk.ledger, "admit", unanswered)
    with pytest.raises(errors.LedgerUnavailableError):
        await desk.place(an_order())
    await desk.settle_all()
    monkeypatch.undo()
    assert not (await desk.place(an_order())).replayed
