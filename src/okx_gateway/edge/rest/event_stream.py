"""How does a stream of answers become Server-Sent Events?  Touches ASGI.

Events are named after what they hold, such as `ticker` or `gap`; the content is the answer as
JSON, on one line. Where an answer has a `resume_token` it is the event's id, and a request that
takes one may name it in the header `Last-Event-ID`, as readers do by themselves.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from google.protobuf.message import Message

from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import StoppingError
from okx_gateway.edge.rest.http_exchange import ClientGoneError, HttpExchange, status_json
from okx_gateway.edge.rest.message_json import json_of_message
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
    events: AsyncGenerator[Message, None],
    *,
    deadline: Deadline | None,
    stopping: "asyncio.Future[None]",
    told: Callable[[BaseException], RpcStatus],
) -> None:
    """Write events until they end, the client goes, the deadline passes or `stopping` is done.

    What fails after the stream has begun is written as an event named `error`, which `told` gives
    the status of.

    Raises:
        ClientGoneError: The client has gone, or reads nothing.
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
            error = await _write_until_end(http, first, events, deadline, stopping)
            if error is not None:
                # The HTTP status is out already: the stream itself has to tell.
                await http.write(_event("error", status_json(told(error))), more=True)
            await http.write(b"", more=False)
        finally:
            await _cancel(first)


async def _write_until_end(
    http: HttpExchange,
    first: "asyncio.Future[Message | None]",
    events: AsyncGenerator[Message, None],
    deadline: Deadline | None,
    stopping: "asyncio.Future[None]",
) -> BaseException | None:
    """Why the stream ended before its time; None where it was at its end."""
    writing = asyncio.ensure_future(_write_all(http, first, events))
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
        if gone.done():
            raise ClientGoneError
        return _failure(writing) if writing.done() else StoppingError()
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
    http: HttpExchange,
    first: "asyncio.Future[Message | None]",
    events: AsyncGenerator[Message, None],
) -> None:
    event = await first
    if event is None:
        return
    await http.write(_named(event), more=True)
    async for event in events:
        await http.write(_named(event), more=True)


async def _cancel(*tasks: "asyncio.Future[None] | asyncio.Future[Message | None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _named(event: Message) -> bytes:
    oneof = event.DESCRIPTOR.oneofs[0].name if event.DESCRIPTOR.oneofs else ""
    name = event.WhichOneof(oneof) if oneof else None
    token: str = getattr(event, _TOKEN) if _TOKEN in event.DESCRIPTOR.fields_by_name else ""
    return _event(name or "message", json_of_message(event), token)


def _event(name: str, content: bytes, token: str = "") -> bytes:
    # Without an id a reader keeps the last one.
    head = b"id: %b\n" % token.encode() if token else b""
    return b"%bevent: %b\ndata: %b\n\n" % (head, name.encode(), content)
