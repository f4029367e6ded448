"""What passes between two programs, message by message, and what can be done with it on its way?

A wire listens where one program takes the other to be, and passes messages on. Traps wait for a
certain message; whoever set one decides what becomes of the message while it is held.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

_CHUNK_BYTES = 1 << 16
# Source: RFC 6455, 5.2.
_MASKED, _MASK_BYTES = 0x80, 4
_LOST = (ConnectionError, OSError, asyncio.IncompleteReadError)


class Splitter(Protocol):
    """Divides a stream of bytes into messages."""

    def feed(self, received: bytes) -> list[bytes]:
        """Take more bytes; the messages that are whole now."""
        ...


@dataclass(frozen=True, slots=True)
class Passage:
    """A message on its way: `reply` is none while that is the request."""

    request: bytes
    reply: bytes | None = None


class Where(Enum):
    """How far a message has got when its trap closes."""

    HELD = "held"
    HALF = "half"
    PASSED = "passed"


@dataclass(eq=False)
class Trap:
    """Closes on the messages that `on` is true of; each is held until its fate is known.

    `fate` is true for messages to be delivered after all, false for their connection to be lost.
    """

    on: Callable[[Passage], bool]
    where: Where = Where.HELD
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    fate: "asyncio.Future[bool]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    caught: list[Passage] = field(default_factory=list)

    def takes(self, passage: Passage) -> bool:
        """Whether a message must not just pass."""
        return not (self.fate.done() and self.fate.result()) and self.on(passage)

    def open(self, *, deliver: bool) -> None:
        """Deliver what is held, and what comes from now on; or lose it all."""
        if not self.fate.done():
            self.fate.set_result(deliver)


class _Connection:
    """One connection through a wire: two ways, and what was asked and not yet answered."""

    def __init__(self, *writers: asyncio.StreamWriter) -> None:
        self.writers = writers
        self.asked: deque[bytes] = deque()

    def cut(self) -> None:
        """End it at once, on both sides, with what is on its way lost."""
        for writer in self.writers:
            writer.transport.abort()


Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class Wire:
    """Passes what one program says to the other, and its answers."""

    def __init__(self, connect: Connect, splitter: Callable[[], Splitter]) -> None:
        self.connect = connect
        self.traps: list[Trap] = []
        self.seen: Callable[[Passage], None] = lambda _: None
        # Clear while nothing passes either way and nobody is told, as where a cable is cut.
        self.alive = asyncio.Event()
        self.alive.set()
        # How long every message takes on its way, s; asked for each.
        self.delay_s: Callable[[], float] = lambda: 0.0
        self.on_connect = asyncio.Event()
        self._splitter = splitter
        self._connections: set[_Connection] = set()
        self._pumps: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """End every connection."""
        for connection in list(self._connections):
            connection.cut()

    def cut_idle(self) -> None:
        """End the connections on which nothing waits for an answer."""
        for connection in list(self._connections):
            if not connection.asked:
                connection.cut()

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[str]:
        """The address at which it takes connections for the block."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        try:
            host, port = server.sockets[0].getsockname()
            yield f"{host}:{port}"
        finally:
            server.close()
            self.cut()
            for pump in list(self._pumps):
                pump.cancel()
            await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.on_connect.set()
        try:
            answers, questions = await self.connect()
        except _LOST:
            writer.transport.abort()
            return
        connection = _Connection(writer, questions)
        self._connections.add(connection)
        pumps = [
            asyncio.create_task(self._pump(connection, reader, questions, asks=True)),
            asyncio.create_task(self._pump(connection, answers, writer, asks=False)),
        ]
        self._pumps.update(pumps)
        for pump in pumps:
            pump.add_done_callback(self._pumps.discard)
        await asyncio.wait(pumps)
        self._connections.discard(connection)

    async def _pump(
        self,
        connection: _Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        asks: bool,
    ) -> None:
        splitter = self._splitter()
        with suppress(*_LOST):
            while received := await reader.read(_CHUNK_BYTES):
                for message in splitter.feed(received):
                    if asks:
                        connection.asked.append(message)
                        await self._pass(Passage(message), message, connection, writer)
                        continue
                    asked = connection.asked[0] if connection.asked else b""
                    await self._pass(Passage(asked, message), message, connection, writer)
                    if connection.asked:
                        connection.asked.popleft()
        writer.close()

    async def _pass(
        self,
        passage: Passage,
        message: bytes,
        connection: _Connection,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.seen(passage)
        if delay_s := self.delay_s():
            await asyncio.sleep(delay_s)
        await self.alive.wait()
        trap = next((each for each in self.traps if each.takes(passage)), None)
        if trap is None:
            writer.write(message)
            await writer.drain()
            return
        trap.caught.append(passage)
        passed = {Where.HELD: 0, Where.HALF: len(message) // 2, Where.PASSED: len(message)}
        sent = passed[trap.where]
        writer.write(message[:sent])
        await writer.drain()
        trap.closed.set()
        if sent == len(message):
            return
        if not await asyncio.shield(trap.fate):
            connection.cut()
            raise ConnectionResetError
        writer.write(message[sent:])
        await writer.drain()


class HttpSplitter:
    """Divides HTTP/1.1, requests or responses."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, received: bytes) -> list[bytes]:
        """Take more bytes; the messages that are whole now."""
        self._held += received
        found = []
        while end := _http_end(self._held):
            found.append(self._held[:end])
            self._held = self._held[end:]
        return found


def _http_end(held: bytes) -> int:
    """Where the first message ends; 0 where it is not whole yet."""
    head, gap, _ = held.partition(b"\r\n\r\n")
    if not gap:
        return 0
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
    }
    start = len(head) + 4
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        end = _chunks_end(held, start)
    else:
        end = start + int(headers.get(b"content-length", b"0"))
    return end if 0 < end <= len(held) else 0


def _chunks_end(held: bytes, at: int) -> int:
    while (line := held.find(b"\r\n", at)) >= 0:
        length = int(held[at:line].partition(b";")[0], 16)
        at = line + 2 + length + 2
        if not length:
            return at
    return 0


class SocketSplitter:
    """Divides one direction of a WebSocket: the head of the handshake, then frames.

    What a client has masked is given masked with zeros, which is as valid and can be read.
    """

    def __init__(self) -> None:
        self._held = b""
        self._is_open = False

    def feed(self, received: bytes) -> list[bytes]:
        """Take more bytes; the messages that are whole now."""
        self._held += received
        found = []
        while end := self._end():
            message, self._held = self._held[:end], self._held[end:]
            found.append(_unmasked(message) if self._is_open else message)
            self._is_open = True
        return found

    def _end(self) -> int:
        return _frame_end(self._held) if self._is_open else _http_end(self._held)


def _frame_parts(held: bytes) -> tuple[int, int]:
    """Where the mask or else the payload of the first frame begins, and how long its payload is."""
    length = held[1] & 0x7F
    wide = {126: 2, 127: 8}.get(length, 0)
    return 2 + wide, int.from_bytes(held[2 : 2 + wide], "big") if wide else length


def _frame_end(held: bytes) -> int:
    """Where the first frame ends; 0 where it is not whole yet."""
    if len(held) < 2:  # the least that a frame has
        return 0
    start, length = _frame_parts(held)
    end = start + (_MASK_BYTES if held[1] & _MASKED else 0) + length
    return end if start <= len(held) and end <= len(held) else 0


def _unmasked(frame: bytes) -> bytes:
    if not frame[1] & _MASKED:
        return frame
    start, _ = _frame_parts(frame)
    mask, payload = frame[start : start + _MASK_BYTES], frame[start + _MASK_BYTES :]
    plain = bytes(byte ^ mask[number % _MASK_BYTES] for number, byte in enumerate(payload))
    return frame[:start] + bytes(_MASK_BYTES) + plain


class RespSplitter:
    """Divides what Redis and its clients say to each other."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, received: bytes) -> list[bytes]:
        """Take more bytes; the messages that are whole now."""
        self._held += received
        found, begin = [], 0
        while (end := _resp_end(self._held, begin)) > 0:
            found.append(self._held[begin:end])
            begin = end
        self._held = self._held[begin:]
        return found


def _resp_end(held: bytes, at: int) -> int:
    """Where the value that begins `at` ends; 0 where it is not whole yet."""
    wanted = 1
    while wanted:
        line = held.find(b"\r\n", at)
        if line < 0:
            return 0
        kind, wanted = held[at : at + 1], wanted - 1
        rest, at = held[at + 1 : line], line + 2
        if kind in b"$=!" and int(rest) >= 0:
            at += int(rest) + 2
        elif kind in b"*~>%|":
            wanted += max(0, int(rest)) * (2 if kind in b"%|" else 1)
    return at if at <= len(held) else 0


def resp_words(request: bytes) -> list[bytes]:
    """The words of a command."""
    words, at = [], request.find(b"\r\n") + 2
    while at < len(request):
        line = request.find(b"\r\n", at)
        length = int(request[at + 1 : line])
        words.append(request[line + 2 : line + 2 + length])
        at = line + 2 + length + 2
    return words
