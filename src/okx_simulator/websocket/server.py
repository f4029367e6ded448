"""How do clients reach the exchange over WebSockets? Serves them with aiohttp.

Source: OKX docs, 'WebSocket' (URLs, limit of connects, silence, size of frames).
"""

import asyncio
import logging
from random import Random

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from okx_simulator.event import Event
from okx_simulator.exchange import Exchange
from okx_simulator.fault.faults import Faults
from okx_simulator.limit.limits import Limits
from okx_simulator.websocket.broadcast import Broadcast
from okx_simulator.websocket.channel import Url
from okx_simulator.websocket.dispatch import Dispatch
from okx_simulator.websocket.error import CloseCode
from okx_simulator.websocket.session import Session
from okx_simulator.websocket.socket import Silence, Socket, monotonic_us
from okx_simulator.websocket.socket_registry import SOCKETS_MAX, SocketRegistry

FRAME_BYTES_MAX = 65_536
IDLE_MS = 30_000
_FLUSH_S = 0.02
_CLOSE_S_MAX = 2.0
_DEMO_BROKER = "9999"
_log = logging.getLogger(__name__)


class WebSocketServer:
    """Accepts sockets, reads them, and pushes what their channels have to tell.

    `idle_ms` is how long a socket may be without any frame before it is closed.
    """

    def __init__(
        self,
        exchange: Exchange,
        dispatch: Dispatch,
        broadcast: Broadcast,
        sockets: SocketRegistry,
        *,
        limits: Limits,
        faults: Faults,
        seed: int,
        idle_ms: int = IDLE_MS,
    ) -> None:
        self._exchange = exchange
        self._dispatch = dispatch
        self._broadcast = broadcast
        self._sockets = sockets
        self._limits = limits
        self._faults = faults
        self._idle_us = idle_ms * 1_000
        self._random = Random(f"{seed}/connections")
        self._flushing: asyncio.Task[None] | None = None

    def add_routes(self, app: web.Application) -> None:
        """Serve /ws/v5/public, private and business, and push while the application runs."""
        for url in Url:
            app.router.add_get(f"/ws/v5/{url}", self._accept)
        app.on_startup.append(self._start)
        app.on_shutdown.append(self._stop)

    async def _accept(self, request: web.Request) -> web.StreamResponse:
        ip = request.remote or ""
        true_us = self._exchange.clock.true_us()
        if not self._limits.charge_connect(ip, true_us) or len(self._sockets) >= SOCKETS_MAX:
            return web.Response(status=429, text="Too Many Requests")
        websocket = web.WebSocketResponse(
            timeout=_CLOSE_S_MAX, autoping=False, autoclose=False, max_msg_size=FRAME_BYTES_MAX
        )
        await websocket.prepare(request)
        session = Session(
            Url(request.path.rpartition("/")[2]),
            self._name(),
            ip,
            is_demo=_is_demo(request),
        )
        socket = Socket(websocket, request.transport, session, self._faults)
        self._sockets.add(socket)
        writing = asyncio.create_task(socket.write())
        try:
            await self._read(socket, websocket)
        finally:
            socket.is_gone = True
            self._sockets.remove(socket)
            self._dispatch.forget(socket)
            if socket.is_closing:
                # The client still has to answer the close.
                await asyncio.wait([writing], timeout=_CLOSE_S_MAX)
            writing.cancel()
        return websocket

    async def _read(self, socket: Socket, websocket: web.WebSocketResponse) -> None:
        """Read until the connection is closed or lost."""
        async for message in websocket:
            if socket.silence is not Silence.HALF_OPEN:
                socket.touch()
                await self._take(socket, websocket, message)
        if socket.silence is Silence.HALF_OPEN:
            await socket.linger()
        else:
            await websocket.close(code=websocket.close_code or WSCloseCode.OK)

    async def _take(
        self, socket: Socket, websocket: web.WebSocketResponse, message: WSMessage
    ) -> None:
        match message.type:
            case WSMsgType.TEXT:
                await self._dispatch.receive(socket, message.data)
            case WSMsgType.BINARY:
                await self._dispatch.receive(socket, message.data.decode(errors="replace"))
            case WSMsgType.PING if socket.silence is not Silence.STALLED:
                await websocket.pong(message.data)

    def _name(self) -> str:
        """Return a connection id that no open socket has."""
        name = f"{self._random.getrandbits(32):08x}"
        while name in self._sockets:
            name = f"{self._random.getrandbits(32):08x}"
        return name

    async def _start(self, _app: web.Application) -> None:
        self._exchange.listen(self._hear)
        self._flushing = asyncio.create_task(self._flush())

    async def _stop(self, _app: web.Application) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
        self._sockets.disconnect(code=CloseCode.GOING_AWAY)
        await self._dispatch.stop()

    def _hear(self, event: Event) -> None:
        self._broadcast.hear(event, self._wake)

    def _wake(self) -> None:
        asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        self._broadcast.tell(monotonic_us())

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_S)
            if self._sockets:
                try:
                    self._broadcast.flush(monotonic_us())
                except Exception:  # noqa: BLE001 - one bad push must not silence all sockets
                    _log.exception("a push failed")
                self._sockets.close_idle(self._idle_us)


def _is_demo(request: web.Request) -> bool:
    """Whether the client asks for demo trading, in the old way or by the header of REST."""
    is_demo_broker = request.query.get("brokerId") == _DEMO_BROKER
    return is_demo_broker or request.headers.get("x-simulated-trading") == "1"
