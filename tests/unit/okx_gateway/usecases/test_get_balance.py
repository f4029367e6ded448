import asyncio
import time

import pytest

from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import (
    AccountUnknownError,
    BudgetExhaustedError,
    DeadlineTooShortError,
    ExchangeUnavailableError,
)
from okx_gateway.usecases.get_balance import DatedBalance
from tests.fakes.desk import Desk
from tests.fakes.exchange import EMPTY_BALANCE
from tests.fakes.live_orders import balance_row


async def read(
    desk: Desk, *currencies: str, account: str = "main", within_s: float = 3.0
) -> DatedBalance:
    return await desk.get_balance(
        account, currencies, caller="desk", deadline=Deadline.after(within_s)
    )


async def test_a_balance_says_how_old_it_is(desk: Desk) -> None:
    dated = await read(desk, "USDT")
    assert dated.balance == EMPTY_BALANCE
    assert desk.exchange.balances_read == [("main", "USDT")]
    assert 0 <= dated.age_s() < 1
    await asyncio.sleep(0.02)
    assert dated.age_s() >= 0.02
    assert abs(dated.receive_ms - time.time() * 1000) < 1_000


async def test_all_who_ask_at_once_share_one_request(desk: Desk) -> None:
    desk.exchange.slow_s = 0.05
    answers = await asyncio.gather(*(read(desk) for _ in range(50)))
    assert len(desk.exchange.balances_read) == 1
    assert len({id(answer) for answer in answers}) == 1


async def test_an_answer_is_never_given_to_those_who_ask_after_it(desk: Desk) -> None:
    first = await read(desk)
    second = await read(desk)
    assert second.received_s > first.received_s
    assert len(desk.exchange.balances_read) == 2


async def test_other_currencies_are_another_request(desk: Desk) -> None:
    desk.exchange.slow_s = 0.02
    await asyncio.gather(read(desk, "USDT"), read(desk, "BTC"), read(desk))
    assert sorted(desk.exchange.balances_read) == [
        ("main",),
        ("main", "BTC"),
        ("main", "USDT"),
    ]


async def test_a_caller_who_goes_does_not_take_the_answer_from_the_others(desk: Desk) -> None:
    desk.exchange.slow_s = 0.1
    first = asyncio.ensure_future(read(desk))
    await asyncio.sleep(0.03)
    second = asyncio.ensure_future(read(desk))
    await asyncio.sleep(0.01)
    first.cancel()
    assert (await second).balance == EMPTY_BALANCE
    assert len(desk.exchange.balances_read) == 1


async def test_an_answer_later_than_the_deadline_is_not_waited_for(desk: Desk) -> None:
    desk.exchange.slow_s = 0.3
    started_s = time.monotonic()
    with pytest.raises(DeadlineTooShortError):
        await read(desk, within_s=0.05)
    assert time.monotonic() - started_s < 0.2


async def test_a_failure_is_shared_and_the_next_one_asks_anew(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(account: str, currencies: object, *, write_before_s: float) -> None:
        await asyncio.sleep(0.02)
        raise ExchangeUnavailableError("HTTP 503")

    monkeypatch.setattr(desk.exchange, "balance", fail)
    told = await asyncio.gather(read(desk), read(desk), return_exceptions=True)
    assert [type(each) for each in told] == [ExchangeUnavailableError] * 2
    monkeypatch.undo()
    assert (await read(desk)).balance == EMPTY_BALANCE


async def test_reads_beyond_the_budget_are_denied(desk: Desk) -> None:
    for _ in range(10):
        await read(desk)
    with pytest.raises(BudgetExhaustedError) as denied:
        await read(desk, within_s=0.2)
    assert denied.value.window == "get_balance"
    assert len(desk.exchange.balances_read) == 10


async def test_the_short_deadline_of_one_is_not_that_of_those_who_join(desk: Desk) -> None:
    for _ in range(10):
        await read(desk)
    waits_s = (0.2, 0.3, 5.0, 5.0)
    told = await asyncio.gather(
        *(read(desk, within_s=each) for each in waits_s), return_exceptions=True
    )
    assert [type(each) for each in told] == [
        *[BudgetExhaustedError] * 2,
        *[DatedBalance] * 2,
    ]
    assert told[2] is told[3]
    assert len(desk.exchange.balances_read) == 11


async def test_an_account_that_is_not_known_is_refused(desk: Desk) -> None:
    with pytest.raises(AccountUnknownError):
        await read(desk, account="nobody")


def told_live(desk: Desk, cash: str, update_ms: int = 10) -> None:
    """Have the channel tell everything."""
    socket = desk.live.sockets["main"]
    socket.subscribed("account")
    row = balance_row({"BTC": cash, "USDT": "5"}, update_ms)
    socket.push("account", row, event_type="snapshot")


async def test_a_balance_that_the_channel_tells_costs_okx_nothing(desk: Desk) -> None:
    assert (await read(desk)).balance == EMPTY_BALANCE
    told_live(desk, "1")
    answers = [await read(desk) for _ in range(100)]
    assert [each.cash for each in answers[-1].balance.currencies] == ["1", "5"]
    assert answers[-1].receive_ms == 5
    assert [each.cash for each in (await read(desk, "BTC")).balance.currencies] == ["1"]
    assert len(desk.exchange.balances_read) == 1


async def test_an_answer_that_would_be_too_old_is_asked_of_okx(desk: Desk) -> None:
    await read(desk)
    told_live(desk, "1")
    deadline = Deadline.after(3)
    fresh = await desk.get_balance("main", (), max_age_s=60, caller="desk", deadline=deadline)
    assert len(fresh.balance.currencies) == 2
    asked = await desk.get_balance("main", (), max_age_s=0, caller="desk", deadline=deadline)
    assert asked.balance == EMPTY_BALANCE
    assert asked.age_s() < 1


async def test_okx_is_asked_while_the_channel_is_down(desk: Desk) -> None:
    await read(desk)
    told_live(desk, "1")
    channel, listener = desk.live.sockets["main"].listeners["account"]
    listener.on_lost(channel)
    assert (await read(desk)).balance == EMPTY_BALANCE
    told_live(desk, "2", 20)
    assert [each.cash for each in (await read(desk)).balance.currencies] == ["2", "5"]


async def test_what_was_written_is_waited_for_and_not_read_over(desk: Desk) -> None:
    await read(desk)
    told_live(desk, "1")
    desk.exchange.wrote_ms = 20
    asked = asyncio.ensure_future(read(desk))
    await asyncio.sleep(0.01)
    assert not asked.done()
    desk.live.sockets["main"].push("account", balance_row({"BTC": "2"}, 20))
    assert [each.cash for each in (await asked).balance.currencies] == ["2", "5"]
    assert len(desk.exchange.balances_read) == 1


async def test_okx_is_asked_where_the_channel_does_not_tell_of_a_write(desk: Desk) -> None:
    await read(desk)
    told_live(desk, "1")
    desk.exchange.wrote_ms = 20
    assert (await read(desk)).balance == EMPTY_BALANCE
    assert len(desk.exchange.balances_read) == 2


async def test_a_request_from_before_a_write_is_not_shared_with_those_after_it(desk: Desk) -> None:
    desk.exchange.slow_s = 0.05
    before = asyncio.ensure_future(read(desk))
    await asyncio.sleep(0.01)
    desk.exchange.wrote_ms = 20
    await asyncio.gather(before, read(desk))
    assert len(desk.exchange.balances_read) == 2
