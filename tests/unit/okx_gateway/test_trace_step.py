from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import INVALID_SPAN, Tracer, use_span

from okx_gateway import trace_step
from okx_gateway.trace_step import annotate, step


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tracer]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    monkeypatch.setattr(trace_step, "_TRACER", tracer)
    yield tracer
    provider.shutdown()


def test_a_step_is_a_span_below_the_current_one(
    tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    with tracer.start_as_current_span("call"), step("admit", **{"okx.endpoint": "X"}) as span:
        span.set_attribute("wait_ms", 5)
        with step("send"):
            pass
    send, admit, call = exporter.get_finished_spans()
    assert (send.name, admit.name, call.name) == ("send", "admit", "call")
    assert admit.attributes == {"okx.endpoint": "X", "wait_ms": 5}
    assert admit.parent is not None
    assert call.context is not None
    assert admit.parent.span_id == call.context.span_id
    assert send.parent is not None
    assert admit.context is not None
    assert send.parent.span_id == admit.context.span_id


def test_of_an_error_only_the_type_is_recorded(
    tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    with (
        pytest.raises(ValueError, match="what was sent"),
        tracer.start_as_current_span("call", record_exception=False, set_status_on_exception=False),
        step("send"),
    ):
        raise ValueError("what was sent")
    [send, _] = exporter.get_finished_spans()
    assert send.attributes == {"error.type": "ValueError"}
    assert send.events == ()
    assert send.status.description is None


def test_without_a_recorded_span_nothing_is_made(
    tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    with use_span(INVALID_SPAN), step("admit") as span:
        assert not span.is_recording()
        span.set_attribute("wait_ms", 5)
        annotate(account="main")
    assert exporter.get_finished_spans() == ()


def test_facts_are_put_on_the_current_span(tracer: Tracer, exporter: InMemorySpanExporter) -> None:
    with tracer.start_as_current_span("call"):
        annotate(**{"okx_gateway.account": "main"})
        assert trace.get_current_span().is_recording()
    [call] = exporter.get_finished_spans()
    assert call.attributes == {"okx_gateway.account": "main"}
