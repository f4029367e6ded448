"""Against a real WebSocket server on loopback."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from okx_gateway.okx import socket_link, socket_session
from okx_gateway.okx.channel import channel_of
from okx_gateway.okx.close_code import Reaction
from okx_gateway.okx.picows_socket import ConnectFailedError
from okx_gateway.okx.reply import RawReply, parse_reply
from okx_gateway.okx.rest_client import ReplyLostError, RequestNotSentError
from okx_gateway.okx.socket_event import Pushed, SocketEvent, Subscribed
from okx_gateway.okx.socket_link import SocketLink, open_link
from tests.fakes.okx_socket import OkxSocket, okx_socket, until

LOGIN = '{"op":"login","args":[{}]}'
BTC = channel_of("tickers", instId="BTC-USDT")
WAIT_S = 5.0


@pytest.fixture
async def okx() -> AsyncIterator[OkxSocket]:
    async with okx_socket() as server:
        yield server


@asynccontextmanager
async def linked(
    okx: OkxSocket, events: list[SocketEvent] | None = None, login: str | None = LOGIN
) -> AsyncIterator[SocketLink]:
    told: list[SocketEvent] = [] if events is None else events
    link = await open_link(
        okx.url, tls=None, login=login, on_event=lambda _, event: told.append(event)
    )
    try:
        await until(lambda: link.session.ready or not link.is_open)
        yield link
    finally:
        link.end("the test is over")


async def operate(link: SocketLink, **given: float) -> RawReply:
    return await link.operate(
        "order",
        [{"sz": "1"}],
        expiry_ms=1597026383085,
        write_before_s=given.get("write_before_s", time.monotonic() + 1),
        timeout_s=given.get("timeout_s", WAIT_S),
    )


async def test_it_logs_in_subscribes_and_tells_of_pushes(okx: OkxSocket) -> None:
    events: list[SocketEvent] = []
    async with linked(okx, events) as link:
        link.session.want(BTC)
        link.flush()
        await until(lambda: events)
        await okx.push("tickers", {"last": "1"}, instId="BTC-USDT")
        await until(lambda: len(events) == 2)
    assert events[0] == Subscribed(BTC)
    assert isinstance(events[1], Pushed)
    assert abs(events[1].push.receive_ms - time.time() * 1000) < 10_000


async def test_an_answer_is_that_of_its_operation(okx: OkxSocket) -> None:
    async with linked(okx) as link:
        replies = await asyncio.gather(*(operate(link) for _ in range(20)))
    assert all(parse_reply(each.body).code == "0" for each in replies)
    assert all(each.sent_s <= each.received_s for each in replies)
    ids = [frame["id"] for _, frame in _said(okx) if frame != "ping" and frame["op"] == "order"]
    assert len(set(ids)) == 20
    assert all(
        b'"%s"' % name.encode() in each.body for name, each in zip(ids, replies, strict=True)
    )


async def test_nothing_is_written_after_its_time(okx: OkxSocket) -> None:
    async with linked(okx) as link:
        with pytest.raises(RequestNotSentError) as raised:
            await operate(link, write_before_s=time.monotonic() - 0.001)
        assert raised.value.late
        await operate(link)
    assert [frame["op"] for _, frame in _said(okx) if frame != "ping"] == ["login", "order"]


async def test_nothing_is_written_before_the_login_or_once_it_is_to_be_replaced(
    okx: OkxSocket,
) -> None:
    okx.login_code = "60009"
    async with linked(okx) as link:
        with pytest.raises(RequestNotSentError):
            await operate(link)
    okx.login_code = "0"
    async with linked(okx) as link:
        assert link.is_operable
        await okx.peers[-1].say({"event": "notice", "code": "64008", "msg": "soon"})
        await until(lambda: link.leaving)
        assert link.turn.is_set()
        assert link.is_open
        with pytest.raises(RequestNotSentError):
            await operate(link)


async def test_a_lost_socket_leaves_every_unanswered_operation_in_doubt(okx: OkxSocket) -> None:
    okx.answers = lambda _: None
    async with linked(okx) as link:
        orders = [asyncio.ensure_future(operate(link)) for _ in range(5)]
        for _ in range(5):
            await okx.asked("order")
        okx.peers[0].abort()
        outcomes = await asyncio.gather(*orders, return_exceptions=True)
        assert [type(each) for each in outcomes] == [ReplyLostError] * 5
        with pytest.raises(RequestNotSentError):
            await operate(link)


async def test_an_operation_without_an_answer_ends_in_time(okx: OkxSocket) -> None:
    okx.answers = lambda _: None
    async with linked(okx) as link:
        with pytest.raises(ReplyLostError):
            await operate(link, timeout_s=0.05)
        okx.answers = lambda frame: {"id": frame["id"], "op": "order", "code": "1"}
        assert parse_reply((await operate(link)).body).code == "1"


async def test_operations_that_wait_are_bounded(
    okx: OkxSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_link, "_WAITING_MAX", 1)
    okx.answers = lambda _: None
    async with linked(okx) as link:
        first = asyncio.ensure_future(operate(link))
        await okx.asked("order")
        with pytest.raises(RequestNotSentError):
            await operate(link)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def test_one_that_retires_waits_for_its_answers(okx: OkxSocket) -> None:
    asked: list[str] = []
    okx.answers = lambda frame: asked.append(frame["id"])
    async with linked(okx) as link:
        order = asyncio.ensure_future(operate(link))
        await until(lambda: asked)
        link.retire()
        await asyncio.sleep(0.05)
        assert not order.done()
        await okx.peers[0].say({"id": asked[0], "op": "order", "code": "0", "data": []})
        await order
        assert not link.is_open
        assert link.cause == "replaced"


async def test_a_refused_login_says_how_to_go_on(okx: OkxSocket) -> None:
    okx.login_code = "60009"
    async with linked(okx) as link:
        assert not link.is_open
        assert link.cause == "login refused with 60009"
        assert link.reaction is Reaction.RECONNECT_SLOWLY


@pytest.mark.parametrize(
    ("code", "reaction"), [(4004, Reaction.RECONNECT), (4009, Reaction.FEWER_CHANNELS)]
)
async def test_a_close_says_how_to_go_on(okx: OkxSocket, code: int, reaction: Reaction) -> None:
    async with linked(okx, login=None) as link:
        await okx.peers[0].socket.close(code=code)
        await asyncio.wait_for(link.turn.wait(), WAIT_S)
        assert not link.is_open
        assert link.is_whole
        assert link.cause == f"closed with {code}"
        assert link.reaction is reaction


async def test_a_half_open_connection_ends(okx: OkxSocket, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_SILENCE_S", "_PONG_WAIT_S"):
        monkeypatch.setattr(socket_session, name, 0.1)
    okx.answers_pings = False
    async with linked(okx, login=None) as link:
        await asyncio.wait_for(link.turn.wait(), WAIT_S)
        assert not link.is_whole
        assert link.cause == "no pong"


async def test_where_nobody_listens_there_is_none() -> None:
    with pytest.raises(ConnectFailedError):
        await open_link(
            "ws://127.0.0.1:1/", tls=None, login=None, on_event=lambda _link, _event: None
        )


def _said(okx: OkxSocket) -> list[tuple[int, Any]]:
    return [okx.said.get_nowait() for _ in range(okx.said.qsize())]
