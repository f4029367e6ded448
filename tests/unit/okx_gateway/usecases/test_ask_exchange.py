import asyncio
import time
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import (
    AccountUnknownError,
    BudgetExhaustedError,
    ExchangeThrottledError,
    ExchangeUnavailableError,
    GatewayError,
    LedgerUnavailableError,
)
from okx_gateway.ledger import ledger_script
from okx_gateway.ledger.charge import Charge
from okx_gateway.okx.verdict import Absent, CancelTaken, NoEvidence, TurnedAway, Unsent
from tests.fakes.desk import OWNER, Desk, named
from tests.fakes.exchange import ScriptedExchange
from tests.fakes.metering import Metered
from tests.fakes.orders import NET, an_instrument


async def test_a_look_up_and_a_cancel_spend_from_windows_of_their_own(
    redis: "Redis", desk: Desk
) -> None:
    instrument, deadline = an_instrument(), Deadline.after(2)
    assert await desk.ask.look_up(NET, instrument, named(), deadline) == Absent()
    taken = await desk.ask.cancel(NET, instrument, named(), deadline)
    assert isinstance(taken, CancelTaken)
    windows = sorted(str(key).rpartition(":window:")[2] for key in await redis.keys("*:window:*"))
    assert windows == ["cancel_order:BTC-USDT", "get_order:BTC-USDT#(gateway)"]


async def test_what_was_held_up_on_its_way_is_asked_anew(desk: Desk) -> None:
    instrument, deadline = an_instrument(), Deadline.after(2)
    desk.exchange.lookups.extend([NoEvidence("held up", late=True)] * 2)
    desk.exchange.cancels.extend([Unsent("held up", late=True)] * 2)
    assert await desk.ask.look_up(NET, instrument, named(), deadline) == Absent()
    assert isinstance(await desk.ask.cancel(NET, instrument, named(), deadline), CancelTaken)
    assert (len(desk.exchange.looked_up), len(desk.exchange.cancelled)) == (3, 3)
    desk.exchange.lookups.extend([NoEvidence("held up", late=True)] * 9)
    seen = await desk.ask.look_up(NET, instrument, named(), deadline)
    assert seen == NoEvidence("held up", late=True)


async def test_a_cancel_that_its_socket_turned_away_is_sent_in_another_slot(
    redis: "Redis", desk: Desk
) -> None:
    desk.exchange.cancels.append(TurnedAway("51001"))
    taken = await desk.ask.cancel(NET, an_instrument(), named(), Deadline.after(2))
    assert isinstance(taken, CancelTaken)
    assert await redis.zcard(f"okxgw:{{{OWNER}}}:window:cancel_order:BTC-USDT") == 2


async def test_a_request_waits_for_its_slot(desk: Desk, metered: Metered) -> None:
    charges = (Charge("narrow", 1, 150_000),)
    started_s = time.monotonic()
    for _ in range(3):
        await desk.ask.wait_for_room(OWNER, charges, Deadline.after(2))
    assert 0.28 < time.monotonic() - started_s < 1.0
    # A slot that lies far ahead is asked for again, and told once.
    assert 0.2 < metered.told("budget.wait")["narrow"] <= 0.3


async def test_without_room_before_the_deadline_nothing_is_asked(desk: Desk) -> None:
    instrument = an_instrument()
    deadline = Deadline.after(0.5)
    told = await asyncio.gather(
        *(desk.ask.look_up(NET, instrument, named(), deadline) for _ in range(62)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, BudgetExhaustedError) for each in told) == 2
    assert len(desk.exchange.looked_up) == 60


async def test_without_the_budget_nothing_is_asked(exchange: ScriptedExchange) -> None:
    gone = Redis.from_url("unix:///nonexistent/valkey.sock", decode_responses=True)
    desk = await Desk(gone, exchange).open()
    for ask in (desk.ask.look_up, desk.ask.cancel):
        with pytest.raises(LedgerUnavailableError):
            await ask(NET, an_instrument(), named(), Deadline.after(1))
    assert exchange.looked_up == []
    assert exchange.cancelled == []
    await desk.close()
    await gone.aclose()


class _Floor:
    """A floor with room for so many."""

    def __init__(self, room: int) -> None:
        self.room = room

    def take(self, owner: str, charge: Charge) -> bool:
        self.room -= 1
        return self.room >= 0


async def test_what_the_floor_has_room_for_does_not_need_the_budget(
    exchange: ScriptedExchange,
) -> None:
    gone = Redis.from_url("unix:///nonexistent/valkey.sock", decode_responses=True)
    desk = await Desk(gone, exchange).open()
    ask = replace(desk.ask, floors=_Floor(2))
    for _ in range(2):
        await ask.cancel(NET, an_instrument(), named(), Deadline.after(1))
    with pytest.raises(LedgerUnavailableError):
        await ask.cancel(NET, an_instrument(), named(), Deadline.after(1))
    assert len(exchange.cancelled) == 2
    await desk.close()
    await gone.aclose()


async def test_a_slot_promised_by_a_ledger_that_is_lost_since_is_not_used(
    redis: "Redis", desk: Desk
) -> None:
    charges = (Charge("narrow", 1, 400_000),)
    await desk.ask.wait_for_room(OWNER, charges, Deadline.after(2))
    waiting = asyncio.ensure_future(desk.ask.wait_for_room(OWNER, charges, Deadline.after(5)))
    await asyncio.sleep(0.2)
    await redis.flushall()
    started_s = time.monotonic()
    await waiting
    assert time.monotonic() - started_s > 0.4, "one slot of the new epoch, after its first width"


async def test_a_slot_that_was_slept_through_is_taken_anew(
    redis: "Redis", desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_script, "SLOT_GOOD_S", -1)
    with pytest.raises(LedgerUnavailableError, match="too late"):
        await desk.ask.wait_for_room(OWNER, (Charge("wide", 9, 100_000),), Deadline.after(2))
    assert await redis.zcard(f"okxgw:{{{OWNER}}}:window:wide") == 1, "what is unused is given back"


class _Reading:
    """Raises what it was told to, one after the other, and then answers."""

    def __init__(self, *told: GatewayError) -> None:
        self._told = list(told)
        self.sent = 0

    async def __call__(self, *, write_before_s: float) -> str:
        assert 0 < write_before_s - time.monotonic() <= 0.06
        self.sent += 1
        if self._told:
            raise self._told.pop(0)
        return "answer"


ROUTE = (Charge("get_balance", 9, 500_000),)
HELD_UP = ExchangeUnavailableError("held up", late=True)


async def test_a_read_is_written_in_its_slot_or_in_another(desk: Desk) -> None:
    reading = _Reading(HELD_UP, HELD_UP)
    assert await desk.ask.read(OWNER, ROUTE, Deadline.after(2), reading) == "answer"
    assert reading.sent == 3
    reading = _Reading(*[HELD_UP] * 9)
    with pytest.raises(ExchangeUnavailableError, match="held up"):
        await desk.ask.read(OWNER, ROUTE, Deadline.after(2), reading)
    assert reading.sent == 5


async def test_a_read_that_fails_for_another_reason_is_not_repeated(desk: Desk) -> None:
    for error in (ExchangeUnavailableError("HTTP 503"), AccountUnknownError("main")):
        reading = _Reading(error)
        with pytest.raises(type(error)) as raised:
            await desk.ask.read(OWNER, ROUTE, Deadline.after(2), reading)
        assert raised.value is error
        assert reading.sent == 1


async def test_a_read_that_okx_throttles_freezes_its_window(desk: Desk, metered: Metered) -> None:
    throttled = ExchangeThrottledError(okx_code="50011", okx_message="", retry_after_ms=1)
    with pytest.raises(ExchangeThrottledError):
        await desk.ask.read(OWNER, ROUTE, Deadline.after(2), _Reading(throttled))
    assert metered.told("budget.throttled") == {"get_balance": 1}
    await desk.settle_all()
    with pytest.raises(BudgetExhaustedError):
        await desk.ask.read(OWNER, ROUTE, Deadline.after(0.1), _Reading())
