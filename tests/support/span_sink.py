"""A collector that takes spans over OTLP/gRPC and keeps them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as otlp
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as otlp_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class SpanSink(otlp_grpc.TraceServiceServicer):
    """What arrived: as bytes, to be searched, and span by span."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.spans: list[Span] = []

    async def Export(  # noqa: N802  # OTLP's name of the call
        self, request: otlp.ExportTraceServiceRequest, _context: Any
    ) -> otlp.ExportTraceServiceResponse:
        self.received += request.SerializeToString()
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)
        return otlp.ExportTraceServiceResponse()


@asynccontextmanager
async def span_sink() -> AsyncIterator[tuple[SpanSink, str]]:
    """A collector that runs, and its address as OTEL_EXPORTER_OTLP_ENDPOINT wants it."""
    sink = SpanSink()
    server = grpc.aio.server()
    otlp_grpc.add_TraceServiceServicer_to_server(sink, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield sink, f"http://127.0.0.1:{port}"
    finally:
        await server.stop(0)
