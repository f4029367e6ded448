"""How do many concurrent script calls reach Redis in few round trips?

Touches Redis. While some pipelines are under way calls gather, and leave together in the next one:
the busier it is, the more share a round trip. A caller that is cancelled does not cancel the
pipeline: an abandoned reply would be read by the next command.
"""

import asyncio
import hashlib
import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import structlog
from hiredis import pack_command
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MovedError,
    NoScriptError,
    RedisError,
    ResponseError,
    TryAgainError,
)

from okx_gateway.domain.errors import LedgerUnavailableError
from okx_gateway.ledger.redis_servers import RedisServers, RowsAtRiskError, run_id_of

_LOG = structlog.get_logger()
_WAITING_MAX = 10_000
_PIPELINE_LENGTH_MAX = 500
# One to be on its way while another is answered; more would only leave with fewer calls each.
_PIPELINES_MAX = 2
# Replicas are a round trip away.
_REPLICATION_MS = 100
# What a cluster answers of a key that is not where it was asked for; the script has not run.
_ELSEWHERE = (MovedError, AskError, TryAgainError, ClusterDownError)
_ATTEMPTS_MAX = 4
_MOVING_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class _Script:
    source: str
    sha: str


@dataclass(eq=False, slots=True)
class _Call:
    script: _Script
    keys: Sequence[str]
    arguments: Sequence[str | int]
    nonce: str
    durable: bool
    reply: asyncio.Future[list[Any]]
    attempts: int = 0


@dataclass(eq=False, slots=True)
class _Lane:
    """What waits for one server, and what is on its way there."""

    home: str
    waiting: list[_Call] = field(default_factory=list)
    flushing: bool = False
    flushes: set[asyncio.Task[None]] = field(default_factory=set)


class RedisScripts:
    """The Lua files of this folder, callable; Redis has `timeout_s` to answer.

    What has to be durable counts as done once `replicas_min` replicas have it too.
    """

    def __init__(self, servers: RedisServers, *, timeout_s: float, replicas_min: int = 0) -> None:
        self._servers = servers
        self._timeout_s = timeout_s
        self._replicas_min = replicas_min
        self._scripts: dict[str, _Script] = {}
        self._lanes: dict[str, _Lane] = {}
        self._waiting_count = 0

    def load(self, name: str, preludes: Sequence[str] = ()) -> None:
        """Make the file `name`.lua callable, with `preludes` in front of it."""
        folder = files("okx_gateway.ledger")
        source = "\n".join((folder / f"{part}.lua").read_text() for part in [*preludes, name])
        # Redis names scripts so.
        self._scripts[name] = _Script(source, hashlib.sha1(source.encode()).hexdigest())  # noqa: S324

    async def call(
        self,
        name: str,
        keys: Sequence[str],
        arguments: Sequence[str | int],
        *,
        durable: bool = False,
        nonce: str | None = None,
    ) -> list[Any]:
        """Run a script; its answer without the nonce.

        Its first argument is `nonce`, drawn where none is given, its second the server's run id.

        Raises:
            LedgerUnavailableError: Redis did not answer, so the script may or may not have run; or
                it ran, and too few replicas have what it wrote.
        """
        if self._waiting_count >= _WAITING_MAX:
            raise LedgerUnavailableError(f"{_WAITING_MAX} calls are waiting already")
        call = _Call(
            self._scripts[name],
            keys,
            arguments,
            nonce or secrets.token_hex(8),
            durable,
            asyncio.get_running_loop().create_future(),
        )
        self._enqueue(call)
        return await call.reply

    async def close(self) -> None:
        """Wait for what is under way, and close the connections."""
        while any(lane.flushes or lane.waiting for lane in self._lanes.values()):
            flushes = [flush for lane in self._lanes.values() for flush in lane.flushes]
            if flushes:
                await asyncio.wait(flushes)
            await asyncio.sleep(0)
        await self._servers.aclose()

    def _enqueue(self, call: _Call) -> None:
        home = self._servers.home(call.keys[0])
        lane = self._lanes.get(home)
        if lane is None:
            lane = self._lanes[home] = _Lane(home)
        lane.waiting.append(call)
        self._waiting_count += 1
        if not lane.flushing:
            lane.flushing = True
            asyncio.get_running_loop().call_soon(self._flush, lane)

    def _flush(self, lane: _Lane) -> None:
        lane.flushing = False
        if not lane.waiting or len(lane.flushes) >= _PIPELINES_MAX:
            return  # the end of a pipeline flushes again
        batch = lane.waiting[:_PIPELINE_LENGTH_MAX]
        del lane.waiting[:_PIPELINE_LENGTH_MAX]
        self._waiting_count -= len(batch)
        task = asyncio.get_running_loop().create_task(self._run(lane.home, batch))
        lane.flushes.add(task)
        task.add_done_callback(lambda ended: self._ended(lane, ended))

    def _ended(self, lane: _Lane, task: asyncio.Task[None]) -> None:
        lane.flushes.discard(task)
        self._flush(lane)

    async def _run(self, home: str, calls: list[_Call]) -> None:
        try:
            replies = await self._pipeline(home, calls)
        except Exception as error:  # noqa: BLE001  # whatever it is, those who wait must learn
            if not isinstance(error, RedisError | OSError):
                _LOG.exception("the ledger's client failed")
            replies = [error] * len(calls)
            await self._find_homes_quietly()
        again = []
        for call, reply in zip(calls, replies, strict=True):
            if isinstance(reply, _ELSEWHERE) and call.attempts < _ATTEMPTS_MAX:
                again.append(call)
            else:
                _settle(call, reply)
        if again:
            # The key is on another server, or on its way there: these calls have not run.
            await self._find_homes_quietly()
            await asyncio.sleep(_MOVING_PAUSE_S)
            for call in again:
                call.attempts += 1
                self._enqueue(call)

    async def _find_homes_quietly(self) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._servers.find_homes()
        except (RedisError, OSError, TimeoutError) as error:
            _LOG.warning("the servers of the ledger are not found", error=type(error).__name__)

    async def _pipeline(self, home: str, calls: list[_Call]) -> list[Any]:
        """Write all calls at once and read their replies, without redis-py's own pipeline.

        That one costs several times as much as what it sends, and an order waits for it.
        """
        async with asyncio.timeout(self._timeout_s):
            connection = await self._servers.connection(home)
        try:
            async with asyncio.timeout(self._timeout_s):
                replies = await self._converse(connection, calls)
                missing = [
                    call
                    for call, reply in zip(calls, replies, strict=True)
                    if isinstance(reply, NoScriptError)
                ]
                if missing:
                    # Redis was restarted or flushed of scripts; these calls have not run.
                    await self._load_into_server(connection, missing)
                    again = iter(await self._converse(connection, missing))
                    replies = [
                        next(again) if isinstance(reply, NoScriptError) else reply
                        for reply in replies
                    ]
        except BaseException:
            # Replies that nobody reads would be taken for those of the next calls.
            await connection.disconnect(nowait=True)
            raise
        else:
            if any(_foreign(call, reply) for call, reply in zip(calls, replies, strict=True)):
                # Nothing more that this connection says can be trusted.
                await connection.disconnect(nowait=True)
            return replies
        finally:
            await self._servers.release(home, connection)

    async def _converse(self, connection: Any, calls: list[_Call]) -> list[Any]:
        server = run_id_of(connection)
        commands: list[tuple[str | int, ...]] = [_command(call, server) for call in calls]
        confirmed = self._replicas_min and any(call.durable for call in calls)
        if confirmed:
            commands.append(("WAIT", self._replicas_min, _REPLICATION_MS))
        # In C: redis-py's own takes four times as long, which every order would pay twice.
        # Its stub asks for tuples of one.
        packed = [pack_command(command) for command in commands]  # type: ignore[arg-type]
        await connection.send_packed_command(packed, check_health=False)
        replies = [await _reply_from(connection) for _ in calls]
        if not confirmed:
            return replies
        reached = await _reply_from(connection)
        if isinstance(reached, int) and reached >= self._replicas_min:
            return replies
        lacking = LedgerUnavailableError(f"{reached} of {self._replicas_min} replicas have it")
        return [
            lacking if call.durable and not isinstance(reply, ResponseError) else reply
            for call, reply in zip(calls, replies, strict=True)
        ]

    async def _load_into_server(self, connection: Any, calls: list[_Call]) -> None:
        sources = {call.script.source for call in calls}
        commands = [("SCRIPT", "LOAD", source) for source in sources]
        await connection.send_packed_command(connection.pack_commands(commands))
        for _ in commands:
            await connection.read_response(timeout=math.inf)


def _command(call: _Call, server: str) -> tuple[str | int, ...]:
    keys = call.keys
    return ("EVALSHA", call.script.sha, len(keys), *keys, call.nonce, server, *call.arguments)


async def _reply_from(connection: Any) -> Any:
    try:
        return await connection.read_response(timeout=math.inf)
    except ResponseError as error:
        return error


def _settle(call: _Call, reply: Any) -> None:
    if call.reply.done():
        return  # its caller has gone
    if isinstance(reply, LedgerUnavailableError):
        call.reply.set_exception(reply)
    elif isinstance(reply, BaseException):
        call.reply.set_exception(LedgerUnavailableError(_told(reply)))
    elif _foreign(call, reply):
        call.reply.set_exception(LedgerUnavailableError("an answer to another call"))
    else:
        call.reply.set_result(reply[1:])


def _foreign(call: _Call, reply: Any) -> bool:
    """Whether a reply is somebody else's."""
    if isinstance(reply, BaseException):
        return False
    return not isinstance(reply, list) or not reply or reply[0] != call.nonce


def _told(error: BaseException) -> str:
    """What is told of an error: its kind, and of those that an operator can end, how."""
    return str(error) if isinstance(error, RowsAtRiskError) else type(error).__name__
