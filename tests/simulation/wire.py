"""What can happen between a replica and OKX?

Stands where the REST client stands: real requests of real codecs go in, bytes come out. A request
that was written arrives once, late, or never; TCP repeats nothing. What has arrived is carried out
even if its sender is dead by then, and its answer may come, or late, or broken, or never.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from okx_gateway.ledger.grant import UNCHECKED_WAIT_S
from okx_gateway.ledger.ledger_script import SLOT_GOOD_S
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.reply import RawReply
from okx_gateway.okx.rest_client import ReplyLostError, RequestNotSentError
from tests.simulation.exchange import Exchange, Request
from tests.simulation.plan import Trouble
from tests.simulation.virtual_loop import Process
from tests.simulation.world import World

_PLACING = ("place_order", "place_orders")
# A process that stands still for longer between its last look at a clock and the write breaks what
# the budget is promised; nothing it could do would help.
_HELD_UP_US = 10_000
_DOUBTFUL = ("50001", "50004", "50013", "50026", "51149", "64007")
_BROKEN = (b'{"code":"0","msg":"","data":[{"ordId"', b"", b"<html>502</html>", b"[]", b"null")


@dataclass(frozen=True, eq=False)
class Written:
    """A request to place or amend, as its first byte left.

    `ids` are those of its orders; `amend` is the id of an amend, empty for a request to place.
    """

    at_us: int
    process: Process
    ids: tuple[str, ...]
    amend: str = ""


@dataclass(eq=False)
class Flight:
    """A request on its way, and who is handed what comes of it: None where nothing ever will."""

    name: str
    process: Process
    request: Request
    deliver: Callable[[tuple[int, bytes] | None], None]
    written: Written | None = None


class Network:
    """The way from all replicas to OKX."""

    def __init__(self, world: World, exchange: Exchange) -> None:
        self.written: list[Written] = []
        # What OKX provably did not take because of the way it went, and said so.
        self.turned_away: set[Written] = set()
        # Connections that are open, and how each is lost; in the order in which they were made.
        self.sockets: dict[object, Callable[[], None]] = {}
        self.under_way = 0
        self.on_written: Callable[[Written], None] = lambda written: None
        self.world = world
        self._exchange = exchange
        self._unreachable_until_us = 0
        self._silent_until_us = 0

    def strike(self, trouble: Trouble) -> None:
        until_us = self.world.loop.now_us + trouble.amount_us
        if trouble.kind == "exchange_unreachable":
            self._unreachable_until_us = until_us
            for lose in list(self.sockets.values()):
                lose()
        else:
            self._silent_until_us = until_us

    def heal(self) -> None:
        self._unreachable_until_us = self._silent_until_us = 0

    async def send(
        self,
        process: Process,
        endpoint: Endpoint,
        *,
        request_path: str,
        body: bytes,
        headers: Mapping[str, str],
        timeout_s: float,
        write_before_s: float | None,
    ) -> RawReply:
        world, loop, name = self.world, self.world.loop, endpoint.name.lower()
        sent_s = time.monotonic()
        world.reach(f"{name}.begun", process)
        await self._connect()
        if write_before_s is not None and time.monotonic() > write_before_s:
            world.hits["held up"] += 1
            raise RequestNotSentError("held up", late=True)
        answer: asyncio.Future[tuple[int, bytes] | None] = loop.create_future()

        def deliver(reply: tuple[int, bytes] | None) -> None:
            if not answer.done():
                answer.set_result(reply)

        request = Request(endpoint.method, request_path, body, headers)
        self.write_guarded(Flight(name, process, request, deliver))
        left_s = timeout_s - (time.monotonic() - sent_s)
        try:
            async with asyncio.timeout(max(0.0, left_s)):
                reply = await answer
        except TimeoutError:
            world.hits["reply timed out"] += 1
            raise ReplyLostError("TimeoutError") from None
        if reply is None:
            raise ReplyLostError("ServerDisconnectedError")
        return RawReply(reply[0], reply[1], sent_s, time.monotonic())

    def can_connect(self) -> bool:
        """Whether a connection that is asked for now is made."""
        world = self.world
        return not (
            world.loop.now_us < self._unreachable_until_us
            or world.chance(world.plan.mischief.connect_refused)
        )

    def write_guarded(self, flight: Flight) -> None:
        """Take a request whose sender has looked at the clock for the last time."""
        world, loop, process = self.world, self.world.loop, flight.process
        guarded_us = loop.now_us
        world.reach(f"{flight.name}.guarded", process)
        held_up = loop.now_us - guarded_us > _HELD_UP_US
        # No clock that it has can tell a process that its clocks stood still since it was granted.
        held_up |= time.monotonic() - process.stood_still_s < UNCHECKED_WAIT_S + SLOT_GOOD_S
        flight.request = replace(flight.request, counted=not held_up)
        self._write(flight)
        world.reach(f"{flight.name}.written", process)

    async def _connect(self) -> None:
        world, mischief = self.world, self.world.plan.mischief
        if not self.can_connect():
            world.hits["connect refused"] += 1
            await world.loop.delay(world.latency_us())
            raise RequestNotSentError("ClientConnectorError")
        if world.chance(mischief.connect_slow):
            world.hits["connect slow"] += 1
            await world.loop.delay(int(world.draw.random() * 150_000))

    def _write(self, flight: Flight) -> None:
        world, mischief = self.world, self.world.plan.mischief
        if flight.name in _PLACING:
            rows = json.loads(flight.request.body)
            rows = rows if isinstance(rows, list) else [rows]
            ids = tuple(row["clOrdId"] for row in rows)
            flight.written = Written(world.loop.now_us, flight.process, ids)
            self.written.append(flight.written)
            self.on_written(flight.written)
        elif flight.name == "amend_order":
            row = json.loads(flight.request.body)
            at_us, ids = world.loop.now_us, (row["ordId"],)
            flight.written = Written(at_us, flight.process, ids, amend=row["reqId"])
            self.on_written(flight.written)
        world.note("{} writes {} {}", flight.process.name, flight.name, _Told(flight.request))
        delay_us = world.latency_us()
        if world.chance(mischief.request_lost):
            world.hits["request lost"] += 1
            return
        if world.chance(mischief.request_late):
            world.hits["request late"] += 1
            delay_us += int(world.draw.random() * 6_000_000)
            flight.request = replace(flight.request, counted=False)
        self.under_way += 1
        world.loop.in_us(delay_us, self._arrive, flight)

    def _arrive(self, flight: Flight) -> None:
        world, mischief = self.world, self.world.plan.mischief
        world.reach(f"{flight.name}.arrives", flight.process)
        if world.chance(mischief.reply_in_doubt * 0.3):
            # The gateway of OKX answers, and the request goes no further.
            world.hits["answered in doubt, not carried out"] += 1
            self.under_way -= 1
            self._answer(flight, *self._in_doubt())
            return
        self._exchange.receive(flight.request, lambda *answer: self._done(flight, *answer))

    def _done(self, flight: Flight, status: int, envelope: dict[str, Any]) -> None:
        world, mischief = self.world, self.world.plan.mischief
        self.under_way -= 1
        world.note("okx {} {} {}", flight.name, status, envelope)
        world.reach(f"{flight.name}.done", flight.process)
        if world.loop.now_us < self._silent_until_us or world.chance(mischief.reply_lost):
            world.hits["reply lost"] += 1
            if world.draw.random() < 0.5:
                world.loop.in_us(world.latency_us(), self._deliver, flight, None)
        elif world.chance(mischief.reply_garbled):
            world.hits["reply garbled"] += 1
            broken = world.draw.choice(_BROKEN)
            self._answer(flight, world.draw.choice((200, 200, 502, 503, 504)), broken)
        elif world.chance(mischief.reply_in_doubt):
            world.hits["answered in doubt, carried out"] += 1
            self._answer(flight, *self._in_doubt())
        else:
            self._answer(flight, status, json.dumps(envelope).encode())

    def _in_doubt(self) -> tuple[int, bytes]:
        code = self.world.draw.choice(_DOUBTFUL)
        return 200, json.dumps({"code": code, "msg": "neither success nor failure"}).encode()

    def _answer(self, flight: Flight, status: int, body: bytes) -> None:
        world = self.world
        delay_us = world.latency_us()
        if world.chance(world.plan.mischief.reply_late):
            world.hits["reply late"] += 1
            delay_us += int(world.draw.random() * 5_000_000)
        world.loop.in_us(delay_us, self._deliver, flight, (status, body))

    def _deliver(self, flight: Flight, reply: tuple[int, bytes] | None) -> None:
        self.world.reach(f"{flight.name}.answered", flight.process)
        flight.deliver(reply)


class SimulatedRestClient:
    """The REST client of one replica."""

    def __init__(self, network: Network, process: Process) -> None:
        self._network = network
        self._process = process

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        """Nothing is held."""

    async def send(
        self,
        endpoint: Endpoint,
        *,
        request_path: str,
        body: bytes,
        headers: Mapping[str, str],
        timeout_s: float,
        write_before_s: float | None = None,
    ) -> RawReply:
        return await self._network.send(
            self._process,
            endpoint,
            request_path=request_path,
            body=body,
            headers=headers,
            timeout_s=timeout_s,
            write_before_s=write_before_s,
        )


@dataclass(frozen=True)
class _Told:
    """A request, as it is told in a trace."""

    request: Request

    def __str__(self) -> str:
        return self.request.body.decode() or self.request.request_path
