"""How is the REST edge served?  Touches the network through uvicorn, in the loop that runs."""

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from okx_gateway.edge.asgi_app import AsgiApp
from okx_gateway.settings import ListenAddress

_HEAD_BYTES_MAX = 32 * 1024
_BACKLOG = 1024
_KEEPALIVE_S = 75
_START_POLL_S = 0.01
_START_POLLS_MAX = 1_000


class _BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose request line and headers do not end within 32 KiB."""

    _head_bytes = 0
    _in_head = True

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_BYTES_MAX:
                self.transport.close()

    def on_message_begin(self) -> None:
        self._head_bytes = 0
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()


class _Server(uvicorn.Server):
    """A server that leaves signals to the program."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class RestServer:
    """Serves `app` at `listen`, over at most `connections_max` connections."""

    def __init__(self, app: AsgiApp, *, listen: ListenAddress, connections_max: int) -> None:
        self._app = app
        self._listen = listen
        self._server = _Server(
            uvicorn.Config(
                app,
                http=_BoundedProtocol,
                loop="none",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEPALIVE_S,
                limit_concurrency=connections_max,
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
        port: int = listener.getsockname()[1]
        self._serving = asyncio.get_running_loop().create_task(
            self._server.serve(sockets=[listener])
        )
        for _ in range(_START_POLLS_MAX):
            if self._server.started or self._serving.done():
                break
            await asyncio.sleep(_START_POLL_S)
        return ListenAddress(self._listen.host, port)

    async def stop(self, grace_s: float) -> None:
        """End streams, and let what is under way finish within `grace_s`."""
        if self._serving is None:
            return
        self._app.end_streams()
        self._server.config.timeout_graceful_shutdown = max(1, round(grace_s))
        self._server.should_exit = True
        await asyncio.gather(self._serving, return_exceptions=True)
