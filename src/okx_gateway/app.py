"""How is a gateway put together?  The composition root: every object is made here, nowhere else."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from okx_gateway.domain.deadline import Deadline
from okx_gateway.door_parts import DoorParts, make_door
from okx_gateway.edge.account_calls import AccountUseCases
from okx_gateway.edge.admin_calls import AdminCalls
from okx_gateway.edge.admission import Admission
from okx_gateway.edge.call import RpcCalls
from okx_gateway.edge.gateway_calls import UseCaseCalls, UseCases
from okx_gateway.edge.grpc_server import GrpcServer
from okx_gateway.edge.market_calls import MarketUseCases
from okx_gateway.edge.permission import PermittedCalls
from okx_gateway.edge.rest.asgi_app import AsgiApp
from okx_gateway.edge.rest.rest_server import RestServer
from okx_gateway.market.clock_sync import keep_in_step
from okx_gateway.market_parts import MarketParts
from okx_gateway.okx.market_channel import books_of, candles_of, tickers_of, trades_of
from okx_gateway.parts import Parts, UnfitSettingsError, make_parts
from okx_gateway.settings import ListenAddress, Settings, missing_for_serving
from okx_gateway.usecases.admit_order import AdmitOrder
from okx_gateway.usecases.amend_order import AmendOrder
from okx_gateway.usecases.cancel_order import CancelOrder
from okx_gateway.usecases.check_limits import PRICE_AGE_S_MAX, CheckLimits
from okx_gateway.usecases.find_order import FindOrder
from okx_gateway.usecases.get_balance import GetBalance
from okx_gateway.usecases.get_order import GetOrder
from okx_gateway.usecases.get_order_book import GetOrderBook
from okx_gateway.usecases.get_ticker import GetTicker
from okx_gateway.usecases.list_budgets import ListBudgets
from okx_gateway.usecases.list_instruments import ListInstruments
from okx_gateway.usecases.list_tickers import ListTickers
from okx_gateway.usecases.place_order import PlaceOrder
from okx_gateway.usecases.send_order import SendOrder
from okx_gateway.usecases.shared_batch import SharedBatch
from okx_gateway.usecases.stream_balance import StreamBalance
from okx_gateway.usecases.stream_market import StreamMarket
from okx_gateway.usecases.stream_orders import StreamOrders
from okx_gateway.usecases.supervisor import Supervisor

_LOG = structlog.get_logger()
_READY_POLL_S = 0.2
# Operators are few, and one call reads much.
_ADMIN_CALLS_MAX = 4


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway that serves."""

    grpc: ListenAddress
    rest: ListenAddress
    admin: ListenAddress | None
    _parts: Parts

    def unready_because(self) -> list[str]:
        """Why calls are not wanted here yet; empty once they are."""
        return self._parts.unready_because()


@asynccontextmanager
async def serve(settings: Settings) -> AsyncIterator[Gateway]:
    """Run a gateway for the block; at its end calls get `drain_grace_s` to finish.

    Raises:
        UnfitSettingsError: Something that serving needs is not set.
        IdentityError: The file of identities cannot be read.
        PolicyError: The policy cannot be read.
        VaultError: The vault cannot be opened.
        OSError: An address cannot be bound, or a certificate cannot be read.
    """
    require_servable(settings)
    async with AsyncExitStack() as stack:
        door = make_door(settings, UseCaseCalls.descriptor)
        parts = await make_parts(settings, stack, door.shares)
        admission = Admission(calls_max=settings.calls_max, streams_max=settings.streams_max)
        calls = PermittedCalls(
            UseCaseCalls(
                _make_use_cases(parts),
                default_deadline_s=settings.default_deadline_ms / 1000,
            ),
            door.policy,
        )
        grpc_server = _make_grpc_server(settings, calls, admission, door)
        rest_server = _make_rest_server(settings, parts, calls, admission, door)
        # Stops after the others: operators may want to see what goes on meanwhile.
        admin = await _serve_operators(settings, parts, stack, door)
        stack.push_async_callback(
            _Drain(settings.drain_grace_s, admission, parts.supervisor, grpc_server, rest_server)
        )
        gateway = Gateway(
            await grpc_server.start(),
            await rest_server.start(),
            admin,
            parts,
        )
        for work in (
            keep_in_step(parts.clock, parts.public.time),
            parts.market.instruments.keep_fresh(),
            parts.accounts.verify_all(),
            parts.accounts.keep_limits_fresh(parts.public.order_limit),
            *(socket.run() for socket in parts.market.sockets),
            parts.orders.reconcile.run(),
            parts.timing.run(),
            parts.ledger.slot.run(),
            *door.work(),
            _tell_ready(parts, grpc_server),
        ):
            await stack.enter_async_context(_in_background(work))
        _LOG.info(
            "serving",
            grpc=str(gateway.grpc),
            rest=str(gateway.rest),
            admin=str(gateway.admin or ""),
            environment=settings.environment,
        )
        yield gateway
        _LOG.info("stopping")


def _make_use_cases(parts: Parts) -> UseCases:
    instruments, orders = parts.market.instruments, parts.orders
    market = _make_market_use_cases(parts.market)
    check_limits = CheckLimits(
        parts.ledger.journal, partial(market.get_ticker, max_age_s=PRICE_AGE_S_MAX)
    )
    find = FindOrder(parts.accounts, instruments, parts.ledger.journal)
    return UseCases(
        place_order=PlaceOrder(
            accounts=parts.accounts,
            instruments=instruments,
            ask=parts.ask,
            admit=AdmitOrder(
                ledger=parts.ledger.journal,
                ask=parts.ask,
                settle=orders.settle,
                clock=parts.clock,
                supervisor=parts.supervisor,
            ),
            send=SendOrder(
                exchange=parts.exchange,
                clock=parts.clock,
                batch=SharedBatch(parts.exchange, parts.supervisor),
            ),
            settle=orders.settle,
            clock=parts.clock,
            resolve=orders.resolve,
            supervisor=parts.supervisor,
            timing=parts.timing,
            check_limits=check_limits,
        ),
        amend_order=AmendOrder(
            find=find,
            ask=parts.ask,
            resolve=orders.resolve,
            send=orders.send_amend,
            supervisor=parts.supervisor,
            check_limits=check_limits,
        ),
        cancel_order=CancelOrder(
            find=find,
            ask=parts.ask,
            ledger=parts.ledger.journal,
            resolve=orders.resolve,
            supervisor=parts.supervisor,
        ),
        account=_make_account_use_cases(parts, find),
        market=market,
    )


def _make_market_use_cases(market: MarketParts) -> MarketUseCases:
    instruments, reads = market.instruments, market.reads
    return MarketUseCases(
        list_instruments=ListInstruments(instruments),
        get_ticker=GetTicker(instruments=instruments, board=market.tickers, reads=reads),
        list_tickers=ListTickers(reads),
        get_order_book=GetOrderBook(instruments=instruments, board=market.books, reads=reads),
        stream_ticker=StreamMarket("StreamTicker", market.tickers, tickers_of, instruments),
        stream_order_book=StreamMarket("StreamOrderBook", market.books, books_of, instruments),
        stream_trades=StreamMarket("StreamTrades", market.trades, trades_of, instruments),
        stream_candles=StreamMarket("StreamCandles", market.candles, candles_of, instruments),
    )


def _make_account_use_cases(parts: Parts, find: FindOrder) -> AccountUseCases:
    accounts, live = parts.accounts, parts.live
    return AccountUseCases(
        get_order=GetOrder(find=find, live=live, ask=parts.ask, resolve=parts.orders.resolve),
        get_balance=GetBalance(
            accounts=accounts,
            live=live,
            charges=parts.ask.charges,
            ask=parts.ask,
            exchange=parts.exchange,
            supervisor=parts.supervisor,
        ),
        stream_orders=StreamOrders(accounts=accounts, live=live),
        stream_balance=StreamBalance(accounts=accounts, live=live),
    )


def _make_grpc_server(
    settings: Settings, calls: RpcCalls, admission: Admission, door: DoorParts
) -> GrpcServer:
    return GrpcServer(
        calls,
        listen=settings.grpc_listen,
        admission=admission,
        reflect=settings.grpc_reflection,
        max_deadline_s=settings.max_deadline_ms / 1000,
        stall_s=settings.stream_stall_ms / 1000,
        identify=door.caller,
        tls=door.tls,
    )


def _make_rest_server(
    settings: Settings, parts: Parts, calls: RpcCalls, admission: Admission, door: DoorParts
) -> RestServer:
    app = AsgiApp(
        calls,
        admission=admission,
        ready=parts.unready_because,
        default_deadline_s=settings.default_deadline_ms / 1000,
        max_deadline_s=settings.max_deadline_ms / 1000,
        stall_s=settings.stream_stall_ms / 1000,
        identify=door.caller,
    )
    connections_max = settings.calls_max + settings.streams_max
    return RestServer(
        app, listen=settings.rest_listen, connections_max=connections_max, tls=door.tls
    )


async def _serve_operators(
    settings: Settings, parts: Parts, stack: AsyncExitStack, door: DoorParts
) -> ListenAddress | None:
    if settings.admin_listen is None:
        return None
    calls = AdminCalls(
        ListBudgets(
            accounts=parts.accounts,
            source=parts.ledger.budget,
            address=settings.egress_address,
        ),
        shadow=settings.budget_mode == "shadow",
        default_deadline_s=settings.default_deadline_ms / 1000,
    )
    server = GrpcServer(
        calls,
        listen=settings.admin_listen,
        admission=Admission(calls_max=_ADMIN_CALLS_MAX, streams_max=0),
        reflect=settings.grpc_reflection,
        max_deadline_s=settings.max_deadline_ms / 1000,
        stall_s=settings.stream_stall_ms / 1000,
        identify=door.operator,
        tls=door.tls,
    )
    stack.push_async_callback(server.stop, 0)
    address = await server.start()
    server.tell_ready(ready=True)
    return address


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


async def _tell_ready(parts: Parts, grpc_server: GrpcServer) -> None:
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
