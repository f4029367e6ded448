import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, Tracer

from okx_gateway.telemetry.span_filter import ALLOWED, SpanFilter, without_the_rest

SOURCES = Path(__file__).parents[4] / "src" / "okx_gateway"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exporter: InMemorySpanExporter) -> Iterator[Tracer]:
    provider = TracerProvider()
    provider.add_span_processor(SpanFilter(SimpleSpanProcessor(exporter)))
    yield provider.get_tracer("test")
    provider.shutdown()


def exported(exporter: InMemorySpanExporter) -> ReadableSpan:
    (span,) = exporter.get_finished_spans()
    return span


def test_what_is_not_on_the_list_does_not_leave(
    tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    other = SpanContext(trace_id=7, span_id=8, is_remote=True)
    span = tracer.start_span(
        "send",
        kind=SpanKind.CLIENT,
        attributes={"okx.endpoint": "PLACE_ORDER", "ok-access-key": "planted"},
        links=[Link(other, {"okx.endpoint": "0", "note": "planted"})],
    )
    span.add_event("planned", {"okx.endpoint": "0", "body": "planted"})
    span.record_exception(ValueError("planted"))
    span.set_status(Status(StatusCode.ERROR, "planted"))
    span.end()
    left = exported(exporter)
    assert "planted" not in left.to_json()
    assert dict(left.attributes or {}) == {"okx.endpoint": "PLACE_ORDER"}
    assert [dict(event.attributes or {}) for event in left.events] == [
        {"okx.endpoint": "0"},
        {"exception.type": "ValueError"},
    ]
    assert left.links[0].context is other
    assert left.status.status_code is StatusCode.ERROR


def test_the_rest_of_a_span_stays_as_it_was(tracer: Tracer, exporter: InMemorySpanExporter) -> None:
    with tracer.start_as_current_span("call") as parent:
        inner = tracer.start_span("send", attributes={"other": 1})
        inner.end()
    left, _ = exporter.get_finished_spans()
    assert left.name == "send"
    assert left.context == inner.get_span_context()
    assert left.parent == parent.get_span_context()
    assert left.end_time is not None
    assert left.start_time is not None
    assert left.end_time >= left.start_time
    assert left.instrumentation_scope is not None
    assert left.instrumentation_scope.name == "test"
    assert left.resource.attributes["service.name"]


def test_a_span_with_nothing_to_drop_is_not_copied() -> None:
    span = ReadableSpan("send", attributes={"okx.endpoint": "0"})
    assert without_the_rest(span) is span


def test_the_inner_processor_is_told_of_everything() -> None:
    class Recorder(SpanProcessor):
        def __init__(self) -> None:
            self.calls: list[str] = []

        def on_start(self, *args: object, **kwargs: object) -> None:
            self.calls.append("start")

        def on_end(self, span: ReadableSpan) -> None:
            self.calls.append("end")

        def shutdown(self) -> None:
            self.calls.append("shutdown")

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            self.calls.append("flush")
            return True

    recorder = Recorder()
    provider = TracerProvider()
    provider.add_span_processor(SpanFilter(recorder))
    provider.get_tracer("test").start_span("x").end()
    provider.force_flush()
    provider.shutdown()
    assert recorder.calls == ["start", "end", "flush", "shutdown"]


def attribute_names(tree: ast.AST) -> Iterator[str]:
    """Names that a source file puts on spans, where they stand as texts."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            if called == "set_attribute" and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)
            if called == "step":
                for keyword in node.keywords:
                    if isinstance(keyword.value, ast.Dict):
                        keys = keyword.value.keys
                        yield from (str(k.value) for k in keys if isinstance(k, ast.Constant))
                    elif keyword.arg:
                        yield keyword.arg


def test_every_attribute_that_the_gateway_sets_is_on_the_list() -> None:
    named = {
        name
        for path in SOURCES.rglob("*.py")
        if "/api/" not in str(path)
        for name in attribute_names(ast.parse(path.read_text()))
    }
    assert "okx.endpoint" in named
    assert named <= ALLOWED
