"""What can happen between a replica and OKX over a WebSocket?

Stands where the socket library stands: the gateway's own conversation runs above it, text goes in
and text comes out. What was written arrives in any order, for OKX works on all of it at once; with
the connection every answer is lost that has not come.
"""

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from typing import Any
from unittest.mock import patch

from okx_gateway.okx import socket_link
from okx_gateway.okx.picows_socket import ConnectFailedError
from okx_gateway.okx.picows_socket import PicowsSocket as Socket
from okx_gateway.okx.reply import RawReply
from okx_gateway.okx.socket_link import SocketLink
from tests.simulation.exchange import Request
from tests.simulation.virtual_loop import Process
from tests.simulation.wire import Flight, Network
from tests.simulation.world import World

_OPERATIONS = {
    "order": ("place_order", "/api/v5/trade/order"),
    "batch-orders": ("place_orders", "/api/v5/trade/batch-orders"),
    "amend-order": ("amend_order", "/api/v5/trade/amend-order"),
    "cancel-order": ("cancel_order", "/api/v5/trade/cancel-order"),
}
NUMBERS = {"BTC-USDT": 10_459, "BTC-USDT-SWAP": 10_460}
"""By which number OKX calls an instrument."""

_NAMES = {number: name for name, number in NUMBERS.items()}
_CLOSING_US = 3_000_000
_GOING_AWAY = 1001


class SimulatedSocket(Socket):
    """One connection of one replica."""

    def __init__(
        self,
        network: Network,
        process: Process,
        on_text: Callable[[bytes], None],
        on_closed: Callable[[int | None], None],
    ) -> None:
        super().__init__(on_text, on_closed)
        self._network = network
        self._process = process
        self._context: Context = copy_context()
        self._open = True

    @property
    def is_open(self) -> bool:
        return self._open

    def send(self, text: str) -> bool:
        if not self._open:
            return False
        if text == "ping":
            self._hear_soon(b"pong")
            return True
        frame = json.loads(text)
        if frame["op"] == "login":
            self._hear_soon(json.dumps({"event": "login", "code": "0", "msg": ""}).encode())
        else:
            self._operate(frame)
        return True

    def close(self) -> None:
        self.lose(None)

    def lose(self, code: int | None) -> None:
        """Let the connection be gone."""
        if not self._open:
            return
        self._open = False
        self._network.sockets.pop(self, None)
        self._in_process(self._on_closed, code)

    def _operate(self, frame: dict[str, Any]) -> None:
        network, world = self._network, self._network.world
        name, path = _OPERATIONS[frame["op"]]
        orders = [
            {**{k: v for k, v in each.items() if k != "instIdCode"}, "instId": _NAMES[number]}
            for each in frame["args"]
            if (number := each["instIdCode"])
        ]
        several = name == "place_orders"
        request = Request(
            "POST",
            path,
            json.dumps(orders if several else orders[0]).encode(),
            {"expTime": frame.get("expTime", "0")},
            misnamed=world.plan.sockets.refuses_numbers,
        )
        flight = Flight(
            name, self._process, request, lambda reply: self._answer(frame, flight, reply)
        )
        network.write_guarded(flight)
        mishaps = world.plan.sockets
        if world.chance(mishaps.closing):
            world.hits["socket closing"] += 1
            notice = {"event": "notice", "code": "64008", "msg": "", "connId": "a"}
            self._hear_soon(json.dumps(notice).encode())
            world.loop.in_us(_CLOSING_US, self.lose, _GOING_AWAY)
        if world.chance(mishaps.lost):
            world.hits["socket lost"] += 1
            world.loop.in_us(world.latency_us(), self.lose, world.draw.choice([None, _GOING_AWAY]))

    def _answer(
        self, frame: dict[str, Any], flight: Flight, reply: tuple[int, bytes] | None
    ) -> None:
        """Hand over what comes of an operation; None where its connection is lost instead."""
        world = self._network.world
        if reply is None:
            self.lose(None)
            return
        try:
            envelope = json.loads(reply[1])
        except ValueError:
            envelope = None
        if not isinstance(envelope, dict):
            self._hear(reply[1])
            return
        request_id = frame["id"]
        if world.chance(world.plan.sockets.wrong_id):
            world.hits["answer of another id"] += 1
            request_id += "x"
        elif self._open and flight.written and _says_unknown(envelope):
            self._network.turned_away.add(flight.written)
        told = {"id": request_id, "op": frame["op"], **envelope}
        if "data" not in envelope:
            told["event"] = "error"
        self._hear(json.dumps(told).encode())

    def _hear_soon(self, text: bytes) -> None:
        self._network.world.loop.in_us(self._network.world.latency_us(), self._hear, text)

    def _hear(self, text: bytes) -> None:
        if self._open:
            self._in_process(self._heard, text)

    def _heard(self, text: bytes) -> None:
        if self._open:
            self._on_text(text)

    def _in_process(self, callback: Callable[..., object], *arguments: Any) -> None:
        self._network.world.loop.call_soon(callback, *arguments, context=self._context.copy())


def _says_unknown(envelope: dict[str, Any]) -> bool:
    return any(row.get("sCode") == "51001" for row in envelope.get("data", []))


@contextmanager
def simulated_sockets(world: World, network: Callable[[], Network]) -> Iterator[None]:
    """Let every WebSocket that is opened in the block be a simulated one."""

    async def connect(
        _url: str,
        *,
        tls: ssl.SSLContext | None,
        on_text: Callable[[bytes], None],
        on_closed: Callable[[int | None], None],
    ) -> Socket:
        assert tls is None
        wire, process = network(), world.loop.current
        await world.loop.delay(world.latency_us())
        if not wire.can_connect():
            raise ConnectFailedError("ConnectionRefusedError")
        socket = SimulatedSocket(wire, process, on_text, on_closed)
        wire.sockets[socket] = lambda: socket.lose(None)
        world.hits["socket made"] += 1
        return socket

    async def operate(link: SocketLink, name: str, *given: Any, **named: Any) -> RawReply:
        world.reach(f"{_OPERATIONS[name][0]}.begun", world.loop.current)
        return await as_it_is(link, name, *given, **named)

    as_it_is = SocketLink.operate
    with (
        patch.object(socket_link, "connect", connect),
        patch.object(SocketLink, "operate", operate),
    ):
        yield
