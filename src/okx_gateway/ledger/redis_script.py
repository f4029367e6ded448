"""How do many concurrent script calls reach Redis in few round trips?

Touches Redis. While some pipelines are under way calls gather, and leave together in the next one:
the busier it is, the more share a round trip. A caller that is cancelled does not cancel the
pipeline: an abandoned reply would be read by the next command.
"""

import asyncio
import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import NoScriptError, RedisError, ResponseError

from okx_gateway.domain.errors import LedgerUnavailableError

_LOG = structlog.get_logger()
_WAITING_MAX = 10_000
_PIPELINE_LENGTH_MAX = 500
# One to be on its way while another is answered; more would only leave with fewer calls each.
_PIPELINES_MAX = 2


@dataclass(eq=False, slots=True)
class _Call:
    script: AsyncScript
    keys: Sequence[str]
    arguments: Sequence[str | int]
    reply: asyncio.Future[list[Any]]
    nonce: str = field(default_factory=lambda: secrets.token_hex(8))


class RedisScripts:
    """The Lua files of this folder, callable; Redis has `timeout_s` to answer."""

    def __init__(self, redis: "Redis", *, timeout_s: float) -> None:
        self._redis = redis
        self._timeout_s = timeout_s
        self._scripts: dict[str, AsyncScript] = {}
        self._waiting: list[_Call] = []
        self._flushing = False
        self._flushes: set[asyncio.Task[None]] = set()

    def load(self, name: str, preludes: Sequence[str] = ()) -> None:
        """Make the file `name`.lua callable, with `preludes` in front of it."""
        folder = files("okx_gateway.ledger")
        source = "\n".join((folder / f"{part}.lua").read_text() for part in [*preludes, name])
        self._scripts[name] = self._redis.register_script(source)

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

        Raises:
            LedgerUnavailableError: Redis did not answer, so the script may or may not have run.
        """
        if len(self._waiting) >= _WAITING_MAX:
            raise LedgerUnavailableError(f"{_WAITING_MAX} calls are waiting already")
        loop = asyncio.get_running_loop()
        del durable
        call = _Call(self._scripts[name], keys, arguments, loop.create_future())
        if nonce is not None:
            call.nonce = nonce
        self._waiting.append(call)
        if not self._flushing:
            self._flushing = True
            loop.call_soon(self._flush)
        return await call.reply

    async def close(self) -> None:
        """Wait for what is under way."""
        while self._flushes or self._waiting:
            if self._flushes:
                await asyncio.wait(self._flushes)
            await asyncio.sleep(0)

    def _flush(self) -> None:
        self._flushing = False
        if not self._waiting or len(self._flushes) >= _PIPELINES_MAX:
            return  # the end of a pipeline flushes again
        batch = self._waiting[:_PIPELINE_LENGTH_MAX]
        del self._waiting[:_PIPELINE_LENGTH_MAX]
        task = asyncio.get_running_loop().create_task(self._run(batch))
        self._flushes.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._flushes.discard(task)
        self._flush()

    async def _run(self, calls: list[_Call]) -> None:
        try:
            replies = await self._pipeline(calls)
            missing = [
                call
                for call, reply in zip(calls, replies, strict=True)
                if isinstance(reply, NoScriptError)
            ]
            if missing:
                # Redis was restarted or flushed of scripts; these calls have not run.
                await self._load_into_server()
                again = iter(await self._pipeline(missing))
                replies = [
                    next(again) if isinstance(reply, NoScriptError) else reply for reply in replies
                ]
        except Exception as error:  # noqa: BLE001  # whatever it is, those who wait must learn
            if not isinstance(error, RedisError | OSError):
                _LOG.exception("the ledger's client failed")
            replies = [error] * len(calls)
        for call, reply in zip(calls, replies, strict=True):
            _settle(call, reply)

    async def _pipeline(self, calls: list[_Call]) -> list[Any]:
        """Write all calls at once and read their replies, without redis-py's own pipeline.

        That one costs several times as much as what it sends, and an order waits for it.
        """
        pool: Any = self._redis.connection_pool
        connection = await pool.get_connection()
        try:
            async with asyncio.timeout(self._timeout_s):
                server = getattr(connection, "okx_run_id", None)
                if server is None:
                    await connection.send_command("INFO", "server")
                    info = await connection.read_response(timeout=math.inf)
                    text = info if isinstance(info, str) else info.decode()
                    server = text.split("run_id:")[1].split()[0]
                    connection.okx_run_id = server
                packed = connection.pack_commands(_command(call, server) for call in calls)
                await connection.send_packed_command(packed, check_health=False)
                replies = [await _reply_from(connection) for _ in calls]
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
            await pool.release(connection)

    async def _load_into_server(self) -> None:
        for script in self._scripts.values():
            await self._redis.script_load(script.script)


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
    if isinstance(reply, BaseException):
        call.reply.set_exception(LedgerUnavailableError(type(reply).__name__))
    elif _foreign(call, reply):
        call.reply.set_exception(LedgerUnavailableError("an answer to another call"))
    else:
        call.reply.set_result(reply[1:])


def _foreign(call: _Call, reply: Any) -> bool:
    """Whether a reply is somebody else's."""
    if isinstance(reply, BaseException):
        return False
    return not isinstance(reply, list) or not reply or reply[0] != call.nonce
