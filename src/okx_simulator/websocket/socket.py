"""How do frames leave one WebSocket? Writes to an aiohttp socket, through a bounded queue."""

import asyncio
import time
from enum import Enum, auto

from aiohttp import web

from okx_simulator.fault.faults import Faults
from okx_simulator.fault.rule import Kind, Occasion
from okx_simulator.websocket.error import CLOSE_REASONS, CloseCode
from okx_simulator.websocket.session import Session

# A slow reader is cut off with 4005 beyond this.
OUTGOING_FRAMES_MAX = 10_000
_CLOSE_S_MAX = 2.0
_LINGER_LOOK_S = 0.2
_LINGER_LOOKS_MAX = 3_000


def monotonic_us() -> int:
    """Return the clock by which waits and silences are measured, in microseconds."""
    return time.monotonic_ns() // 1_000


class Silence(Enum):
    """How silent a socket has fallen by a fault."""

    NONE = auto()
    STALLED = auto()  # no frame leaves
    STALLED_BUT_PONG = auto()  # only pongs leave
    HALF_OPEN = auto()  # nothing leaves, not even the answer to a close


class Socket:
    """One WebSocket: its session, and what still has to be written.

    Nothing here waits but `write`, which one task runs from the upgrade to the end.
    """

    def __init__(
        self,
        websocket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        session: Session,
        faults: Faults,
    ) -> None:
        self.session = session
        self.silence = Silence.NONE
        self.is_gone = False
        self.is_closing = False
        self.last_frame_us = monotonic_us()
        self._websocket = websocket
        self._transport = transport
        self._faults = faults
        self._queue: asyncio.Queue[str | CloseCode] = asyncio.Queue(OUTGOING_FRAMES_MAX)

    def send(self, text: str) -> None:
        """Send an answer."""
        if self.silence is Silence.NONE:
            self._put(text)

    def pong(self) -> None:
        """Send the text that answers "ping"."""
        if self.silence in (Silence.NONE, Silence.STALLED_BUT_PONG):
            self._put("pong")

    def push(self, text: str, channel: str) -> None:
        """Send a push of a channel, unless a fault strikes it."""
        repeats = 1
        if self._faults.concern_pushes and self.silence is Silence.NONE:
            repeats = self._strike(channel)
        for _ in range(repeats):
            self.send(text)

    def fall_silent(self, kind: Kind, *, pong: bool) -> None:
        """Send nothing any more, but keep the connection."""
        if kind is Kind.STALL:
            self.silence = Silence.STALLED_BUT_PONG if pong else Silence.STALLED
        else:
            self.silence = Silence.HALF_OPEN

    def close(self, code: CloseCode) -> None:
        """Close once everything before has been sent."""
        try:
            self._queue.put_nowait(code)
        except asyncio.QueueFull:
            self.abort()

    def abort(self) -> None:
        """Lose the connection at once, without a close frame and without what was unsent."""
        self.is_gone = True
        if self._transport is not None:
            self._transport.abort()

    def touch(self) -> None:
        """Note that a frame passed, in whichever direction."""
        self.last_frame_us = monotonic_us()

    async def write(self) -> None:
        """Write until the socket is closed."""
        while not self.is_gone:
            item = await self._queue.get()
            try:
                if isinstance(item, CloseCode):
                    self.is_gone = self.is_closing = True
                    message = CLOSE_REASONS[item].encode()
                    async with asyncio.timeout(_CLOSE_S_MAX):
                        await self._websocket.close(code=item, message=message)
                else:
                    await self._websocket.send_str(item)
                    self.touch()
            except (ConnectionError, TimeoutError, RuntimeError):
                # RuntimeError is aiohttp's word for a socket that is closing.
                self.abort()

    async def linger(self) -> None:
        """Wait, bounded, until the client gives the connection up."""
        for _ in range(_LINGER_LOOKS_MAX):
            if self._transport is None or self._transport.is_closing():
                return
            await asyncio.sleep(_LINGER_LOOK_S)

    def _put(self, text: str) -> None:
        if self.is_gone:
            return
        if self._queue.qsize() >= OUTGOING_FRAMES_MAX - 1:
            # What waits would not be read either; the reader learns why at once.
            while not self._queue.empty():
                self._queue.get_nowait()
            self._queue.put_nowait(CloseCode.BUFFER_FULL)
            return
        self._queue.put_nowait(text)

    def _strike(self, channel: str) -> int:
        """Let a fault strike a push; return how often it is to be sent."""
        session = self.session
        occasion = Occasion(
            "ws", "push", channel, uid=session.uid, url=str(session.url), is_push=True
        )
        rule = self._faults.decide_push(occasion)
        if rule is None:
            return 1
        if rule.kind is Kind.LOSE_PUSH:
            return 0
        if rule.kind is Kind.REPEAT_PUSH:
            return 2
        self.fall_silent(rule.kind, pong=rule.pong)
        return 0
