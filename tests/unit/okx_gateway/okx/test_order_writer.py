"""Against a WebSocket server and an HTTP server on loopback that stand in for OKX."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from okx_gateway.custody.credential import Environment
from okx_gateway.domain.instrument import Instrument
from okx_gateway.domain.order import OrderName, Placed, Refused
from okx_gateway.okx import order_writer
from okx_gateway.okx.amend_verdict import AmendTaken
from okx_gateway.okx.exchange_client import ExchangeClient
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.order_sockets import OrderSockets, RouteSetting
from okx_gateway.okx.rest_client import RestClient
from okx_gateway.okx.socket_keeper import ChannelSocket
from okx_gateway.okx.verdict import CancelTaken, InDoubt, PlaceVerdict, TurnedAway, Unsent
from tests.fakes.metering import Metered
from tests.fakes.okx_http import OKX_MS, TAKEN, says, signer_of
from tests.fakes.okx_socket import OkxSocket, okx_socket, until
from tests.fakes.orders import an_instrument, an_order
from tests.fakes.raw_http import RawServer, raw_server

LOGIN = '{"op":"login","args":[{}]}'
BTC = an_instrument(socket_code=10459)
TIMES = {"inTime": f"{OKX_MS}339", "outTime": f"{OKX_MS}340"}
Frame = dict[str, Any]


@dataclass(frozen=True)
class Ways:
    """A client, and what it said to OKX over each of its ways."""

    exchange: ExchangeClient
    socket: ChannelSocket
    okx: OkxSocket
    rest: RawServer
    clock: ExchangeClock

    def over_socket(self) -> list[Frame]:
        said = [self.okx.said.get_nowait()[1] for _ in range(self.okx.said.qsize())]
        return [frame for frame in said if frame != "ping" and frame["op"] != "login"]

    async def place(
        self, instrument: Instrument = BTC, write_before_s: float | None = None
    ) -> PlaceVerdict:
        return await self.exchange.place(
            an_order(), instrument, expiry_ms=OKX_MS, write_before_s=write_before_s
        )


@asynccontextmanager
async def both_ways(route: RouteSetting = "auto") -> AsyncIterator[Ways]:
    clock = ExchangeClock()
    async with (
        okx_socket() as okx,
        raw_server(says("0", TAKEN)) as server,
        RestClient(server.url) as rest,
        asyncio.TaskGroup() as group,
    ):
        socket = ChannelSocket(okx.url, login=lambda: LOGIN, stays_open=True)
        task = group.create_task(socket.run())
        sockets = OrderSockets(lambda _: socket, route=route)
        signer = signer_of(Environment.LIVE)
        exchange = ExchangeClient(rest, signer, clock, demo=False, sockets=sockets)
        await until(lambda: socket.is_operable)
        okx.answers = taking
        try:
            yield Ways(exchange, socket, okx, server, clock)
        finally:
            task.cancel()


def taking(frame: Frame) -> Frame:
    rows = [
        TAKEN | {"clOrdId": order.get("clOrdId", ""), "reqId": order.get("reqId", "")}
        for order in frame["args"]
    ]
    rows = [each | {"ordId": str(77 + number)} for number, each in enumerate(rows)]
    return said(frame, "0", rows)


def said(frame: Frame, code: str, rows: Sequence[Frame] = (), message: str = "") -> Frame:
    envelope = {"id": frame["id"], "op": frame["op"], "code": code, "msg": message}
    return {**envelope, "data": list(rows), **TIMES}


def refusing(code: str, message: str) -> Any:
    def answer(frame: Frame) -> Frame:
        row = {"ordId": "", "clOrdId": "a1", "sCode": code, "sMsg": message, "ts": ""}
        return said(frame, "1", [row])

    return answer


async def test_an_order_goes_over_the_socket_with_its_expiry_and_tells_the_time(
    metered: Metered,
) -> None:
    async with both_ways() as ways:
        placed = await ways.place()
        [frame] = ways.over_socket()
    assert isinstance(placed, Placed)
    assert (frame["op"], frame["expTime"]) == ("order", str(OKX_MS))
    assert frame["args"][0]["instIdCode"] == 10459
    assert ways.rest.requests == []
    assert ways.clock.error_ms() < 1_000
    assert ways.exchange.last_write_ms("main") == OKX_MS
    assert metered.told("orders.routed") == {"place_order,socket,": 1}


async def test_batches_amends_and_cancels_go_over_it_too() -> None:
    async with both_ways() as ways:
        placed = await ways.exchange.place_batch(
            [an_order("a1"), an_order("b1")], BTC, expiry_ms=OKX_MS
        )
        amended = await ways.exchange.amend(
            "main",
            BTC,
            "77",
            quantity=Decimal("0.7"),
            price=None,
            amend_id="r1",
            expiry_ms=OKX_MS,
        )
        cancelled = await ways.exchange.cancel("main", BTC, OrderName(exchange_order_id="77"))
        frames = ways.over_socket()
    assert [type(each) for each in (*placed, amended, cancelled)] == [
        *(Placed, Placed, AmendTaken, CancelTaken)
    ]
    assert [frame["op"] for frame in frames] == ["batch-orders", "amend-order", "cancel-order"]
    assert ["expTime" in frame for frame in frames] == [True, True, False]
    assert len({frame["id"] for frame in frames}) == 3
    assert ways.rest.requests == []


@pytest.mark.parametrize("close", ["reset", "says goodbye"])
async def test_what_a_lost_socket_has_not_answered_is_in_doubt(close: str) -> None:
    async with both_ways() as ways:
        ways.okx.answers = lambda _: None
        placing = [asyncio.create_task(ways.place()) for _ in range(3)]
        await until(lambda: ways.okx.said.qsize() >= 4)
        [peer] = ways.okx.open_peers
        if close == "reset":
            peer.abort()
        else:
            await peer.socket.close()
        verdicts = await asyncio.gather(*placing)
    assert [type(each) for each in verdicts] == [InDoubt] * 3
    assert ways.rest.requests == []


async def test_what_is_not_answered_in_time_or_not_as_it_should_be_is_in_doubt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(order_writer, "_TIMEOUT_S", 0.1)
    async with both_ways("socket") as ways:
        ways.okx.answers = lambda _: None
        assert isinstance(await ways.place(), InDoubt)
        ways.okx.answers = lambda frame: taking(frame) | {"id": "another1"}
        assert isinstance(await ways.place(), InDoubt)
        ways.okx.answers = lambda frame: said(frame, "64007", message="internal error")
        assert isinstance(await ways.place(), InDoubt)
        ways.okx.answers = lambda frame: json.dumps(taking(frame))[:40]
        assert isinstance(await ways.place(), InDoubt)
    assert ways.rest.requests == []


async def test_after_an_order_without_an_answer_the_next_goes_over_rest(
    monkeypatch: pytest.MonkeyPatch, metered: Metered
) -> None:
    monkeypatch.setattr(order_writer, "_TIMEOUT_S", 0.1)
    async with both_ways() as ways:
        ways.okx.answers = lambda _: None
        assert isinstance(await ways.place(), InDoubt)
        assert ways.rest.requests == []
        assert isinstance(await ways.place(), Placed)
        assert len(ways.over_socket()) == 1
    assert len(ways.rest.requests) == 1
    assert metered.told("orders.routed") == {
        "place_order,socket,": 1,
        "place_order,rest,paused": 1,
    }


async def test_after_its_time_nothing_is_written_over_either_way() -> None:
    async with both_ways() as ways:
        placed = await ways.place(write_before_s=time.monotonic() - 0.001)
        assert ways.over_socket() == []
    assert placed == Unsent("held up until its slot had passed", late=True)
    assert ways.rest.requests == []


async def test_without_a_socket_or_a_number_it_goes_over_rest(metered: Metered) -> None:
    async with both_ways() as ways:
        assert isinstance(await ways.place(an_instrument()), Placed)
        ways.okx.refuses_connects = True
        ways.okx.open_peers[0].abort()
        await until(lambda: not ways.socket.is_operable)
        assert isinstance(await ways.place(), Placed)
        assert ways.over_socket() == []
    assert len(ways.rest.requests) == 2
    assert metered.told("orders.routed") == {
        "place_order,rest,no_code": 1,
        "place_order,rest,no_socket": 1,
    }


async def test_what_the_socket_cannot_take_goes_over_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("okx_gateway.okx.socket_link._WAITING_MAX", 0)
    async with both_ways() as ways:
        assert isinstance(await ways.place(), Placed)
        assert ways.over_socket() == []
    assert len(ways.rest.requests) == 1


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("51001", "Instrument ID does not exist."),
        ("50014", "Parameter instIdCode can not be empty."),
    ],
)
async def test_a_number_that_is_refused_turns_the_order_away_and_the_next_goes_over_rest(
    code: str, message: str
) -> None:
    async with both_ways() as ways:
        ways.okx.answers = refusing(code, message)
        away = await ways.place()
        assert isinstance(away, TurnedAway)
        assert code in away.cause
        assert ways.rest.requests == []
        assert isinstance(await ways.place(), Placed)
        assert len(ways.over_socket()) == 1
    assert len(ways.rest.requests) == 1


async def test_a_whole_batch_and_a_cancel_are_turned_away_alike() -> None:
    def wrong(frame: Frame) -> Frame:
        return said(frame, "60013", message="Invalid args")

    async with both_ways() as ways:
        ways.okx.answers = wrong
        orders = [an_order("a1"), an_order("b1")]
        placed = await ways.exchange.place_batch(orders, BTC, expiry_ms=OKX_MS)
    assert [type(each) for each in placed] == [TurnedAway, TurnedAway]
    async with both_ways() as ways:
        ways.okx.answers = wrong
        cancelled = await ways.exchange.cancel("main", BTC, OrderName("a1"))
    assert isinstance(cancelled, TurnedAway)


async def test_a_refusal_of_the_order_is_told_as_over_rest() -> None:
    async with both_ways() as ways:
        ways.okx.answers = refusing("51008", "Insufficient balance")
        assert await ways.place() == Refused("51008", "Insufficient balance")
        ways.okx.answers = taking
        assert isinstance(await ways.place(), Placed)
        assert len(ways.over_socket()) == 2


async def test_where_the_socket_is_set_nothing_goes_over_rest() -> None:
    async with both_ways("socket") as ways:
        ways.okx.answers = refusing("51001", "Instrument ID does not exist.")
        assert isinstance(await ways.place(), Refused)
        assert await ways.place(an_instrument()) == Unsent("no socket takes it: no_code")
        ways.okx.refuses_connects = True
        ways.okx.open_peers[0].abort()
        await until(lambda: not ways.socket.is_operable)
        assert await ways.place() == Unsent("no socket takes it: no_socket")
    assert ways.rest.requests == []


async def test_where_rest_is_set_nothing_goes_over_the_socket() -> None:
    async with both_ways("rest") as ways:
        assert isinstance(await ways.place(), Placed)
        assert ways.over_socket() == []
    assert len(ways.rest.requests) == 1
