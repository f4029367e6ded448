"""How does a stream of answers become Server-Sent Events?  Touches ASGI.

Events are named after what they hold, such as `ticker` or `gap`; the content is the answer as
JSON, on one line. Where an answer has a `resume_token` it is the event's id, and a request that
takes one may name it in the header `Last-Event-ID`, as readers do by themselves.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from functools import partial
from typing import Any

from google.protobuf.message import Message

from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import StoppingError
from okx_gateway.edge.call import StreamEvent
from okx_gateway.edge.rest.http_exchange import ClientGoneError, HttpExchange, status_json
from okx_gateway.edge.status import RpcStatus

EVENT_STREAM = b"text/event-stream"
# A stream that is refused fails at once; one that has nothing to tell yet is begun after this.
_FIRST_EVENT_WAIT_S = 1.0
# Proxies end a connection that is silent for longer.
_KEEP_ALIVE_S = 15.0
_TOKEN = "resume_token"  # noqa: S105  # the name of a field
_OPEN, _KEEP_ALIVE = b": open\n\n", b": still here\n\n"


def resume_behind(request: Message, last_event_id: str) -> None:
    """Have a stream go on behind an event, where it can and `request` does not say otherwise."""
    fields = request.DESCRIPTOR.fields_by_name
    if last_event_id and _TOKEN in fields and not getattr(request, _TOKEN):
        setattr(request, _TOKEN, last_event_id)


async def write_events(
    http: HttpExchange,
    events: AsyncGenerator[StreamEvent, None],
    *,
    deadline: Deadline | None,
    stopping: "asyncio.Future[None]",
    told: Callable[[BaseException], RpcStatus],
    stall_s: float,
) -> None:
    """Write events until they end, the client goes, the deadline passes or `stopping` is done.

    What fails after the stream has begun is written as an event named `error`, which `told` gives
    the status of.

    Raises:
        ClientGoneError: The client has gone, or reads nothing for `stall_s`.
        Exception: Whatever `events` fails with before the stream has begun; nothing was written.
    """
    async with aclosing(events):
        first = asyncio.ensure_future(anext(events, None))
        try:
            await asyncio.wait({first}, timeout=_FIRST_EVENT_WAIT_S)
            if first.done():
                first.result()
            await http.start(200, EVENT_STREAM)
            await http.write(_OPEN, more=True)
            writing = _write_all(partial(http.write, more=True, wait_s=stall_s), first, events)
            error = await _write_until_end(http, writing, deadline, stopping)
            if error is not None:
                # The HTTP status is out already: the stream itself has to tell.
                await http.write(_event("error", status_json(told(error))), more=True)
            await http.write(b"", more=False)
        finally:
            await _cancel(first)


async def _write_until_end(
    http: HttpExchange,
    work: Coroutine[Any, Any, None],
    deadline: Deadline | None,
    stopping: "asyncio.Future[None]",
) -> BaseException | None:
    """Why the stream ended before its time; None where it was at its end."""
    writing = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(http.until_gone())
    try:
        while not (writing.done() or gone.done() or stopping.done()):
            left_s = _KEEP_ALIVE_S if deadline is None else deadline.remaining_s()
            if left_s <= 0:
                return None
            done, _ = await asyncio.wait(
                {writing, gone, stopping},
                timeout=min(left_s, _KEEP_ALIVE_S),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not done:
                await http.write(_KEEP_ALIVE, more=True)
        if writing.done():
            return _failure(writing)
        if gone.done():
            raise ClientGoneError
        return StoppingError()
    finally:
        await _cancel(writing, gone)


def _failure(writing: "asyncio.Future[None]") -> BaseException | None:
    try:
        writing.result()
    except ClientGoneError:
        raise
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # told, whatever it is
        return error
    return None


async def _write_all(
    write: Callable[[bytes], Awaitable[None]],
    first: "asyncio.Future[StreamEvent | None]",
    events: AsyncGenerator[StreamEvent, None],
) -> None:
    event = await first
    if event is None:
        return
    await write(_named(event))
    async for event in events:
        await write(_named(event))


async def _cancel(*tasks: "asyncio.Future[None] | asyncio.Future[StreamEvent | None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _named(event: StreamEvent) -> bytes:
    message = event.message
    oneof = message.DESCRIPTOR.oneofs[0].name if message.DESCRIPTOR.oneofs else ""
    name = message.WhichOneof(oneof) if oneof else None
    token: str = getattr(message, _TOKEN) if _TOKEN in message.DESCRIPTOR.fields_by_name else ""
    return _event(name or "message", event.json, token)


def _event(name: str, content: bytes, token: str = "") -> bytes:
    # Without an id a reader keeps the last one.
    head = b"id: %b\n" % token.encode() if token else b""
    return b"%bevent: %b\ndata: %b\n\n" % (head, name.encode(), content)
