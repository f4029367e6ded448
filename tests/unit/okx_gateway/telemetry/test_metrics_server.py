import http.client
import socket
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Counter

from okx_gateway.settings import ListenAddress
from okx_gateway.telemetry import metrics_server
from okx_gateway.telemetry.metrics_server import MetricsServer


@pytest.fixture
def server() -> Iterator[MetricsServer]:
    registry = CollectorRegistry()
    Counter("calls", "Calls.", registry=registry).inc(7)
    server = MetricsServer(registry, ListenAddress("127.0.0.1", 0))
    yield server
    server.close()


def get(server: MetricsServer, path: str, method: str = "GET") -> tuple[int, str, str]:
    connection = http.client.HTTPConnection(server.address.host, server.address.port, timeout=5)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.headers["Content-Type"], response.read().decode()
    finally:
        connection.close()


def test_prometheus_reads_the_metrics(server: MetricsServer) -> None:
    status, content_type, text = get(server, "/metrics")
    assert status == 200
    assert content_type.startswith("text/plain; version=")
    assert "calls_total 7.0" in text


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/", "GET", 404),
        ("/metricsx", "GET", 404),
        ("/metrics?x=1", "GET", 200),
        ("/metrics", "POST", 501),
    ],
)
def test_there_is_nothing_else(server: MetricsServer, path: str, method: str, status: int) -> None:
    assert get(server, path, method)[0] == status


def test_the_port_that_was_chosen_is_told(server: MetricsServer) -> None:
    assert server.address.port > 0


def test_a_taken_port_is_an_error(server: MetricsServer) -> None:
    with pytest.raises(OSError, match="in use"):
        MetricsServer(CollectorRegistry(), server.address)


def test_connections_that_say_nothing_cannot_use_it_up(
    server: MetricsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_server._Reading, "timeout", 0.3)
    address = (server.address.host, server.address.port)
    idle = [socket.create_connection(address, timeout=5) for _ in range(20)]
    try:
        closed = [connection for connection in idle if connection.recv(1) == b""]
    finally:
        for connection in idle:
            connection.close()
    assert len(closed) == 20
    assert get(server, "/metrics")[0] == 200


def test_a_reader_that_goes_away_is_no_event(
    server: MetricsServer, capfd: pytest.CaptureFixture[str]
) -> None:
    connection = socket.create_connection((server.address.host, server.address.port), timeout=5)
    connection.sendall(b"GET /metrics HTTP/1.1\r\n")
    connection.close()
    assert get(server, "/metrics")[0] == 200
    assert capfd.readouterr() == ("", "")


def test_a_closed_server_frees_its_port() -> None:
    server = MetricsServer(CollectorRegistry(), ListenAddress("127.0.0.1", 0))
    address = server.address
    server.close()
    again = MetricsServer(CollectorRegistry(), address)
    again.close()


def test_it_listens_on_ipv6_too() -> None:
    try:
        server = MetricsServer(CollectorRegistry(), ListenAddress("::1", 0))
    except OSError:
        pytest.skip("no IPv6 here")
    assert get(server, "/metrics")[0] == 200
    server.close()
