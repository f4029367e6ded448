"""Where do the gateway's spans go while it is measured?  A program of its own, through grpc.aio.

    python -m bench.span_sink

Takes spans over OTLP and counts them. It greets with its address and answers with the count, which
shows that tracing was on.
"""

from typing import Any

import grpc
import uvloop
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as api
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as service

from bench.conversation import converse


class _Sink(service.TraceServiceServicer):
    def __init__(self) -> None:
        self.spans = 0

    async def Export(  # noqa: N802  # as the service names it
        self, request: api.ExportTraceServiceRequest, _context: Any
    ) -> api.ExportTraceServiceResponse:
        self.spans += sum(
            len(scope.spans)
            for resource in request.resource_spans
            for scope in resource.scope_spans
        )
        return api.ExportTraceServiceResponse()


async def _main() -> None:
    sink = _Sink()
    server = grpc.aio.server()
    service.add_TraceServiceServicer_to_server(sink, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()

    async def count(_question: dict[str, Any]) -> dict[str, Any]:
        return {"spans": sink.spans}

    await converse({"target": f"http://127.0.0.1:{port}"}, count)
    await server.stop(0)


if __name__ == "__main__":
    uvloop.run(_main())
