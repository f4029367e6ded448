"""How does Prometheus read the metrics?  Touches a socket and a thread.

In threads of its own, because writing out all metrics takes milliseconds that calls should not
wait for.
"""

import socket
import socketserver
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from okx_gateway.settings import ListenAddress

_PATH = "/metrics"
_CONNECTIONS_MAX = 8
_CONNECTION_TIMEOUT_S = 5.0
_POLL_S = 0.1


class MetricsServer:
    """Serves `registry` at `listen` under /metrics until it is closed.

    Raises:
        OSError: The address cannot be bound.
    """

    def __init__(self, registry: CollectorRegistry, listen: ListenAddress) -> None:
        try:
            self._server = _Server(listen, registry)
        except OSError as error:
            raise OSError(f"cannot serve metrics at {listen}: {error.strerror}") from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_S,), name="metrics", daemon=True
        )
        self._thread.start()

    @property
    def address(self) -> ListenAddress:
        """Where it listens, with the port that the system chose."""
        host, port = self._server.server_address[:2]
        return ListenAddress(str(host), int(port))

    def close(self) -> None:
        """Stop serving; a reading under way may still finish."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_CONNECTION_TIMEOUT_S)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = _CONNECTIONS_MAX * 2

    def __init__(self, listen: ListenAddress, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._free = threading.BoundedSemaphore(_CONNECTIONS_MAX)
        found = socket.getaddrinfo(
            listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        self.address_family, _, _, _, address = found[0]
        super().__init__((str(address[0]), int(address[1])), _Reading)

    def server_bind(self) -> None:
        """Bind without asking a name server for this host's name, as HTTPServer does."""
        socketserver.TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread; with too many under way close it."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection and make room for the next."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a reader that went away is no event."""


class _Reading(BaseHTTPRequestHandler):
    server: _Server
    timeout = _CONNECTION_TIMEOUT_S
    server_version = "okx-gateway"
    sys_version = ""

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != _PATH:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        encode, content_type = choose_encoder(self.headers.get("Accept", ""))
        content = encode(self.server.registry)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as inherited
        """Say nothing: a reading every few seconds is no event."""
