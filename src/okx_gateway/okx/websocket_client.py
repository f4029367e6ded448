"""How does a public WebSocket stay connected?

Touches the network through aiohttp. Reconnects for ever, at random intervals that grow, and never
asks OKX for more than it allows over one connection.
"""

import asyncio
import random
import ssl
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

import aiohttp
import structlog

from okx_gateway.domain.errors import GatewayError
from okx_gateway.okx.rate_limit import CONNECTION_REQUEST_LIMIT
from okx_gateway.okx.ticker_feed import PING, ClosingSoon, FeedEvent, TickerFeed

_LOG = structlog.get_logger()
# OKX closes a socket that was silent for 30 s.
_SILENCE_S = 20.0
_PONG_WAIT_S = 10.0
_CONNECT_TIMEOUT_S = 10.0
_FRAME_BYTES_MAX = 1 << 20
_FIRST_PAUSE_S = 0.4
_PAUSE_MAX_S = 20.0
# Wants that come together leave in one frame: OKX counts frames.
_GATHER_S = 0.05
_REQUESTS_MAX = CONNECTION_REQUEST_LIMIT.count
# A second more than OKX's, for the way that frames take.
_REQUESTS_WINDOW_S = CONNECTION_REQUEST_LIMIT.window_ms / 1000 + 1.0


class FeedListener(Protocol):
    """Who is told what the socket brings."""

    def on_event(self, event: FeedEvent) -> None:
        """Take an event of the feed."""

    def on_connected(self) -> None:
        """Learn that everything wanted is being asked for."""

    def on_lost(self) -> None:
        """Learn that the connection is gone and updates are being missed."""


async def _no_wait() -> None:
    return


class WebSocketClient:
    """Keeps `feed` in conversation over a socket to `url`.

    `wait_for_room` waits until a connection may be made, which OKX counts by address; where it
    raises a GatewayError none is made, and it is asked again later.
    """

    def __init__(
        self,
        url: str,
        feed: TickerFeed,
        listener: FeedListener,
        *,
        tls: ssl.SSLContext | None = None,
        wall_ms: Callable[[], int] = lambda: int(time.time() * 1000),
        wait_for_room: Callable[[], Awaitable[None]] = _no_wait,
    ) -> None:
        self._url = url
        self._feed = feed
        self._listener = listener
        self._tls = tls
        self._wall_ms = wall_ms
        self._wait_for_room = wait_for_room
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Say that the feed has something to send."""
        self._changed.set()

    async def run(self) -> None:
        """Hold a connection for ever, while anything is wanted."""
        pause_s = _FIRST_PAUSE_S
        async with aiohttp.ClientSession(trust_env=False) as session:
            while True:
                if not self._feed.wanted:
                    await self._changed.wait()
                    self._changed.clear()
                    continue
                started_s = time.monotonic()
                try:
                    await self._wait_for_room()
                    await self._converse(session)
                except (aiohttp.ClientError, TimeoutError, OSError, GatewayError) as error:
                    _LOG.warning("the public socket failed", error=type(error).__name__)
                self._feed.disconnected()
                self._listener.on_lost()
                if time.monotonic() - started_s > _PAUSE_MAX_S:
                    pause_s = _FIRST_PAUSE_S
                # Full jitter, so that replicas do not come back together.
                await asyncio.sleep(_FIRST_PAUSE_S + random.uniform(0, pause_s))  # noqa: S311
                pause_s = min(2 * pause_s, _PAUSE_MAX_S)

    async def _converse(self, session: aiohttp.ClientSession) -> None:
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            socket = await session.ws_connect(
                self._url,
                ssl=self._tls if self._tls is not None else True,
                max_msg_size=_FRAME_BYTES_MAX,
                autoping=True,
            )
        async with socket:
            self._feed.connected()
            self._listener.on_connected()
            writer = asyncio.get_running_loop().create_task(self._write(socket))
            try:
                await self._read(socket)
            finally:
                writer.cancel()

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        asked = False
        while True:
            try:
                frame = await socket.receive(timeout=_PONG_WAIT_S if asked else _SILENCE_S)
            except TimeoutError:
                if asked:
                    return
                asked = True
                self._feed.silent()
                self.wake()
                continue
            asked = False
            if frame.type is not aiohttp.WSMsgType.TEXT:
                if frame.type is aiohttp.WSMsgType.BINARY:
                    continue
                return
            for event in self._feed.received(frame.data, receive_ms=self._wall_ms()):
                if isinstance(event, ClosingSoon):
                    return
                self._listener.on_event(event)

    async def _write(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        asked_s: deque[float] = deque(maxlen=_REQUESTS_MAX)
        while True:
            for frame in self._feed.to_send():
                if frame != PING:
                    now_s = time.monotonic()
                    if len(asked_s) == _REQUESTS_MAX and now_s - asked_s[0] < _REQUESTS_WINDOW_S:
                        _LOG.info("the public socket has asked for all it may")
                        # A new connection may ask anew, and does so for everything at once.
                        await socket.close()
                        return
                    asked_s.append(now_s)
                await socket.send_str(frame)
            await self._changed.wait()
            await asyncio.sleep(_GATHER_S)
            self._changed.clear()
