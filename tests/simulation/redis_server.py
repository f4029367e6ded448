"""What if Redis is slow, forgets, is replaced by another, or answers nobody?

Runs the ledger's own scripts on simulated data. What a process has sent is run even if the process
is dead by then, or has given up waiting: so it is with a real server.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from okx_gateway.domain.errors import LedgerUnavailableError
from tests.simulation.lua_script import LuaScripts, ScriptError
from tests.simulation.plan import Trouble
from tests.simulation.redis_commands import RedisData
from tests.simulation.virtual_loop import Process
from tests.simulation.world import World

# One Lua for all schedules of this process: compiling takes longer than a schedule.
_SCRIPTS = LuaScripts()
_BASE_US = 1_700_000_000_000_000
_ROW = ":order:"
# What every replica asks from time to time.
_IDLE = ("take_open", "read_epoch")
# Those whose answers a replica holds against its own clock.
_CLOCKED = ("admit_order", "begin_amend", "spend", "take_open")


@dataclass(eq=False)
class _Server:
    """A server process: its data, its run id, and how far its clock is off."""

    run_id: str
    ahead_us: int
    data: RedisData = field(default_factory=lambda: RedisData(keeps_before=True))
    undo: list[tuple[int, dict[str, Any]]] = field(default_factory=list)


@dataclass(eq=False)
class _Call:
    process: Process
    name: str
    source: str
    keys: Sequence[str]
    arguments: Sequence[str | int]
    nonce: str
    durable: bool
    server: _Server
    reply: "asyncio.Future[Any]"


@dataclass(frozen=True)
class Ran:
    """A script that ran, and by which time of its server."""

    source: str
    now_us: int
    keys: list[str]
    arguments: list[str]


class SimulatedRedis:
    """The Redis of all replicas."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._servers = 0
        self._keeps_undo = world.plan.loses_rows
        self.primary = self._new_server(world.plan.redis_ahead_us)
        # Cut off from the others, it goes on serving those who have not heard.
        self._cut_off: _Server | None = None
        self._unaware: set[Process] = set()
        # Who would see that the clock leaps, by owner.
        self._clocks_known: set[tuple[Process, str]] = set()
        self._hung_until_us = 0
        self._refuses_until_us = 0
        self._fails: dict[str, int] = {}
        self.lost_rows = False
        # Scripts on their way that are not of those that run for ever.
        self.under_way = 0
        self.calls: Counter[str] = Counter()
        # Scripts as they ran, where somebody wants to compare them with a real server.
        self.records = False
        self.record: list[Ran] = []

    def clock_us(self, server: _Server) -> int:
        world = self._world
        drifted = int(world.loop.now_us * (1 + world.plan.redis_drift_ppm / 1e6))
        return _BASE_US + drifted + server.ahead_us

    def row(self, client_id: str) -> dict[str, str] | None:
        """A journal row on the present primary."""
        data = self.primary.data
        for key, value in data.values.items():
            if key.endswith(f"{_ROW}{client_id}") and isinstance(value, dict):
                return value
        return None

    def rows(self) -> dict[str, dict[str, str]]:
        """All journal rows on the present primary, by client order id."""
        return {
            key.rpartition(_ROW)[2]: value
            for key, value in self.primary.data.values.items()
            if _ROW in key and isinstance(value, dict)
        }

    def grow_old(self, owner: str, age_us: int) -> None:
        """Let the ledger of `owner` have been kept here for so long, and nothing lost."""
        now_us = self.clock_us(self.primary)
        begun = str(now_us - age_us)
        self.primary.data.values[f"okxgw:{{{owner}}}:epoch"] = {
            "server": self.primary.run_id,
            "since_us": begun,
            "steady_us": begun,
            "last_us": str(now_us),
        }

    # What the gateway does.

    async def call(
        self,
        process: Process,
        name: str,
        source: str,
        keys: Sequence[str],
        arguments: Sequence[str | int],
        *,
        nonce: str,
        durable: bool,
        timeout_s: float,
    ) -> list[Any]:
        world, loop = self._world, self._world.loop
        if not process.alive:
            raise LedgerUnavailableError("its caller is dead")
        self.calls[name] += 1
        world.reach(f"{name}.called", process)
        if loop.now_us < self._refuses_until_us:
            world.hits["redis refused"] += 1
            await loop.delay(world.latency_us())
            raise LedgerUnavailableError("ConnectionError")
        server = self._server_of(process)
        call = _Call(
            process, name, source, keys, arguments, nonce, durable, server, loop.create_future()
        )
        self._send(call)
        try:
            async with asyncio.timeout(timeout_s):
                reply = await call.reply
        except TimeoutError:
            world.hits["script timed out"] += 1
            raise LedgerUnavailableError("TimeoutError") from None
        if isinstance(reply, Exception):
            raise LedgerUnavailableError(str(reply))
        assert reply[0] == nonce
        answer: list[Any] = reply[1:]
        return answer

    def _server_of(self, process: Process) -> _Server:
        if self._cut_off is not None and process in self._unaware:
            return self._cut_off
        return self.primary

    def _send(self, call: _Call) -> None:
        world, mischief = self._world, self._world.plan.mischief
        delay_us = world.latency_us()
        if world.chance(mischief.script_lost):
            world.hits["script lost"] += 1
            return
        if world.chance(mischief.script_late):
            world.hits["script late"] += 1
            delay_us += int(world.draw.random() * 4_000_000)
        self.under_way += call.name not in _IDLE
        world.loop.in_us(delay_us, self._arrive, call)

    def _arrive(self, call: _Call) -> None:
        world = self._world
        world.reach(f"{call.name}.arrives", call.process)
        if world.loop.now_us < self._hung_until_us:
            world.hits["redis hung"] += 1
            world.loop.at_us(self._hung_until_us, self._run, call)
        else:
            self._run(call)

    def _run(self, call: _Call) -> None:
        world = self._world
        self.under_way -= call.name not in _IDLE
        if call.server is not self.primary and call.server is not self._cut_off:
            world.hits["server gone"] += 1
            self._answer(call, ConnectionError("the server has gone"))
            return
        for kind, until_us in self._fails.items():
            if world.loop.now_us < until_us:
                world.hits[f"redis {kind}"] += 1
                self._answer(call, RuntimeError(kind))
                return
        reply = self._execute(call)
        world.reach(f"{call.name}.ran", call.process)
        if call.durable and call.server is self._cut_off:
            # No replica acknowledges within the time it is given.
            world.hits["not durable"] += 1
            world.loop.in_us(100_000, self._answer, call, RuntimeError("no replica acknowledged"))
            return
        if world.chance(world.plan.mischief.script_reply_lost):
            world.hits["script reply lost"] += 1
            return
        self._answer(call, reply)

    def _execute(self, call: _Call) -> Any:
        world, server = self._world, call.server
        data = server.data
        data.now_us = self.clock_us(server)
        data.before.clear()
        arguments = [call.nonce, server.run_id, *call.arguments]
        try:
            reply = _SCRIPTS.run(call.source, data, call.keys, arguments)
        except ScriptError as error:
            world.violate(f"{call.name} failed: {error}")
            return error
        if self.records:
            spoken = [str(each) for each in arguments]
            self.record.append(Ran(call.source, data.now_us, list(call.keys), spoken))
        world.note(
            "{} {} {} {} {}", call.process.name, call.name, server.run_id, call.nonce, reply[1:]
        )
        for key, (before, _) in data.before.items():
            if _ROW in key:
                self._watch(key.rpartition(_ROW)[2], before, data.values.get(key))
        if self._keeps_undo and data.before:
            server.undo.append((world.loop.now_us, dict(data.before)))
        return reply

    def _watch(self, client_id: str, before: Any, after: Any) -> None:
        """See that a settled row stays as it is."""
        was = before.get("state") if before else None
        now = after.get("state") if after else None
        if was in (None, "sending"):
            return
        same = after is not None and all(
            after.get(name) == before[name] for name in before if name != "cancel"
        )
        if not same:
            self._world.violate(f"the settled row of {client_id} went from {was} to {now}")

    def _answer(self, call: _Call, reply: Any) -> None:
        world = self._world
        delay_us = world.latency_us()
        if world.chance(world.plan.mischief.script_reply_late):
            world.hits["script reply late"] += 1
            delay_us += int(world.draw.random() * 1_200_000)
        world.loop.in_us(delay_us, self._deliver, call, reply)

    def _deliver(self, call: _Call, reply: Any) -> None:
        self._world.reach(f"{call.name}.answered", call.process)
        if call.name in _CLOCKED and not isinstance(reply, Exception):
            self._clocks_known.add((call.process, _owner_of(call)))
        if not call.reply.done():
            call.reply.set_result(reply)

    # What befalls the servers.

    def strike(self, trouble: Trouble) -> None:
        now_us = self._world.loop.now_us
        match trouble.kind:
            case "flush":
                self.primary.data.values.clear()
                self.primary.data.expiries_us.clear()
                self.primary.undo.clear()
                self.lost_rows = True
            case "restart_empty":
                self._replace(self._new_server(self.primary.ahead_us), trouble.amount_us)
            case "restore" | "fail_over":
                # An old file, or a replica that had not heard of the newest writes.
                lost_us = trouble.amount_us * (3 if trouble.kind == "restore" else 1)
                successor = self._successor(lost_us)
                self._replace(successor, trouble.amount_us // 4)
            case "split":
                self._split(trouble)
            case "hang":
                self._hung_until_us = now_us + trouble.amount_us
            case "refuse":
                self._refuses_until_us = now_us + trouble.amount_us
            case "read_only" | "out_of_memory":
                self._fails[trouble.kind] = now_us + trouble.amount_us
            case "clock_ahead":
                self._leap(trouble.amount_us)
            case "clock_back":
                self.primary.ahead_us -= trouble.amount_us
            case _:
                raise NotImplementedError(trouble.kind)

    def _leap(self, amount_us: int) -> None:
        self.primary.ahead_us += amount_us
        owners = {owner for _, owner in self._clocks_known}
        alive = [each for each in self._world.processes if each.alive]
        if any((each, owner) not in self._clocks_known for each in alive for owner in owners):
            self._world.hits["clock leapt unseen"] += 1

    def heal(self) -> None:
        now_us = self._world.loop.now_us
        self._hung_until_us = min(self._hung_until_us, now_us)
        self._refuses_until_us = min(self._refuses_until_us, now_us)
        self._fails.clear()
        self._cut_off = None
        self._unaware.clear()

    def _new_server(self, ahead_us: int) -> _Server:
        self._servers += 1
        return _Server(f"server{self._servers}", ahead_us)

    def _successor(self, lost_us: int) -> _Server:
        """A server that has what the primary had `lost_us` ago, and a clock of its own."""
        draw = self._world.draw
        successor = self._new_server(self.primary.ahead_us + draw.randint(-3_000_000, 3_000_000))
        data, values = self.primary.data, dict(self.primary.data.values)
        expiries = dict(data.expiries_us)
        since_us = self._world.loop.now_us - lost_us
        for at_us, before in reversed(self.primary.undo):
            if at_us < since_us:
                break
            for key, (value, expiry_us) in before.items():
                values.pop(key, None)
                expiries.pop(key, None)
                if value is not None:
                    values[key] = value
                if expiry_us is not None:
                    expiries[key] = expiry_us
        successor.data.values = {
            key: value if isinstance(value, str) else value.copy() for key, value in values.items()
        }
        successor.data.expiries_us = expiries
        return successor

    def _replace(self, successor: _Server, away_us: int) -> None:
        self.lost_rows = True
        self.primary = successor
        self._cut_off = None
        self._refuses_until_us = max(self._refuses_until_us, self._world.loop.now_us + away_us)

    def _split(self, trouble: Trouble) -> None:
        """Another server takes over, and some replicas do not hear of it for a while."""
        old = self.primary
        self._replace(self._successor(trouble.amount_us // 10), 0)
        self._cut_off = old
        world = self._world
        self._unaware = {each for each in world.processes if world.draw.random() < 0.5}
        world.loop.in_us(trouble.amount_us, self._hear)

    def _hear(self) -> None:
        self._unaware = set()


def _owner_of(call: _Call) -> str:
    return call.keys[0].partition("{")[2].partition("}")[0]
