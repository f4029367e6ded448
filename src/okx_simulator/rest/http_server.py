"""How does the exchange listen on HTTP? Serves REST with aiohttp; sockets are added elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import web

from okx_simulator.check import RestRequest
from okx_simulator.clock import Clock
from okx_simulator.exchange import Exchange
from okx_simulator.rest.dispatch import RestDispatch
from okx_simulator.rest.gate import Arrived

BODY_BYTES_MAX = 1 << 20
TICK_S = 0.1


class HttpServer:
    """Answers every path below /api/v5 through one method, `serve`."""

    def __init__(self, dispatch: RestDispatch, clock: Clock) -> None:
        self._dispatch = dispatch
        self._clock = clock

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one REST request."""
        arrived = await self.arrive(request)
        return await self._dispatch.respond(request, arrived)

    async def stop(self, _app: web.Application) -> None:
        """End what is still under way."""
        await self._dispatch.stop()

    async def arrive(self, request: web.Request) -> Arrived:
        """Read a request whole, and let it arrive once it has been long enough on its way."""
        body = await request.read()
        faults = await self._dispatch.travel(request.method, request.path, request.query, body)
        signed = RestRequest(
            method=request.method,
            target=request.raw_path,
            body=body,
            headers={name.lower(): value for name, value in request.headers.items()},
            remote_ip=request.remote or "",
        )
        true_us = self._clock.true_us()
        in_us = true_us + self._clock.offset_us
        return Arrived(signed, request.path, dict(request.query), in_us, true_us, faults)


def application(server: HttpServer, exchange: Exchange) -> web.Application:
    """Return the aiohttp application: the REST routes, and the ticker that keeps time moving."""
    app = web.Application(client_max_size=BODY_BYTES_MAX)
    app.router.add_route("*", "/api/v5/{path:.*}", server.serve)
    app.cleanup_ctx.append(lambda _: _ticking(exchange))
    app.on_shutdown.append(server.stop)
    return app


async def _ticking(exchange: Exchange) -> AsyncIterator[None]:
    ticker = asyncio.create_task(_tick(exchange))
    yield
    ticker.cancel()
    with suppress(asyncio.CancelledError):
        await ticker


async def _tick(exchange: Exchange) -> None:
    """Bring the exchange up to date ten times a second, also while nobody calls."""
    while True:
        exchange.advance()
        await asyncio.sleep(TICK_S)
