"""Where do spans, metrics and log lines go?

Installs OpenTelemetry's SDK for the whole process; everything else uses its API alone. What
OpenTelemetry's own OTEL_* variables say is left to the SDK.
"""

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TextIO

import structlog
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBasedTraceIdRatio, Sampler
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector

from okx_gateway.settings import ListenAddress, Settings
from okx_gateway.telemetry.logs import install_logs
from okx_gateway.telemetry.metrics_server import MetricsServer
from okx_gateway.telemetry.span_filter import SpanFilter

_LOG = structlog.get_logger()
_ENDPOINT_VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOL_VARIABLES = ("OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
_ATTRIBUTE_LENGTH_MAX = 256
_FLUSH_WAIT_S = 3.0


class Telemetry:
    """What was installed; `metrics_address` is where /metrics is served, if it is."""

    def __init__(
        self,
        tracing: TracerProvider,
        metering: MeterProvider,
        server: MetricsServer | None,
        exporter: OTLPSpanExporter | None,
    ) -> None:
        self._tracing = tracing
        self._metering = metering
        self._server = server
        self._exporter = exporter

    @property
    def metrics_address(self) -> ListenAddress | None:
        """Where Prometheus can read, with the port that the system chose."""
        return None if self._server is None else self._server.address

    def shutdown(self) -> None:
        """Send what is left, for at most 3 s, and close the metrics' port."""
        flush = threading.Thread(target=self._tracing.shutdown, name="flush spans", daemon=True)
        flush.start()
        flush.join(_FLUSH_WAIT_S)
        if flush.is_alive() and self._exporter is not None:
            self._exporter.shutdown()  # ends the retries that the thread waits for
        self._metering.shutdown()
        if self._server is not None:
            self._server.close()


def install(
    settings: Settings,
    *,
    span_processors: Sequence[SpanProcessor] = (),
    log_stream: TextIO | None = None,
) -> Telemetry:
    """Install logs, spans and metrics, once per process; logs go to stderr unless told otherwise.

    Spans are sent where an OTLP endpoint is set, and to `span_processors`. Without either none
    are recorded, and calls still have a trace id.

    Raises:
        OSError: The metrics' address cannot be bound; nothing was installed but the logs.
    """
    install_logs(settings.log_level, settings.log_format, log_stream or sys.stderr)
    registry = CollectorRegistry()
    server = None
    if settings.metrics_listen is not None:
        server = MetricsServer(registry, settings.metrics_listen)
    resource = _resource()
    metering = MeterProvider(_readers(registry) if server else [], resource)
    metrics.set_meter_provider(metering)
    exporter = _exporter(os.environ)
    processors = [*span_processors]
    if exporter is not None:
        processors.append(BatchSpanProcessor(exporter))
    tracing = TracerProvider(
        sampler=_sampler(settings, os.environ, recorded=bool(processors)),
        resource=resource,
        shutdown_on_exit=False,
        span_limits=SpanLimits(max_attribute_length=_ATTRIBUTE_LENGTH_MAX),
    )
    for processor in processors:
        tracing.add_span_processor(SpanFilter(processor))
    trace.set_tracer_provider(tracing)
    return Telemetry(tracing, metering, server, exporter)


def _readers(registry: CollectorRegistry) -> list[PrometheusMetricReader]:
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return [PrometheusMetricReader(scope_info_enabled=False, registry=registry)]


def _exporter(environ: Mapping[str, str]) -> OTLPSpanExporter | None:
    if not any(environ.get(name) for name in _ENDPOINT_VARIABLES):
        return None
    for name in _PROTOCOL_VARIABLES:
        if environ.get(name, "grpc") not in {"", "grpc"}:
            _LOG.warning("spans are sent over grpc only", variable=name, value=environ[name])
    return OTLPSpanExporter()


def _sampler(settings: Settings, environ: Mapping[str, str], *, recorded: bool) -> Sampler | None:
    if not recorded:
        return ALWAYS_OFF
    if environ.get("OTEL_TRACES_SAMPLER"):
        return None  # the SDK reads it
    return ParentBasedTraceIdRatio(settings.trace_sample_ratio)


def _resource() -> Resource:
    """Name the process; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win."""
    own = Resource({"service.name": "okx-gateway", "service.version": version("okx-gateway")})
    return Resource.create(own.merge(OTELResourceDetector().detect()).attributes)
