"""What happens to each REST request, between its arrival and its answer?

Owns the order of things: log, admit, fault, answer. Waits where a fault says so, and then answers
through aiohttp.
"""

import asyncio
from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

import orjson
from aiohttp import web

from okx_simulator.clock import Clock
from okx_simulator.error_code import status_of
from okx_simulator.fault.faults import Faults, Plan
from okx_simulator.fault.rule import FaultRule, Kind, Occasion
from okx_simulator.fault.side_effect import SideEffects
from okx_simulator.fault.text import BAD_GATEWAY_HTML, coded_ack, garbled, truncated
from okx_simulator.request_log import LoggedRequest, RequestLog
from okx_simulator.rest.gate import Admitted, Arrived, Reply, RestGate

_JSON = "application/json"
_BAD_GATEWAY = 502
# A half-open connection is given up after ten minutes.
_LINGER_LOOK_S = 0.2
_LINGER_LOOKS_MAX = 3_000
LATE_MAX = 10_000


class RestDispatch:
    """Answers REST requests, and spoils some of the answers."""

    def __init__(
        self,
        gate: RestGate,
        clock: Clock,
        *,
        faults: Faults,
        log: RequestLog,
        side_effects: SideEffects,
        seed: int,
    ) -> None:
        self._gate = gate
        self._clock = clock
        self._faults = faults
        self._log = log
        self._side_effects = side_effects
        self._random = Random(f"{seed}/garbled bodies")
        self._late: set[asyncio.Task[None]] = set()

    async def travel(
        self, method: str, path: str, query: Mapping[str, str], body: bytes
    ) -> tuple[str, ...]:
        """Wait as long as faults hold a request up on its way; returns their names."""
        if not self._faults.concern_ways:
            return ()
        params = _loads(body) if method == "POST" else query
        elements = params if isinstance(params, list) else [params]
        inst_ids = _inst_ids(one for one in elements if isinstance(one, Mapping))
        wait_ms, names = self._faults.decide_way(
            Occasion(door="rest", method=method, target=path, inst_ids=inst_ids)
        )
        await _wait(wait_ms)
        return names

    async def respond(self, request: web.Request, arrived: Arrived) -> web.StreamResponse:
        """Answer one request."""
        entry = self._arrive(arrived)
        entry.fault = ",".join(arrived.faults)
        admitted = self._gate.admit(arrived)
        if isinstance(admitted, Reply):
            self._note(entry, admitted)
            return _json(admitted)
        entry.uid = admitted.call.uid
        plan = self._faults.decide(_occasion(arrived, admitted))
        entry.fault = ",".join((*arrived.faults, *plan.names))
        for rule in plan.side_effects:
            self._side_effects.apply(rule, None)
        await _wait(plan.wait_before_ms)
        response = await self._carry_out(request, admitted, entry, plan)
        await _wait(plan.wait_after_ms)
        return response

    async def stop(self) -> None:
        """End the late deliveries that are still under way."""
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)

    async def _carry_out(
        self, request: web.Request, admitted: Admitted, entry: LoggedRequest, plan: Plan
    ) -> web.StreamResponse:
        fault = plan.fault
        match fault.kind if fault else None:
            case Kind.DROP_BEFORE:
                return _lose(request)
            case Kind.LATE if len(self._late) < LATE_MAX:
                task = asyncio.create_task(self._deliver_late(admitted, entry, plan.late_ms))
                self._late.add(task)
                task.add_done_callback(self._late.discard)
                return _lose(request)
            case Kind.HALF_OPEN:
                return await _linger(request)
            case Kind.CODE_BEFORE if fault:
                entry.answer(fault.code, self._clock.true_us())
                return self._coded(admitted, fault)
            case Kind.HTML_BEFORE:
                entry.answer(str(_BAD_GATEWAY), self._clock.true_us())
                return _html()
        reply = self._gate.answer(admitted)
        self._note(entry, reply)
        return await self._answer(request, admitted, reply, fault)

    async def _answer(
        self, request: web.Request, admitted: Admitted, reply: Reply, fault: FaultRule | None
    ) -> web.StreamResponse:
        """Answer a request that was carried out with what a fault leaves of the reply."""
        match fault.kind if fault else None:
            case Kind.DROP_AFTER:
                return _lose(request)
            case Kind.HALF_OPEN_AFTER:
                return await _linger(request)
            case Kind.CODE_AFTER if fault:
                return self._coded(admitted, fault)
            case Kind.HTML_AFTER:
                return _html()
        text = orjson.dumps(reply.body).decode()
        if fault and fault.kind is Kind.TRUNCATED:
            text = truncated(text)
        if fault and fault.kind is Kind.GARBLED:
            text = garbled(text, self._random)
        return web.Response(status=reply.status, text=text, content_type=_JSON)

    async def _deliver_late(self, admitted: Admitted, entry: LoggedRequest, late_ms: float) -> None:
        await _wait(late_ms)
        self._note(entry, self._gate.answer(admitted))

    def _coded(self, admitted: Admitted, fault: FaultRule) -> web.Response:
        call = admitted.call
        is_write = admitted.endpoint.method == "POST"
        ack = coded_ack(fault, call.elements if is_write else (), self._clock.now_ms())
        body: dict[str, Any] = {"code": ack.code, "data": list(ack.rows), "msg": ack.message}
        if ack.rows:
            body = ack.body(call.in_us, self._clock.now_us())
        return _json(Reply(status_of(ack.code), body))

    def _arrive(self, arrived: Arrived) -> LoggedRequest:
        request = arrived.request
        params = _loads(request.body) if request.method == "POST" else arrived.query
        return self._log.arrive(
            arrived_us=arrived.true_us,
            door="rest",
            method=request.method,
            target=arrived.path,
            ip=request.remote_ip,
            params=params,
        )

    def _note(self, entry: LoggedRequest, reply: Reply) -> None:
        data = reply.body.get("data")
        rows = data if isinstance(data, list) else []
        entry.answer(str(reply.body["code"]), self._clock.true_us(), rows)


def _occasion(arrived: Arrived, admitted: Admitted) -> Occasion:
    return Occasion(
        door="rest",
        method=arrived.request.method,
        target=arrived.path,
        uid=admitted.call.uid,
        inst_ids=_inst_ids(admitted.call.elements),
    )


def _inst_ids(elements: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    inst_ids = (one.get("instId") for one in elements)
    return tuple(each for each in inst_ids if isinstance(each, str) and each)


def _json(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, body=orjson.dumps(reply.body), content_type=_JSON)


def _html() -> web.Response:
    return web.Response(status=_BAD_GATEWAY, text=BAD_GATEWAY_HTML, content_type="text/html")


def _lose(request: web.Request) -> web.StreamResponse:
    """Lose the connection; what is returned cannot be written any more."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _linger(request: web.Request) -> web.StreamResponse:
    """Answer nothing and keep the connection, until the client gives it up."""
    for _ in range(_LINGER_LOOKS_MAX):
        if request.transport is None or request.transport.is_closing():
            break
        await asyncio.sleep(_LINGER_LOOK_S)
    return _lose(request)


async def _wait(wait_ms: float) -> None:
    if wait_ms:
        await asyncio.sleep(wait_ms / 1_000)


def _loads(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
