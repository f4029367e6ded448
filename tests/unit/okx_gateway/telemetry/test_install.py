import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as pb2_grpc

# In a process of its own, because providers can be installed only once in each.
CALL = """
import io, json, os, sys, urllib.request
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from okx_gateway.edge.rpc_span import rpc_span
from okx_gateway.settings import load_settings
from okx_gateway.telemetry import install

kept = InMemorySpanExporter()
log = io.StringIO()
settings = load_settings({
    "OKX_GATEWAY_METRICS_LISTEN": os.environ.get("TEST_METRICS", "127.0.0.1:0"),
    "OKX_GATEWAY_TRACE_SAMPLE_RATIO": os.environ.get("TEST_RATIO", "1"),
})
processors = [SimpleSpanProcessor(kept)] if os.environ.get("TEST_KEEP") else []
telemetry = install(settings, span_processors=processors, log_stream=log)
import structlog
ids = []
for _ in range(int(os.environ.get("TEST_CALLS", "1"))):
    with rpc_span("okx_gateway.api.v1.GatewayService/PlaceOrder", {}) as span:
        trace.get_current_span().set_attribute("planted", "planted-secret")
        structlog.get_logger().info("called")
        ids.append(span.trace_id)
address = telemetry.metrics_address
metrics = ""
if address:
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as response:
        metrics = response.read().decode()
telemetry.shutdown()
print(json.dumps({
    "ids": ids,
    "log": [json.loads(line) for line in log.getvalue().splitlines()],
    "spans": [json.loads(span.to_json()) for span in kept.get_finished_spans()],
    "metrics": metrics,
}))
"""


def run(**environ: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CALL],
        env={"PATH": "/usr/bin:/bin", **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "planted-secret" not in done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


class Collector(pb2_grpc.TraceServiceServicer):
    """An OTLP receiver, as any collector has."""

    def __init__(self) -> None:
        self.requests: list[pb2.ExportTraceServiceRequest] = []

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802  # as generated
        self.requests.append(request)
        return pb2.ExportTraceServiceResponse()


@pytest.fixture
def collector() -> Iterator[tuple[Collector, str]]:
    collector = Collector()
    server = grpc.server(ThreadPoolExecutor(max_workers=2))
    pb2_grpc.add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield collector, f"http://127.0.0.1:{port}"
    server.stop(None).wait()


def test_a_call_shows_in_span_log_and_metrics() -> None:
    seen = run(TEST_KEEP="1")
    (span,) = seen["spans"]
    assert span["name"] == "okx_gateway.api.v1.GatewayService/PlaceOrder"
    assert span["context"]["trace_id"] == f"0x{seen['ids'][0]}"
    assert span["resource"]["attributes"]["service.name"] == "okx-gateway"
    assert span["resource"]["attributes"]["service.version"]
    assert "planted" not in json.dumps(seen)
    (line,) = seen["log"]
    assert line["trace_id"] == seen["ids"][0]
    wanted = (
        'rpc_server_call_duration_seconds_count{rpc_method="okx_gateway.api.v1.GatewayService/'
        'PlaceOrder",rpc_status_code="OK",rpc_system_name="grpc"} 1.0'
    )
    assert wanted in seen["metrics"]
    assert 'le="0.075"' in seen["metrics"]
    assert "process_cpu_seconds_total" in seen["metrics"]


def test_spans_reach_a_collector_without_what_is_not_allowed(
    collector: tuple[Collector, str],
) -> None:
    received, endpoint = collector
    seen = run(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)
    (request,) = received.requests
    assert seen["ids"][0] in request.resource_spans[0].scope_spans[0].spans[0].trace_id.hex()
    assert b"planted" not in request.SerializeToString()


def test_with_nobody_to_send_to_nothing_is_recorded_and_calls_have_an_id() -> None:
    seen = run(TEST_METRICS="")
    assert seen["spans"] == []
    assert seen["metrics"] == ""
    assert len(seen["ids"][0]) == 32
    assert seen["log"][0]["trace_id"] == seen["ids"][0] != "0" * 32


def test_only_the_share_that_was_set_is_recorded() -> None:
    count = len(run(TEST_KEEP="1", TEST_RATIO="0.2", TEST_CALLS="400")["spans"])
    assert 30 < count < 140
    assert run(TEST_KEEP="1", TEST_RATIO="0", TEST_CALLS="20")["spans"] == []


def test_variables_of_the_sdk_are_left_to_it() -> None:
    seen = run(TEST_KEEP="1", OTEL_SERVICE_NAME="mine", OTEL_TRACES_SAMPLER="always_off")
    assert seen["spans"] == []
    assert 'service_name="mine"' in seen["metrics"]


def test_a_dead_collector_does_not_hold_up_the_end() -> None:
    started_s = time.monotonic()
    run(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert time.monotonic() - started_s < 15


def test_another_protocol_is_warned_of(collector: tuple[Collector, str]) -> None:
    seen = run(
        OTEL_EXPORTER_OTLP_ENDPOINT=collector[1], OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf"
    )
    assert seen["log"][0]["event"] == "spans are sent over grpc only"
    assert len(collector[0].requests) == 1
