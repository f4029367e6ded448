"""Are calls wanted here?  Answers grpc.health.v1, over grpc.aio.

grpc's own answerer never ends a watch, which then holds a graceful stop up for all of its grace,
and one that is not read holds up the telling of every other.
"""

import asyncio

import grpc
from grpc_health.v1 import health_pb2

_SERVING: int = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING: int = health_pb2.HealthCheckResponse.NOT_SERVING
_UNKNOWN: int = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN

_LIVENESS = "liveness"

_WATCHES_MAX = 100
# What is written is a few bytes: a reader that does not take them takes nothing.
_WRITE_WAIT_S = 1.0

_Context = grpc.aio.ServicerContext[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]


class Health:
    """Tells of `liveness`, and of the calls of `service` by its name or by none."""

    def __init__(self, service: str) -> None:
        self._calls = ("", service)
        self._ready = False
        self._stopping = False
        self._watches = 0
        self._changed = asyncio.Event()

    def tell_ready(self, *, ready: bool) -> None:
        """Say whether calls are wanted."""
        self._ready = ready
        self._tell()

    def stop(self) -> None:
        """Say that nothing is wanted any more, and end every watch with that."""
        self._stopping = True
        self._tell()

    async def Check(  # noqa: N802  # as the protocol has it
        self, request: health_pb2.HealthCheckRequest, context: _Context
    ) -> health_pb2.HealthCheckResponse:
        """Answer once."""
        state = self._state(request.service)
        if state == _UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND)
        return health_pb2.HealthCheckResponse(status=state)

    async def List(  # noqa: N802  # as the protocol has it
        self, _request: health_pb2.HealthListRequest, _context: _Context
    ) -> health_pb2.HealthListResponse:
        """Answer once, of all that is told of."""
        return health_pb2.HealthListResponse(
            statuses={
                name: health_pb2.HealthCheckResponse(status=self._state(name))
                for name in (_LIVENESS, *self._calls)
            }
        )

    async def Watch(  # noqa: N802  # as the protocol has it
        self, request: health_pb2.HealthCheckRequest, context: _Context
    ) -> None:
        """Answer now and at every change, until the gateway stops or the caller goes."""
        if self._watches >= _WATCHES_MAX:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many watch already")
        self._watches += 1
        try:
            await self._watch(request.service, context)
        except TimeoutError:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "what was written was not read")
        finally:
            self._watches -= 1

    async def _watch(self, service: str, context: _Context) -> None:
        told = None
        while True:
            changed, state = self._changed, self._state(service)
            if state != told:
                async with asyncio.timeout(_WRITE_WAIT_S):
                    await context.write(health_pb2.HealthCheckResponse(status=state))
                told = state
            if self._stopping:
                return
            await changed.wait()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _state(self, service: str) -> int:
        if service == _LIVENESS:
            return _NOT_SERVING if self._stopping else _SERVING
        if service in self._calls:
            return _SERVING if self._ready and not self._stopping else _NOT_SERVING
        return _UNKNOWN
