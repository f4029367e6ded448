"""What happens to each text frame, between its arrival and its answer?

Owns the order of things: log, check, limit, fault, carry out, answer. Waits where a fault says so.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import orjson

from okx_simulator.answer import Ack
from okx_simulator.check import Keys
from okx_simulator.error_code import RefusedError
from okx_simulator.exchange import Exchange
from okx_simulator.fault.faults import Faults, Plan
from okx_simulator.fault.rule import FaultRule, Kind, Occasion
from okx_simulator.fault.side_effect import SideEffects
from okx_simulator.fault.text import coded_ack, garbled, truncated, wrong_id
from okx_simulator.request_log import LoggedRequest, RequestLog
from okx_simulator.websocket.broadcast import Broadcast
from okx_simulator.websocket.connection_count import ConnectionCounts
from okx_simulator.websocket.error import error_event, text_of
from okx_simulator.websocket.message import (
    Login,
    Malformed,
    Operation,
    Ping,
    Subscribe,
    read_message,
)
from okx_simulator.websocket.operation import OrderOperations, answer
from okx_simulator.websocket.session import Frame, Step
from okx_simulator.websocket.socket import Silence, Socket, monotonic_us

# Requests that a fault makes wait; beyond it the socket is read no further until one is done.
WAITING_MAX = 10_000


@dataclass(frozen=True, slots=True)
class _Request:
    """A request that passed the checks: how to carry it out, and how to answer with a code."""

    socket: Socket
    entry: LoggedRequest
    run: Callable[[], list[Frame]]
    coded: Callable[[FaultRule], Frame]


class Dispatch:
    """Answers what the sockets receive."""

    def __init__(
        self,
        exchange: Exchange,
        keys: Keys,
        operations: OrderOperations,
        *,
        faults: Faults,
        log: RequestLog,
        broadcast: Broadcast,
        side_effects: SideEffects,
        seed: int,
    ) -> None:
        self._exchange = exchange
        self._clock = exchange.clock
        self._keys = keys
        self._operations = operations
        self._faults = faults
        self._log = log
        self._broadcast = broadcast
        self._side_effects = side_effects
        self._counts = ConnectionCounts()
        self._random = Random(f"{seed}/garbled frames")
        self._waiting: set[asyncio.Task[None]] = set()

    async def receive(self, socket: Socket, text: str) -> None:
        """Answer one text frame; returns at once unless too many requests are waiting."""
        message = read_message(text)
        if isinstance(message, Ping):
            socket.pong()
            return
        if socket.silence is not Silence.NONE:
            return
        match message:
            case Malformed():
                step = socket.session.malformed(message, self._clock.now_us())
                self._send(socket, step.frames)
            case Login():
                await self._start(self._login(socket, message), "login")
            case Subscribe():
                op = "unsubscribe" if message.ends else "subscribe"
                await self._start(self._subscribe(socket, message, op), op)
            case Operation():
                await self._operate(socket, message)

    def forget(self, socket: Socket) -> None:
        """Give back what a closed socket held."""
        for subscription in socket.session.subscriptions:
            self._broadcast.end(socket, subscription)
        socket.session.leave(self._counts)

    async def stop(self) -> None:
        """End the requests that are still waiting."""
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)

    def _login(self, socket: Socket, message: Login) -> _Request:
        session = socket.session
        entry = self._arrive(socket, "login", None)

        def run() -> list[Frame]:
            if socket.is_gone:
                return []
            step = session.login(
                message, self._keys, arrived_us=entry.arrived_us, now_us=self._clock.now_us()
            )
            entry.uid = session.uid
            return self._conclude(socket, step, entry)

        return _Request(socket, entry, run, lambda rule: _coded_event(rule, "", socket))

    def _subscribe(self, socket: Socket, message: Subscribe, op: str) -> _Request:
        session = socket.session
        entry = self._arrive(socket, op, message.args)

        def run() -> list[Frame]:
            if socket.is_gone:
                # Nobody would ever end what began now.
                return []
            listing = self._exchange.market.listing
            step = session.subscribe(message, listing, self._counts, entry.arrived_us)
            return self._conclude(socket, step, entry)

        return _Request(
            socket, entry, run, lambda rule: _coded_event(rule, message.request_id, socket)
        )

    async def _operate(self, socket: Socket, message: Operation) -> None:
        session, in_us = socket.session, self._clock.now_us()
        named = self._operations.named(message)
        entry = self._arrive(socket, message.op, named)
        refusal = session.refuse_operation(message)
        if refusal is not None:
            self._send(socket, self._conclude(socket, refusal, entry))
            return
        uid, operations = session.uid, self._operations
        codes = operations.charge(message, named, uid, session.ip, entry.arrived_us)

        def told(ack: Ack) -> Frame:
            return answer(message, ack, in_us, self._clock.now_us())

        def run() -> list[Frame]:
            ack = operations.carry_out(message, uid, codes, exp_ms)
            entry.answer(ack.code, self._clock.true_us(), ack.rows)
            return [told(ack)]

        try:
            exp_ms = operations.admit(message, codes)
        except RefusedError as error:
            entry.answer(error.code, self._clock.true_us())
            self._send(socket, [told(Ack.of_refusal(error))])
            return
        inst_ids = tuple(order["instId"] for order in named if order["instId"])
        request = _Request(
            socket,
            entry,
            run,
            lambda rule: told(coded_ack(rule, message.args, self._clock.now_ms())),
        )
        await self._start(request, message.op, inst_ids)

    async def _start(self, request: _Request, op: str, inst_ids: tuple[str, ...] = ()) -> None:
        """Carry a request out: at once, or in a task of its own where a fault makes it wait."""
        session = request.socket.session
        occasion = Occasion("ws", "op", op, session.uid, inst_ids, str(session.url))
        plan = self._faults.decide(occasion)
        request.entry.fault = ",".join(plan.names)
        for rule in plan.side_effects:
            self._side_effects.apply(rule, request.socket)
        course = self._carry_out(request, plan)
        is_waiting = plan.wait_before_ms or plan.wait_after_ms or plan.is_late
        if is_waiting and len(self._waiting) < WAITING_MAX:
            self._spawn(course)
        else:
            await course

    def _spawn(self, course: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(course)
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _carry_out(self, request: _Request, plan: Plan) -> None:
        socket, fault = request.socket, plan.fault
        await _wait(plan.wait_before_ms)
        if fault is not None and plan.strikes(Kind.DROP_BEFORE):
            socket.abort()
        elif plan.is_late:
            socket.abort()
            await _wait(plan.late_ms)
            request.run()
        elif fault is not None and plan.strikes(Kind.STALL, Kind.HALF_OPEN):
            socket.fall_silent(fault.kind, pong=fault.pong)
        elif fault is not None and plan.strikes(Kind.CODE_BEFORE):
            request.entry.answer(fault.code, self._clock.true_us())
            await _wait(plan.wait_after_ms)
            self._send(socket, [request.coded(fault)])
        else:
            frames = request.run()
            await _wait(plan.wait_after_ms)
            self._answer(request, frames, fault)

    def _answer(self, request: _Request, frames: list[Frame], fault: FaultRule | None) -> None:
        """Send the answer of a request that was carried out, or what a fault leaves of it."""
        socket = request.socket
        if fault is not None and fault.kind is Kind.WRONG_ID:
            frames = [wrong_id(frame) for frame in frames]
        if fault is not None and fault.kind is Kind.CODE_AFTER:
            frames = [request.coded(fault)]
        texts = [orjson.dumps(frame).decode() for frame in frames]
        match fault.kind if fault else None:
            case Kind.DROP_AFTER:
                socket.abort()
                return
            case Kind.HALF_OPEN_AFTER:
                socket.fall_silent(Kind.HALF_OPEN, pong=False)
                return
            case Kind.LOSE_ANSWER:
                return
            case Kind.TRUNCATED:
                texts = [truncated(text) for text in texts]
            case Kind.GARBLED:
                texts = [garbled(text, self._random) for text in texts]
        for frame, text in zip(frames, texts, strict=True):
            if "data" in frame and "arg" in frame:
                # The first push of a channel may be lost like any other.
                socket.push(text, frame["arg"]["channel"])
            else:
                socket.send(text)

    def _conclude(self, socket: Socket, step: Step, entry: LoggedRequest) -> list[Frame]:
        """Do what a step says, and return its frames with the first pushes among them."""
        codes = [str(frame["code"]) for frame in step.frames if frame.get("event") == "error"]
        entry.answer(codes[0] if codes else "0", self._clock.true_us())
        frames: list[Frame] = []
        sent = 0
        for position, subscription in step.begun:
            frames += step.frames[sent:position]
            sent = position
            frames += self._broadcast.begin(socket, subscription, monotonic_us())
        for subscription in step.ended:
            self._broadcast.end(socket, subscription)
        if step.close is not None:
            asyncio.get_running_loop().call_soon(socket.close, step.close)
        return [*frames, *step.frames[sent:]]

    def _arrive(self, socket: Socket, op: str, params: Sequence[Any] | None) -> LoggedRequest:
        session = socket.session
        entry = self._log.arrive(
            arrived_us=self._clock.true_us(),
            door="ws",
            method=str(session.url),
            target=op,
            ip=session.ip,
            params=params,
        )
        entry.uid = session.uid
        entry.connection = session.connection
        return entry

    def _send(self, socket: Socket, frames: Sequence[Frame]) -> None:
        for frame in frames:
            socket.send(orjson.dumps(frame).decode())


async def _wait(wait_ms: float) -> None:
    if wait_ms:
        await asyncio.sleep(wait_ms / 1_000)


def _coded_event(rule: FaultRule, request_id: str, socket: Socket) -> Frame:
    return error_event(rule.code, text_of(rule.code), request_id, socket.session.connection)
