"""How does a layer put its step of a call on the trace?  Touches OpenTelemetry's API only.

Beside the layers, so that each of them can use it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import Span
from opentelemetry.util.types import AttributeValue

_TRACER = trace.get_tracer("okx_gateway")


def annotate(**attributes: AttributeValue) -> None:
    """Put facts on the current span, if it is recorded."""
    current = trace.get_current_span()
    if current.is_recording():
        current.set_attributes(attributes)


@contextmanager
def step(name: str, **attributes: AttributeValue) -> Iterator[Span]:
    """Run a block as a span `name` below the current one.

    Where the current span is not recorded nothing is made: an unsampled order pays for no spans.
    An error's type is recorded, its message is not: it could quote what was sent.
    """
    current = trace.get_current_span()
    if not current.is_recording():
        yield current
        return
    with _TRACER.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except BaseException as error:
            span.set_attribute("error.type", type(error).__name__)
            raise
