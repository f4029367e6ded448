"""How does one call show in traces and metrics?  Touches OpenTelemetry's API only.

Names follow OpenTelemetry's semantic conventions 1.45 for RPC and HTTP servers. The contributed
instrumentations still write the names from before they were stable, and cost more than the call.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from opentelemetry import context, metrics, trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from okx_gateway.domain.errors import GatewayError
from okx_gateway.edge.status import status_of

# The boundaries, in seconds, that both conventions advise.
_BOUNDARIES_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
# What a server is to blame for; the convention's list for gRPC servers.
_FAULTS = frozenset(
    {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
)
_CARRIER_KEYS = frozenset({"traceparent", "tracestate"})
_CARRIER_VALUE_LENGTH_MAX = 512

_PROPAGATOR = TraceContextTextMapPropagator()
_TRACER = trace.get_tracer("okx_gateway")
_METER = metrics.get_meter("okx_gateway")
_RPC_DURATION_S = _METER.create_histogram(
    "rpc.server.call.duration",
    unit="s",
    description="How long calls over gRPC took.",
    explicit_bucket_boundaries_advisory=_BOUNDARIES_S,
)
_HTTP_DURATION_S = _METER.create_histogram(
    "http.server.request.duration",
    unit="s",
    description="How long calls over REST took.",
    explicit_bucket_boundaries_advisory=_BOUNDARIES_S,
)


@dataclass(frozen=True, slots=True)
class HttpRoute:
    """How a call came in over REST: `POST` and `/v1/accounts/{account}/orders`."""

    method: str
    route: str


def trace_carrier(
    pairs: Iterable[tuple[str | bytes, str | bytes]],
) -> dict[str, str]:
    """Pick the caller's trace context out of gRPC metadata or HTTP headers, in lower case."""
    carrier = {}
    for key, value in pairs:
        name = key.decode("latin-1") if isinstance(key, bytes) else key
        if name in _CARRIER_KEYS and len(value) <= _CARRIER_VALUE_LENGTH_MAX:
            carrier[name] = value.decode("latin-1") if isinstance(value, bytes) else value
    return carrier


def rpc_span(
    method: str, carrier: Mapping[str, str], *, http: HttpRoute | None = None
) -> "RpcSpan":
    """Cover one call to `method`, such as `okx_gateway.api.v1.GatewayService/PlaceOrder`.

    `carrier` holds the caller's traceparent, if any; `http` is given for a call over REST. Enter
    and leave it in one task:

        with rpc_span(method, trace_carrier(metadata)) as span:
            ...
            span.end_with("OK")
    """
    return RpcSpan(method, carrier, http)


class RpcSpan:
    """One call under way."""

    __slots__ = (
        "_attributes",
        "_carrier",
        "_code",
        "_http",
        "_http_status",
        "_method",
        "_span",
        "_start_s",
        "_token",
    )

    def __init__(self, method: str, carrier: Mapping[str, str], http: HttpRoute | None) -> None:
        self._method = method
        self._carrier = carrier
        self._http = http
        self._code: str | None = None
        self._http_status: int | None = None
        self._attributes: dict[str, AttributeValue] = {"rpc.method": method}
        if http is None:
            self._attributes["rpc.system.name"] = "grpc"
        else:
            self._attributes["http.request.method"] = http.method
            self._attributes["http.route"] = http.route

    @property
    def trace_id(self) -> str:
        """The trace's id, 32 hex digits, for a caller to quote."""
        return trace.format_trace_id(self._span.get_span_context().trace_id)

    def end_with(self, code: str, *, http_status: int | None = None) -> None:
        """Say how the call ends: gRPC's name of the code, and over REST the HTTP status."""
        self._code = code
        self._http_status = http_status

    def __enter__(self) -> Self:
        # Never below whatever span happens to be current: a connection's task outlives calls.
        parent = Context()
        if "traceparent" in self._carrier:
            parent = _PROPAGATOR.extract(self._carrier, parent)
        self._start_s = time.perf_counter()
        self._span = _TRACER.start_span(
            self._method, parent, SpanKind.SERVER, attributes=self._attributes
        )
        self._token = context.attach(trace.set_span_in_context(self._span, parent))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        code = self._code or _code_of(error)
        attributes = self._attributes
        attributes["rpc.status_code"] = code
        failed = code in _FAULTS
        if self._http_status is not None:
            attributes["http.response.status_code"] = self._http_status
            failed = self._http_status >= 500
        if failed:
            foreign = error is not None and not isinstance(error, GatewayError)
            attributes["error.type"] = type(error).__name__ if foreign else code
            self._span.set_status(Status(StatusCode.ERROR))
        duration = _RPC_DURATION_S if self._http is None else _HTTP_DURATION_S
        # Recorded while the span is current, so that the metric can point to it.
        duration.record(time.perf_counter() - self._start_s, attributes)
        context.detach(self._token)
        if self._span.is_recording():
            self._span.set_attributes(attributes)
        self._span.end()


def _code_of(error: BaseException | None) -> str:
    if error is None:
        return "OK"
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        return "CANCELLED"
    return status_of(error).grpc_code.name
