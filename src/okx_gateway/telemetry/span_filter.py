"""Which facts may leave the process on a span?

Pure but for handing spans on. The last line of defence: what is not on the list is dropped, even
where somebody put a secret on a span by mistake.
"""

from collections.abc import Mapping

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import Link, Status
from opentelemetry.util.types import AttributeValue

# A message or a stack of an exception is not here, because it can quote what was sent.
ALLOWED = frozenset(
    {
        # OpenTelemetry semantic conventions 1.45.
        "error.type",
        "exception.type",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "rpc.method",
        "rpc.status_code",
        "rpc.system.name",
        # What OKX was asked.
        "okx.code",
        "okx.endpoint",
        "okx.receive_us",
        "okx.send_us",
        # What the gateway decided.
        "okx_gateway.account",
        "okx_gateway.budget.wait_ms",
        "okx_gateway.client_order_id",
        "okx_gateway.instrument",
        "okx_gateway.order.known",
        "okx_gateway.verdict",
    }
)


class SpanFilter(SpanProcessor):
    """Hands ended spans to `inner` with nothing on them that is not allowed."""

    def __init__(self, inner: SpanProcessor) -> None:
        self._inner = inner

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Pass a span on that has begun."""
        self._inner.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        """Pass on what may be told of a span that has ended."""
        self._inner.on_end(without_the_rest(span))

    def shutdown(self) -> None:
        """End the inner processor."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Have the inner processor send what it holds."""
        return self._inner.force_flush(timeout_millis)


def without_the_rest(span: ReadableSpan) -> ReadableSpan:
    """Copy a span with allowed attributes alone; the span itself where it has no others."""
    if (
        not span.status.description
        and not span.links
        and _is_allowed(span.attributes)
        and all(_is_allowed(event.attributes) for event in span.events)
    ):
        return span
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_allowed(span.attributes),
        events=[
            Event(event.name, _allowed(event.attributes), event.timestamp) for event in span.events
        ],
        links=[Link(link.context, _allowed(link.attributes)) for link in span.links],
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _is_allowed(attributes: Mapping[str, AttributeValue] | None) -> bool:
    return not attributes or attributes.keys() <= ALLOWED


def _allowed(attributes: Mapping[str, AttributeValue] | None) -> dict[str, AttributeValue]:
    return {name: value for name, value in (attributes or {}).items() if name in ALLOWED}
