import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, SpanKind, StatusCode

from okx_gateway.domain.errors import ExchangeUnavailableError, OrderNotFoundError
from okx_gateway.edge import rpc_span as module
from okx_gateway.edge.rpc_span import HttpRoute, rpc_span, trace_carrier

METHOD = "okx_gateway.api.v1.GatewayService/PlaceOrder"
ROUTE = HttpRoute("POST", "/v1/accounts/{account}/orders")
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
CARRIER = {"traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01", "tracestate": "vendor=1"}


@dataclass
class Exported:
    spans: InMemorySpanExporter
    metrics: InMemoryMetricReader

    @property
    def span(self) -> ReadableSpan:
        (span,) = self.spans.get_finished_spans()
        return span

    def points(self, name: str) -> list[HistogramDataPoint]:
        exported = self.metrics.get_metrics_data()
        return [
            point
            for resource in (exported.resource_metrics if exported else [])
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
            if isinstance(point, HistogramDataPoint)
        ]


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[Exported]:
    """Real providers, beside the global ones that a process can only set once."""
    exported = Exported(InMemorySpanExporter(), InMemoryMetricReader())
    tracing = TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(exported.spans))
    metering = MeterProvider([exported.metrics])
    meter = metering.get_meter("test")
    monkeypatch.setattr(module, "_TRACER", tracing.get_tracer("test"))
    for attribute, name in (
        ("_RPC_DURATION_S", "rpc.server.call.duration"),
        ("_HTTP_DURATION_S", "http.server.request.duration"),
    ):
        histogram = meter.create_histogram(
            name, explicit_bucket_boundaries_advisory=module._BOUNDARIES_S
        )
        monkeypatch.setattr(module, attribute, histogram)
    yield exported
    tracing.shutdown()
    metering.shutdown()


def of(span: ReadableSpan) -> SpanContext:
    context = span.get_span_context()
    assert context is not None
    return context


def test_a_call_over_grpc_is_a_server_span_and_a_duration(exported: Exported) -> None:
    with rpc_span(METHOD, {}) as span:
        span.end_with("OK")
    assert exported.span.name == METHOD
    assert exported.span.kind is SpanKind.SERVER
    assert exported.span.parent is None
    assert exported.span.status.status_code is StatusCode.UNSET
    expected = {"rpc.method": METHOD, "rpc.system.name": "grpc", "rpc.status_code": "OK"}
    assert dict(exported.span.attributes or {}) == expected
    (point,) = exported.points("rpc.server.call.duration")
    assert dict(point.attributes or {}) == expected
    assert point.count == 1
    assert point.sum < 1
    assert point.explicit_bounds == module._BOUNDARIES_S


def test_a_call_over_rest_follows_the_conventions_of_http(exported: Exported) -> None:
    with rpc_span(METHOD, {}, http=ROUTE) as span:
        span.end_with("NOT_FOUND", http_status=404)
    expected = {
        "rpc.method": METHOD,
        "rpc.status_code": "NOT_FOUND",
        "http.request.method": "POST",
        "http.route": "/v1/accounts/{account}/orders",
        "http.response.status_code": 404,
    }
    assert dict(exported.span.attributes or {}) == expected
    assert exported.span.status.status_code is StatusCode.UNSET
    assert len(exported.points("http.server.request.duration")) == 1
    assert exported.points("rpc.server.call.duration") == []


@pytest.mark.parametrize(
    ("code", "http_status", "failed"),
    [
        ("OK", None, False),
        ("INVALID_ARGUMENT", None, False),
        ("RESOURCE_EXHAUSTED", None, False),
        ("UNKNOWN", None, True),
        ("INTERNAL", None, True),
        ("UNAVAILABLE", None, True),
        ("DEADLINE_EXCEEDED", None, True),
        ("RESOURCE_EXHAUSTED", 429, False),
        ("UNAVAILABLE", 503, True),
    ],
)
def test_only_what_the_server_is_to_blame_for_is_an_error(
    exported: Exported, code: str, http_status: int | None, *, failed: bool
) -> None:
    with rpc_span(METHOD, {}, http=ROUTE if http_status else None) as span:
        span.end_with(code, http_status=http_status)
    assert (exported.span.status.status_code is StatusCode.ERROR) is failed
    assert (exported.span.attributes or {}).get("error.type") == (code if failed else None)


@pytest.mark.parametrize(
    ("error", "code", "error_type"),
    [
        (OrderNotFoundError(client_order_id="1"), "NOT_FOUND", None),
        (ExchangeUnavailableError("gone"), "UNAVAILABLE", "UNAVAILABLE"),
        (ValueError("secret words"), "INTERNAL", "ValueError"),
        (asyncio.CancelledError(), "CANCELLED", None),
        (GeneratorExit(), "CANCELLED", None),
    ],
)
def test_an_error_that_escapes_ends_the_call_without_its_words(
    exported: Exported, error: BaseException, code: str, error_type: str | None
) -> None:
    with pytest.raises(type(error)), rpc_span(METHOD, {}):
        raise error
    attributes: dict[str, Any] = dict(exported.span.attributes or {})
    assert attributes["rpc.status_code"] == code
    assert attributes.get("error.type") == error_type
    assert exported.span.events == ()
    assert "secret words" not in exported.span.to_json()


def test_a_call_that_ends_without_a_word_is_ok(exported: Exported) -> None:
    with rpc_span(METHOD, {}):
        pass
    assert (exported.span.attributes or {})["rpc.status_code"] == "OK"


def test_the_callers_trace_goes_on(exported: Exported) -> None:
    with rpc_span(METHOD, CARRIER) as span:
        assert span.trace_id == TRACE_ID
        assert (
            trace.format_trace_id(trace.get_current_span().get_span_context().trace_id) == TRACE_ID
        )
    assert exported.span.parent is not None
    assert trace.format_span_id(exported.span.parent.span_id) == "00f067aa0ba902b7"
    assert of(exported.span).trace_state.get("vendor") == "1"


@pytest.mark.parametrize(
    "traceparent", ["", "garbage", "00-0-0-01", f"00-{'0' * 32}-{'0' * 16}-01"]
)
def test_a_broken_traceparent_begins_a_new_trace(exported: Exported, traceparent: str) -> None:
    with rpc_span(METHOD, {"traceparent": traceparent}) as span:
        assert len(span.trace_id) == 32
    assert exported.span.parent is None


def test_spans_inside_are_children_and_spans_outside_are_not(exported: Exported) -> None:
    with module._TRACER.start_as_current_span("connection"):
        with rpc_span(METHOD, {}), module._TRACER.start_as_current_span("step"):
            pass
        assert trace.get_current_span().get_span_context().is_valid
    spans = {span.name: span for span in exported.spans.get_finished_spans()}
    call = spans[METHOD]
    assert call.parent is None
    assert spans["step"].parent is not None
    assert spans["step"].parent.span_id == of(call).span_id


async def test_calls_at_once_do_not_mix(exported: Exported) -> None:
    async def call(name: str) -> None:
        with rpc_span(name, {}) as span:
            await asyncio.sleep(0)
            assert (
                trace.format_trace_id(trace.get_current_span().get_span_context().trace_id)
                == span.trace_id
            )

    await asyncio.gather(*(call(f"service/{number}") for number in range(20)))
    spans = exported.spans.get_finished_spans()
    assert len({of(span).trace_id for span in spans}) == 20


def test_a_carrier_takes_the_trace_context_and_nothing_else() -> None:
    metadata: list[tuple[str | bytes, str | bytes]] = [
        ("traceparent", "a"),
        ("authorization", "secret"),
        ("some-bin", b"\xff"),
    ]
    headers: list[tuple[str | bytes, str | bytes]] = [
        (b"host", b"x"),
        (b"traceparent", b"b"),
        (b"tracestate", b"x" * 513),
    ]
    assert trace_carrier(metadata) == {"traceparent": "a"}
    assert trace_carrier(headers) == {"traceparent": "b"}


def test_without_an_sdk_a_call_still_runs() -> None:
    with rpc_span(METHOD, CARRIER) as span:
        span.end_with("OK")
        assert span.trace_id == TRACE_ID
