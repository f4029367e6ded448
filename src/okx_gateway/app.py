"""How is a gateway put together?  The composition root: every object is made here, nowhere else."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from okx_gateway.custody.account_register import AccountRegister
from okx_gateway.custody.credential import Environment
from okx_gateway.custody.signer import Signer
from okx_gateway.custody.vault_file import VaultFile
from okx_gateway.custody.vault_key import VaultKey, vault_key_from_text
from okx_gateway.custody.vault_key_file import read_vault_key
from okx_gateway.domain.deadline import Deadline
from okx_gateway.edge.admission import Admission
from okx_gateway.edge.gateway_calls import UseCaseCalls, UseCases
from okx_gateway.edge.grpc_server import GrpcServer
from okx_gateway.edge.rest.asgi_app import AsgiApp
from okx_gateway.edge.rest.rest_server import RestServer
from okx_gateway.ledger.charge import ChargeTable
from okx_gateway.ledger.redis_ledger import LedgerSettings, RedisLedger
from okx_gateway.market.clock_sync import ERROR_MS_MAX, keep_in_step
from okx_gateway.market.instrument_catalog import InstrumentCatalog
from okx_gateway.market.ticker_board import TickerBoard
from okx_gateway.okx.exchange_client import ExchangeClient
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.rest_client import RestClient
from okx_gateway.okx.ticker_feed import TickerFeed
from okx_gateway.okx.websocket_client import WebSocketClient
from okx_gateway.settings import ListenAddress, Settings, missing_for_serving
from okx_gateway.usecases.ask_exchange import AskExchange
from okx_gateway.usecases.cancel_order import CancelOrder
from okx_gateway.usecases.find_order import FindOrder
from okx_gateway.usecases.get_balance import GetBalance
from okx_gateway.usecases.get_order import GetOrder
from okx_gateway.usecases.place_order import PlaceOrder
from okx_gateway.usecases.public_requests import PublicRequests
from okx_gateway.usecases.resolve_order import ResolveOrder
from okx_gateway.usecases.stream_ticker import StreamTicker
from okx_gateway.usecases.supervisor import Supervisor

_LOG = structlog.get_logger()
_READY_POLL_S = 0.2
_REDIS_CONNECT_TIMEOUT_S = 0.5
_REDIS_CONNECTIONS_MAX = 16


class UnfitSettingsError(Exception):
    """The settings are right each, and yet nothing can be served with them; says what to do."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway that serves."""

    grpc: ListenAddress
    rest: ListenAddress
    _parts: "_Parts"

    def unready_because(self) -> list[str]:
        """Why calls are not wanted here yet; empty once they are."""
        return self._parts.unready_because()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What the use cases are made of."""

    clock: ExchangeClock
    exchange: ExchangeClient
    ledger: RedisLedger
    ask: AskExchange
    public: PublicRequests
    instruments: InstrumentCatalog
    accounts: AccountRegister
    board: TickerBoard
    socket: WebSocketClient
    supervisor: Supervisor

    def unready_because(self) -> list[str]:
        reasons = []
        if self.clock.error_ms() > ERROR_MS_MAX:
            reasons.append("OKX's clock is not known")
        if not self.instruments.loaded:
            reasons.append("no instruments are known")
        if not self.accounts.ready:
            reasons.append("no account's credential is verified")
        return reasons


@asynccontextmanager
async def serve(settings: Settings) -> AsyncIterator[Gateway]:
    """Run a gateway for the block; at its end calls get `drain_grace_s` to finish.

    Raises:
        UnfitSettingsError: Something that serving needs is not set.
        VaultError: The vault cannot be opened.
        OSError: An address cannot be bound.
    """
    require_servable(settings)
    async with AsyncExitStack() as stack:
        parts = await _make_parts(settings, stack)
        admission = Admission(calls_max=settings.calls_max, streams_max=settings.streams_max)
        calls = UseCaseCalls(
            _make_use_cases(settings, parts),
            default_deadline_s=settings.default_deadline_ms / 1000,
        )
        grpc_server = GrpcServer(
            calls,
            listen=settings.grpc_listen,
            admission=admission,
            reflect=settings.grpc_reflection,
            max_deadline_s=settings.max_deadline_ms / 1000,
        )
        rest_server = _make_rest_server(settings, parts, calls, admission)
        stack.push_async_callback(
            _Drain(settings.drain_grace_s, admission, parts.supervisor, grpc_server, rest_server)
        )
        gateway = Gateway(await grpc_server.start(), await rest_server.start(), parts)
        for work in (
            keep_in_step(parts.clock, parts.public.time),
            parts.instruments.keep_fresh(),
            parts.accounts.verify_all(),
            parts.socket.run(),
            _tell_ready(parts, grpc_server),
        ):
            await stack.enter_async_context(_in_background(work))
        _LOG.info(
            "serving",
            grpc=str(gateway.grpc),
            rest=str(gateway.rest),
            environment=settings.environment,
        )
        yield gateway
        _LOG.info("stopping")


async def _make_parts(settings: Settings, stack: AsyncExitStack) -> _Parts:
    tls = _tls(settings)
    clock = ExchangeClock()
    signer = _signer(settings)
    rest = await stack.enter_async_context(RestClient(settings.okx_rest_url, tls=tls))
    demo = settings.environment is Environment.DEMO
    exchange = ExchangeClient(rest, signer, clock, demo=demo)
    redis = _redis(settings)
    stack.push_async_callback(redis.aclose)
    ledger = RedisLedger(redis, _ledger_settings(settings))
    stack.push_async_callback(ledger.close)
    ask = AskExchange(ledger, ChargeTable(settings.budget_jitter_ms), exchange)
    public = PublicRequests(settings.egress_address, ask, exchange)
    instruments = InstrumentCatalog(
        public.instruments,
        option_families=settings.option_families,
        refresh_s=settings.instrument_refresh_s,
    )
    feed = TickerFeed()
    board = TickerBoard(feed, readers_max=settings.streams_max)
    stack.callback(board.close)
    socket = WebSocketClient(settings.okx_ws_public_url, feed, board, tls=tls)
    board.wake = socket.wake
    return _Parts(
        clock=clock,
        exchange=exchange,
        ledger=ledger,
        ask=ask,
        public=public,
        instruments=instruments,
        accounts=AccountRegister(signer, exchange, settings.environment),
        board=board,
        socket=socket,
        supervisor=Supervisor(tasks_max=settings.calls_max),
    )


def _make_use_cases(settings: Settings, parts: _Parts) -> UseCases:
    resolve = ResolveOrder(
        ledger=parts.ledger,
        ask=parts.ask,
        clock=parts.clock,
        supervisor=parts.supervisor,
        margin_ms=settings.absence_margin_ms,
    )
    find = FindOrder(parts.accounts, parts.instruments, parts.ledger)
    return UseCases(
        place_order=PlaceOrder(
            accounts=parts.accounts,
            instruments=parts.instruments,
            ledger=parts.ledger,
            charges=parts.ask.charges,
            exchange=parts.exchange,
            clock=parts.clock,
            resolve=resolve,
            supervisor=parts.supervisor,
        ),
        cancel_order=CancelOrder(find=find, ask=parts.ask, supervisor=parts.supervisor),
        get_order=GetOrder(find=find, ask=parts.ask, resolve=resolve),
        get_balance=GetBalance(
            accounts=parts.accounts,
            charges=parts.ask.charges,
            ask=parts.ask,
            exchange=parts.exchange,
            supervisor=parts.supervisor,
        ),
        stream_ticker=StreamTicker(board=parts.board, instruments=parts.instruments),
    )


def _make_rest_server(
    settings: Settings, parts: _Parts, calls: UseCaseCalls, admission: Admission
) -> RestServer:
    app = AsgiApp(
        calls,
        admission=admission,
        ready=parts.unready_because,
        default_deadline_s=settings.default_deadline_ms / 1000,
        max_deadline_s=settings.max_deadline_ms / 1000,
    )
    connections_max = settings.calls_max + settings.streams_max
    return RestServer(app, listen=settings.rest_listen, connections_max=connections_max)


@dataclass(frozen=True, slots=True)
class _Drain:
    """Ends a gateway: nothing new, streams end, calls finish, orders run to their end."""

    grace_s: float
    admission: Admission
    supervisor: Supervisor
    grpc_server: GrpcServer
    rest_server: RestServer

    async def __call__(self) -> None:
        self.admission.close()
        deadline = Deadline.after(self.grace_s)
        await asyncio.gather(
            self.grpc_server.stop(self.grace_s), self.rest_server.stop(self.grace_s)
        )
        left = await self.supervisor.drain(max(0.1, deadline.remaining_s()))
        if left:
            _LOG.warning("orders are left in doubt; who asks for them next looks", count=left)


async def _tell_ready(parts: _Parts, grpc_server: GrpcServer) -> None:
    told: list[str] | None = None
    while True:
        reasons = parts.unready_because()
        if reasons != told:
            _LOG.info("not ready" if reasons else "ready", because=reasons)
            grpc_server.tell_ready(ready=not reasons)
            told = reasons
        await asyncio.sleep(_READY_POLL_S)


@asynccontextmanager
async def _in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.get_running_loop().create_task(work)
    task.add_done_callback(_report)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _LOG.error("a background task failed", exc_info=task.exception())


def require_servable(settings: Settings) -> None:
    """See that nothing is missing that only serving needs.

    Raises:
        UnfitSettingsError: Something is; says how to set it.
    """
    missing = missing_for_serving(settings)
    if missing:
        raise UnfitSettingsError("serving needs\n  " + "\n  ".join(missing))


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.okx_ca_file is None:
        return None
    context = ssl.create_default_context(cafile=str(settings.okx_ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _signer(settings: Settings) -> Signer:
    assert settings.vault_path is not None  # noqa: S101  # require_servable saw to it
    credentials = VaultFile(settings.vault_path).open_newest(
        _vault_key(settings), settings.environment
    )
    if not credentials:
        raise UnfitSettingsError(
            f"the vault {settings.vault_path} has no {settings.environment} credential; "
            f"`okx-gateway vault add ACCOUNT --environment {settings.environment}` adds one"
        )
    return Signer(credentials, environment=settings.environment)


def _vault_key(settings: Settings) -> VaultKey:
    if settings.vault_key_file is not None:
        return read_vault_key(settings.vault_key_file)
    assert settings.vault_key is not None  # noqa: S101  # require_servable saw to it
    return vault_key_from_text(
        settings.vault_key.get_secret_value(), origin="OKX_GATEWAY_VAULT_KEY"
    )


def _redis(settings: Settings) -> "Redis":
    over_tcp = {} if settings.redis_url.startswith("unix") else {"socket_keepalive": True}
    return Redis.from_url(
        settings.redis_url,
        **over_tcp,
        decode_responses=True,
        protocol=3,
        socket_timeout=None,  # the ledger bounds each round trip as a whole
        socket_connect_timeout=_REDIS_CONNECT_TIMEOUT_S,
        max_connections=_REDIS_CONNECTIONS_MAX,
        # A script that was not answered may have run: nothing is sent again by itself.
        retry=Retry(NoBackoff(), 0),
    )


def _ledger_settings(settings: Settings) -> LedgerSettings:
    return LedgerSettings(
        validity_ms=settings.order_validity_ms,
        retention_ms=settings.journal_retention_hours * 3_600_000,
    )
