"""How is the REST edge served?  Touches the network through uvicorn, in the loop that runs."""

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn

from okx_gateway.edge.rest.asgi_app import AsgiApp
from okx_gateway.edge.rest.uvicorn_connection import UvicornConnection
from okx_gateway.edge.tls_files import TlsFiles
from okx_gateway.settings import ListenAddress

_BACKLOG = 1024
_KEEPALIVE_S = 75
_UNREAD_WAIT_MS = 30_000


class _Server(uvicorn.Server):
    """A server that leaves signals to the program, and says when it has begun."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.begun = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.begun.set()


class RestServer:
    """Serves `app` at `listen`, over at most `connections_max` connections.

    Without `tls` in clear.
    """

    def __init__(
        self,
        app: AsgiApp,
        *,
        listen: ListenAddress,
        connections_max: int,
        tls: TlsFiles | None,
    ) -> None:
        self._app = app
        self._listen = listen
        self._server = _Server(
            uvicorn.Config(
                app,
                http=UvicornConnection,
                loop="none",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEPALIVE_S,
                limit_concurrency=connections_max,
                ssl_context_factory=(lambda *_: tls.context) if tls else None,
            )
        )
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> ListenAddress:
        """Begin to serve; the address that was bound.

        Raises:
            OSError: The address cannot be bound.
        """
        family = socket.AF_INET6 if ":" in self._listen.host else socket.AF_INET
        listener = socket.create_server(
            (self._listen.host, self._listen.port), family=family, backlog=_BACKLOG
        )
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # Inherited by connections: ends those whose client reads no more, or has vanished.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_WAIT_MS)
        self._serving = asyncio.get_running_loop().create_task(
            self._server.serve(sockets=[listener])
        )
        begun = asyncio.ensure_future(self._server.begun.wait())
        await asyncio.wait({begun, self._serving}, return_when=asyncio.FIRST_COMPLETED)
        begun.cancel()
        if self._serving.done():
            self._serving.result()
        port: int = listener.getsockname()[1]
        return ListenAddress(self._listen.host, port)

    async def stop(self, grace_s: float) -> None:
        """End streams, and let what is under way finish within `grace_s`; then end everything."""
        if self._serving is None:
            return
        self._app.end_streams()
        self._server.config.timeout_graceful_shutdown = max(1, round(grace_s))
        self._server.should_exit = True
        await asyncio.gather(self._serving, return_exceptions=True)
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
