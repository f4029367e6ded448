"""Which parts make up the simulator, and how do they hang together? Listens on TCP.

The only place where parts are made.
"""

import ssl
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Literal, Self

from aiohttp import web

from okx_simulator.account.accounts_file import DEFAULT_ACCOUNTS, AccountSettings
from okx_simulator.check import Keys
from okx_simulator.clock import Clock
from okx_simulator.control_server import ControlServer
from okx_simulator.exchange import Exchange
from okx_simulator.fault.faults import Faults
from okx_simulator.fault.rule import FaultRule
from okx_simulator.fault.side_effect import SideEffects
from okx_simulator.limit.limits import Limits
from okx_simulator.request_log import RequestLog
from okx_simulator.rest.dispatch import RestDispatch
from okx_simulator.rest.gate import RestGate
from okx_simulator.rest.http_server import HttpServer, application
from okx_simulator.websocket.broadcast import Broadcast
from okx_simulator.websocket.channel_account import AccountFeed
from okx_simulator.websocket.channel_market import MarketFeed
from okx_simulator.websocket.channel_rows import ChannelRows
from okx_simulator.websocket.dispatch import Dispatch
from okx_simulator.websocket.operation import OrderOperations
from okx_simulator.websocket.server import IDLE_MS, WebSocketServer
from okx_simulator.websocket.socket_registry import SocketRegistry

# How long a stop waits for answers that are still under way.
STOP_S_MAX = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """What a simulator is made from.

    `window` is the kind of rate limit windows, and `count_refused` whether refused requests use
    them up. `idle_ms` is after how long a silent socket is closed.
    """

    seed: int = 1
    accounts: Sequence[AccountSettings] = DEFAULT_ACCOUNTS
    window: Literal["sliding", "fixed"] = "sliding"
    count_refused: bool = True
    idle_ms: int = IDLE_MS
    faults: Sequence[FaultRule] = ()


class Simulator:
    """A simulated OKX; use it as an async context, within which it can listen.

    `control` is the application of the control API, `public` that of REST and WebSockets.
    """

    def __init__(self, options: Options) -> None:
        clock = Clock()
        exchange = Exchange(options.seed, clock, options.accounts)
        keys = Keys(tuple(options.accounts))
        limits = Limits(
            options.window,
            find=exchange.market.listing.find,
            count_refused=options.count_refused,
        )
        faults = Faults(options.seed, options.faults)
        log = RequestLog()
        sockets = SocketRegistry()
        side_effects = SideEffects(clock, sockets)
        rest = RestDispatch(
            RestGate(exchange, keys, limits),
            clock,
            faults=faults,
            log=log,
            side_effects=side_effects,
            seed=options.seed,
        )
        rows = ChannelRows(exchange)
        broadcast = Broadcast(MarketFeed(rows), AccountFeed(rows))
        dispatch = Dispatch(
            exchange,
            keys,
            OrderOperations(exchange, limits),
            faults=faults,
            log=log,
            broadcast=broadcast,
            side_effects=side_effects,
            seed=options.seed,
        )
        self.exchange = exchange
        self.public = application(HttpServer(rest, clock), exchange)
        WebSocketServer(
            exchange,
            dispatch,
            broadcast,
            sockets,
            limits=limits,
            faults=faults,
            seed=options.seed,
            idle_ms=options.idle_ms,
        ).add_routes(self.public)
        self.control = ControlServer(exchange, keys, limits, faults, log, sockets).application()
        self._stack = AsyncExitStack()
        self._runners: dict[web.Application, web.AppRunner] = {}

    async def __aenter__(self) -> Self:
        for app in (self.public, self.control):
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_S_MAX)
            await runner.setup()
            self._stack.push_async_callback(runner.cleanup)
            self._runners[app] = runner
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._stack.aclose()

    async def listen(
        self, app: web.Application, host: str, port: int, tls: ssl.SSLContext | None = None
    ) -> int:
        """Serve one of the two applications on an address; port 0 picks one.

        Returns the port. Raises OSError if the address cannot be had.
        """
        runner = self._runners[app]
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        await site.start()
        return int(runner.addresses[-1][1])
