"""Against a real WebSocket server on loopback."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from okx_gateway.domain.errors import CredentialUnusableError, LedgerUnavailableError
from okx_gateway.okx import pulse, socket_keeper, socket_link, socket_overlap
from okx_gateway.okx.channel import Channel, channel_of
from okx_gateway.okx.rest_client import RequestNotSentError
from okx_gateway.okx.socket_keeper import ChannelSocket
from tests.fakes.channels import Told
from tests.fakes.okx_socket import OkxSocket, okx_socket, until

BTC, ETH, SOL = (channel_of("tickers", instId=f"{each}-USDT") for each in ("BTC", "ETH", "SOL"))
NOTICE = {"event": "notice", "code": "64008", "msg": "soon", "connId": "a4d3ae55"}


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value_s in {
        "_FIRST_PAUSE_S": 0.01,
        "_SLOW_PAUSE_S": 0.3,
        "_GATHER_S": 0.005,
        "_SETTLE_S": 0.1,
        "_ECHO_S": 0.5,
    }.items():
        monkeypatch.setattr(socket_keeper, name, value_s)
    monkeypatch.setattr(socket_link, "_TICK_S", 0.02)


@pytest.fixture
async def okx() -> AsyncIterator[OkxSocket]:
    async with okx_socket() as server:
        yield server


@asynccontextmanager
async def running(okx: OkxSocket, **given: Any) -> AsyncIterator[ChannelSocket]:
    keeper = ChannelSocket(okx.url, **given)
    task = asyncio.ensure_future(keeper.run())
    try:
        yield keeper
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await until(lambda: not okx.open_peers)


async def push(okx: OkxSocket, channel: Channel, last: int) -> None:
    await okx.push(channel.name, {"last": last}, **dict(channel.arguments))


def numbers(told: Told, channel: Channel) -> list[int]:
    return [each["last"] for each in told.rows_of(channel)]


async def test_there_is_a_connection_only_while_something_is_wanted(okx: OkxSocket) -> None:
    told = Told()
    async with running(okx) as keeper:
        await asyncio.sleep(0.05)
        assert okx.peers == []
        keeper.want(BTC, told)
        assert await okx.asked() == (1, "subscribe", ["BTC-USDT"])
        await until(lambda: told.of(BTC) == ["subscribed"])
        await push(okx, BTC, 9)
        await until(lambda: numbers(told, BTC) == [9])
        keeper.drop(BTC)
        keeper.drop(BTC)
        await until(lambda: not okx.open_peers)
        keeper.want(ETH, told)
        assert await okx.asked("subscribe") == (2, "subscribe", ["ETH-USDT"])
    assert told.of(BTC) == ["subscribed", {"last": 9}]


async def test_wants_that_come_together_leave_in_one_frame(okx: OkxSocket) -> None:
    told = Told()
    async with running(okx) as keeper:
        keeper.want(BTC, told)
        await okx.asked()
        keeper.want(ETH, told)
        keeper.want(SOL, told)
        keeper.drop(BTC)
        assert await okx.asked() == (1, "unsubscribe", ["BTC-USDT"])
        assert await okx.asked() == (1, "subscribe", ["ETH-USDT", "SOL-USDT"])
        with pytest.raises(ValueError, match="has a listener"):
            keeper.want(ETH, told)


@pytest.mark.parametrize("code", [None, 1001, 4004])
async def test_a_lost_connection_is_told_and_made_anew(okx: OkxSocket, code: int | None) -> None:
    told = Told()
    async with running(okx) as keeper:
        keeper.want(BTC, told)
        keeper.want(ETH, told)
        await until(lambda: told.of(ETH))
        await push(okx, BTC, 1)
        await until(lambda: numbers(told, BTC))
        if code is None:
            okx.peers[0].abort()
        else:
            await okx.peers[0].socket.close(code=code)
        await until(lambda: len(told.of(ETH)) == 3)
        await push(okx, BTC, 2)
        await until(lambda: numbers(told, BTC) == [1, 2])
    assert told.of(BTC) == ["subscribed", {"last": 1}, "lost", "subscribed", {"last": 2}]
    assert told.of(ETH) == ["subscribed", "lost", "subscribed"]


async def test_a_channel_that_okx_refuses_is_told_again_on_each_connection(
    okx: OkxSocket,
) -> None:
    told = Told()
    okx.refused.add("BTC-USDT")
    async with running(okx) as keeper:
        keeper.want(BTC, told)
        keeper.want(ETH, told)
        await until(lambda: told.of(BTC) == ["refused 60018"])
        okx.peers[0].abort()
        await until(lambda: told.of(BTC) == ["refused 60018", "lost", "refused 60018"])


async def test_attempts_come_ever_more_slowly_and_the_loss_is_told_once(
    okx: OkxSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses_s: list[float] = []
    sleep = asyncio.sleep

    async def noted(delay_s: float) -> None:
        if delay_s:
            pauses_s.append(round(delay_s, 3))
        await sleep(0)

    monkeypatch.setattr(random, "uniform", lambda _, most: most)
    monkeypatch.setattr(socket_keeper, "_PAUSE_MAX_S", 0.1)
    okx.refuses_connects = True
    told = Told()
    async with running(okx) as keeper:
        keeper.want(BTC, told)
        monkeypatch.setattr(asyncio, "sleep", noted)
        while len(pauses_s) < 6:
            await sleep(0.01)
        monkeypatch.setattr(asyncio, "sleep", sleep)
        okx.refuses_connects = False
        await until(lambda: told.of(BTC) == ["lost", "subscribed"])
    assert pauses_s[:6] == [0.02, 0.03, 0.05, 0.09, 0.11, 0.11]


async def test_a_connection_is_made_only_where_there_is_room_for_it(okx: OkxSocket) -> None:
    attempts = 0

    async def room() -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise LedgerUnavailableError("away")

    told = Told()
    async with running(okx, wait_for_room=room) as keeper:
        keeper.want(BTC, told)
        await until(lambda: told.of(BTC) == ["lost", "subscribed"])
        okx.peers[0].abort()
        await until(lambda: len(told.of(BTC)) == 4)
    assert attempts == 4
    assert len(okx.peers) == 2


async def test_a_login_is_made_anew_for_each_connection(okx: OkxSocket) -> None:
    logins = 0

    def login() -> str:
        nonlocal logins
        logins += 1
        return '{"op":"login","args":[{}]}'

    told = Told()
    async with running(okx, login=login, stays_open=True) as keeper:
        await until(lambda: keeper.is_operable)
        keeper.want(BTC, told)
        await until(lambda: told.of(BTC) == ["subscribed"])
        okx.peers[0].abort()
        await until(lambda: not keeper.is_operable)
        await until(lambda: len(told.of(BTC)) == 3)
        keeper.drop(BTC)
        await asyncio.sleep(0.05)
        assert keeper.is_operable
    assert logins == 2
    assert (await okx.asked())[1] == "login"


async def test_a_refused_login_is_tried_again_slowly_with_an_alarm(okx: OkxSocket) -> None:
    causes: list[str] = []
    okx.login_code = "60009"
    async with running(
        okx,
        login=lambda: '{"op":"login","args":[{}]}',
        on_trouble=causes.append,
        stays_open=True,
    ) as keeper:
        await asyncio.sleep(1.0)
        assert 2 <= len(okx.peers) <= 4
        assert set(causes) == {"login refused with 60009"}
        okx.login_code = "0"
        await until(lambda: keeper.is_operable)


async def test_an_account_whose_key_was_dropped_connects_no_more(okx: OkxSocket) -> None:
    causes: list[str] = []

    def login() -> str:
        raise CredentialUnusableError("desk-7", "it may withdraw")

    told = Told()
    async with running(okx, login=login, on_trouble=causes.append) as keeper:
        keeper.want(BTC, told)
        await until(lambda: len(causes) == 2)
        assert okx.peers == []
        assert told.of(BTC) == ["lost"]


async def test_too_many_channels_lead_to_fewer(okx: OkxSocket) -> None:
    told = Told()
    causes: list[str] = []
    async with running(okx, on_trouble=causes.append) as keeper:
        keeper.want(BTC, told)
        await until(lambda: told.of(BTC))
        okx.acknowledges = False
        keeper.want(ETH, told)
        assert await okx.asked() == (1, "subscribe", ["BTC-USDT"])
        assert await okx.asked() == (1, "subscribe", ["ETH-USDT"])
        okx.acknowledges = True
        await okx.peers[0].socket.close(code=4009)
        await until(lambda: len(told.of(BTC)) == 3)
        assert await okx.asked() == (2, "subscribe", ["BTC-USDT"])
        keeper.want(SOL, told)
        await until(lambda: told.of(SOL))
    assert told.of(BTC) == ["subscribed", "lost", "subscribed"]
    assert told.of(ETH) == ["lost", "refused 4009"]
    assert told.of(SOL) == ["refused 4009"]
    assert causes == ["closed with 4009"]


async def test_without_a_connection_no_operation_is_sent(okx: OkxSocket) -> None:
    async with running(okx, stays_open=True) as keeper:
        with pytest.raises(RequestNotSentError):
            await _order(keeper)
        await until(lambda: keeper.is_operable)
        assert b'"code": "0"' in (await _order(keeper)).body


async def test_a_stale_channel_is_told(okx: OkxSocket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "STALE_AFTER_S", 0.3)
    told = Told()
    async with running(okx) as keeper:
        keeper.want(BTC, told)
        await until(lambda: told.of(BTC))
        for number in range(15):
            await push(okx, BTC, number)
        await until(lambda: "stale" in told.of(BTC))
        await push(okx, BTC, 99)
        await until(lambda: 99 in numbers(told, BTC))
    assert "lost" not in told.of(BTC)


async def test_a_connection_that_okx_will_close_is_replaced_without_a_loss(
    okx: OkxSocket,
) -> None:
    """Every 2 ms a row goes to each connection; one of them is late by some."""
    told = Told()
    async with running(okx) as keeper, _traffic(okx, [BTC, ETH]) as sent:
        keeper.want(BTC, told)
        keeper.want(ETH, told)
        await until(lambda: numbers(told, BTC) and numbers(told, ETH))
        for replaced in range(1, 4):
            await okx.peers[-1].say(NOTICE)
            await until(partial(_are_made, okx, replaced + 1))
            await until(lambda: len(okx.open_peers) == 1)
        seen = sent()
        await until(lambda: numbers(told, BTC)[-1] > seen)
    for channel in (BTC, ETH):
        got = numbers(told, channel)
        assert got == list(range(got[0], got[-1] + 1))
        assert told.of(channel)[0] == "subscribed"
        assert [each for each in told.of(channel) if isinstance(each, str)] == ["subscribed"]


async def test_the_first_push_of_the_successor_is_no_news(okx: OkxSocket) -> None:
    told = Told()
    async with running(okx) as keeper:
        keeper.want(BTC, told)
        await until(lambda: told.of(BTC))
        await push(okx, BTC, 1)
        await until(lambda: numbers(told, BTC))
        await okx.peers[0].say(NOTICE)
        await until(lambda: len(okx.peers) == 2 and okx.peers[1].channels)
        await push(okx, BTC, 1)
        await until(lambda: len(okx.open_peers) == 1)
        await push(okx, BTC, 1)
        await push(okx, BTC, 2)
        await until(lambda: 2 in numbers(told, BTC))
    # Once by the first push, once by the second, which the old connection brought too.
    assert numbers(told, BTC) == [1, 1, 2]


async def test_a_close_within_the_hand_over_loses_nothing_that_both_carried(
    okx: OkxSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_keeper, "_SETTLE_S", 3.0)
    told = Told()
    async with running(okx) as keeper, _traffic(okx, [BTC]) as sent:
        keeper.want(BTC, told)
        await until(lambda: numbers(told, BTC))
        await okx.peers[0].say(NOTICE)
        await until(lambda: len(okx.peers) == 2 and okx.peers[1].channels)
        await asyncio.sleep(0.1)
        await okx.peers[0].socket.close(code=1001)
        seen = sent()
        await until(lambda: numbers(told, BTC)[-1] > seen)
    got = numbers(told, BTC)
    assert got == list(range(got[0], got[-1] + 1))
    assert "lost" not in told.of(BTC)


async def test_a_break_within_the_hand_over_is_a_loss(
    okx: OkxSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_keeper, "_SETTLE_S", 3.0)
    told = Told()
    async with running(okx) as keeper:
        keeper.want(BTC, told)
        await until(lambda: told.of(BTC))
        await okx.peers[0].say(NOTICE)
        await until(lambda: len(okx.peers) == 2 and okx.peers[1].channels)
        await asyncio.sleep(0.05)
        okx.peers[0].abort()
        await until(lambda: len(told.of(BTC)) == 3)
        await push(okx, BTC, 7)
        await until(lambda: numbers(told, BTC) == [7])
    assert told.of(BTC) == ["subscribed", "lost", "subscribed", {"last": 7}]


async def test_a_successor_that_takes_nothing_is_given_up_for_another(
    okx: OkxSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_keeper, "_SUBSCRIBE_S", 0.1)
    told = Told()
    async with running(okx) as keeper:
        keeper.want(BTC, told)
        await until(lambda: told.of(BTC))
        okx.acknowledges = False
        await okx.peers[0].say(NOTICE)
        await until(lambda: len(okx.peers) == 2)
        keeper.want(ETH, told)
        await until(lambda: len(okx.peers) == 3)
        okx.acknowledges = True
        await until(lambda: len(okx.open_peers) == 1 and len(told.of(ETH)) > 1)
        await push(okx, BTC, 1)
        await until(lambda: numbers(told, BTC) == [1])
    assert told.of(BTC) == ["subscribed", {"last": 1}]
    assert told.of(ETH)[-1] == "subscribed"


async def test_more_than_can_be_kept_makes_the_hand_over_begin_again(
    okx: OkxSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_overlap, "_HELD_MAX", 5)
    told = Told()
    async with running(okx) as keeper, _traffic(okx, [BTC]) as sent:
        keeper.want(BTC, told)
        await until(lambda: numbers(told, BTC))
        await okx.peers[0].say(NOTICE)
        await until(lambda: len(okx.peers) >= 3)
        monkeypatch.setattr(socket_overlap, "_HELD_MAX", 10_000)
        await until(lambda: okx.peers[0] not in okx.open_peers)
        seen = sent()
        await until(lambda: numbers(told, BTC)[-1] > seen)
    got = numbers(told, BTC)
    assert got == list(range(got[0], got[-1] + 1))


async def test_what_is_wanted_and_dropped_within_the_hand_over(
    okx: OkxSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_keeper, "_SETTLE_S", 0.5)
    told = Told()
    async with running(okx) as keeper:
        for channel in (BTC, ETH):
            keeper.want(channel, told)
        await until(lambda: told.of(ETH))
        await okx.peers[0].say(NOTICE)
        await until(lambda: len(okx.peers) == 2 and len(okx.peers[1].channels) == 2)
        keeper.want(SOL, told)
        keeper.drop(ETH)
        await until(lambda: told.of(SOL) == ["subscribed"])
        await push(okx, SOL, 1)
        await push(okx, ETH, 1)
        await until(lambda: len(okx.open_peers) == 1)
        await push(okx, SOL, 2)
        await until(lambda: numbers(told, SOL) == [1, 2])
    assert told.of(ETH) == ["subscribed"]


async def test_operations_go_on_over_the_successor_and_end_over_the_old_one(
    okx: OkxSocket,
) -> None:
    asked: list[str] = []
    okx.answers = lambda frame: asked.append(frame["id"])
    async with running(okx, stays_open=True) as keeper:
        await until(lambda: keeper.is_operable)
        order = asyncio.ensure_future(_order(keeper))
        await until(lambda: asked)
        await okx.peers[0].say(NOTICE)
        await until(lambda: not keeper.is_operable)
        await until(lambda: keeper.is_operable)
        assert not order.done()
        await okx.peers[0].say({"id": asked[0], "op": "order", "code": "0", "data": []})
        await order
        await until(lambda: len(okx.open_peers) == 1)
        other = asyncio.ensure_future(_order(keeper))
        await until(lambda: len(asked) == 2)
        await okx.peers[1].say({"id": asked[1], "op": "order", "code": "0", "data": []})
        await other


def _are_made(okx: OkxSocket, count: int) -> bool:
    return len(okx.peers) == count


async def _order(keeper: ChannelSocket) -> Any:
    return await keeper.operate(
        "order",
        [{"sz": "1"}],
        expiry_ms=1597026383085,
        write_before_s=time.monotonic() + 1,
        timeout_s=5,
    )


@asynccontextmanager
async def _traffic(okx: OkxSocket, channels: list[Channel]) -> AsyncIterator[Callable[[], int]]:
    """Push numbered rows all the time; the number of the last one."""
    number = 0

    async def flow() -> None:
        nonlocal number
        while True:
            number += 1
            for channel in channels:
                await push(okx, channel, number)
            await asyncio.sleep(0.002)

    task = asyncio.ensure_future(flow())
    try:
        yield lambda: number
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
