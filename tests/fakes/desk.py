"""One replica: every use case on a real ledger and a scripted exchange, with short times."""

import asyncio
import time
from collections.abc import Iterable

from redis.asyncio import Redis

from okx_gateway.custody.account_register import AccountRegister
from okx_gateway.custody.credential import Credential, Environment
from okx_gateway.custody.signer import Signer
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.domain.order import NewOrder, OrderName
from okx_gateway.edge.account_calls import AccountUseCases
from okx_gateway.ledger.grant import LedgerSettings
from okx_gateway.ledger.order_record import OrderRecord
from okx_gateway.ledger.redis_amends import RedisAmends
from okx_gateway.ledger.redis_budget import RedisBudget
from okx_gateway.ledger.redis_jitter import RedisJitter
from okx_gateway.ledger.redis_ledger import RedisLedger
from okx_gateway.market.instrument_catalog import InstrumentCatalog
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.usecases.admit_order import AdmitOrder
from okx_gateway.usecases.alarms import Alarms
from okx_gateway.usecases.amend_order import AmendOrder
from okx_gateway.usecases.ask_exchange import AskExchange
from okx_gateway.usecases.cancel_order import CancelOrder
from okx_gateway.usecases.check_limits import CheckLimits
from okx_gateway.usecases.find_order import FindOrder
from okx_gateway.usecases.get_balance import GetBalance
from okx_gateway.usecases.get_order import GetOrder
from okx_gateway.usecases.kept_cancel import KeptCancel
from okx_gateway.usecases.learn_jitter import LearnJitter
from okx_gateway.usecases.market_reads import MarketReads
from okx_gateway.usecases.order_lists import OrderLists
from okx_gateway.usecases.place_order import PlaceAnswer, PlaceOrder
from okx_gateway.usecases.reconcile import Reconcile
from okx_gateway.usecases.resolve_order import ResolveOrder
from okx_gateway.usecases.send_amend import SendAmend
from okx_gateway.usecases.send_order import SendOrder
from okx_gateway.usecases.settle_order import SettleOrder
from okx_gateway.usecases.shared_batch import SharedBatch
from okx_gateway.usecases.stream_balance import StreamBalance
from okx_gateway.usecases.stream_orders import StreamOrders
from okx_gateway.usecases.supervisor import Supervisor
from okx_gateway.usecases.throttling import Throttling
from okx_gateway.usecases.watch_timing import WatchTiming
from tests.fakes.boards import Boards, market_use_cases
from tests.fakes.exchange import ScriptedExchange
from tests.fakes.ledgers import SEAL, NoFloor, charges_with, scripts_on
from tests.fakes.live_orders import FakeLive
from tests.fakes.orders import an_instrument

VALIDITY_MS = 300
MARGIN_MS = 200
JITTER_MS = 100
OWNER = "live:1"
_SETTINGS = LedgerSettings(
    validity_ms=VALIDITY_MS, least_validity_ms=20, margin_ms=MARGIN_MS, look_first_ms=60_000
)
_SECRETS = ("an-example-key", "an-example-secret", "an example phrase")


def a_signer(accounts: Iterable[str] = ("main",)) -> Signer:
    credentials = [
        Credential(account=name, environment=Environment.LIVE, version=1, secrets=_SECRETS)
        for name in accounts
    ]
    return Signer(credentials, environment=Environment.LIVE)


def a_synchronous_clock() -> ExchangeClock:
    """OKX's clock shows what the wall clock does."""
    clock = ExchangeClock()
    now_s, wall_ms = time.monotonic(), time.time() * 1000
    clock.learn(sent_s=now_s, received_s=now_s, earliest_ms=wall_ms, latest_ms=wall_ms)
    return clock


def a_register(exchange: ScriptedExchange, accounts: Iterable[str] = ("main",)) -> AccountRegister:
    return AccountRegister(
        a_signer(accounts), Environment.LIVE, read_config=exchange.account_config
    )


async def _listed(kind: InstrumentType, family: str) -> list[Instrument]:
    return [an_instrument(kind)]


class Desk:
    """The parts of a replica, made as the composition root makes them."""

    def __init__(
        self,
        redis: "Redis",
        exchange: ScriptedExchange,
        *,
        clock: ExchangeClock | None = None,
        tasks_max: int = 1_000,
        new: bool = True,
    ) -> None:
        self.exchange = exchange
        self.clock = clock or a_synchronous_clock()
        self.scripts = scripts = scripts_on(redis, new=new)
        self.ledger = RedisLedger(scripts, _SETTINGS, SEAL)
        self.budget = RedisBudget(scripts, _SETTINGS)
        self.charges = charges_with(JITTER_MS)
        self.supervisor = Supervisor(tasks_max=tasks_max)
        self.alarms = Alarms()
        self.jitter = LearnJitter(
            RedisJitter(scripts),
            set_ms=JITTER_MS,
            learn=False,
            owners=lambda: [OWNER],
            clocks_set=lambda: self.scripts.clocks_set,
        )
        self.ask = AskExchange(
            budget=self.budget,
            floors=NoFloor(),
            charges=self.charges,
            exchange=exchange,
            throttling=Throttling(self.budget, self.supervisor, self.alarms),
        )
        self.accounts = a_register(exchange)
        self.instruments = InstrumentCatalog(_listed, option_families=["BTC-USD"], refresh_s=3_600)
        self.live = FakeLive()
        self.kept_cancel = KeptCancel(self.ledger, self.ask)
        self.settle = SettleOrder(self.ledger, self.kept_cancel, self.supervisor)
        self.resolve = ResolveOrder(
            settle=self.settle,
            ask=self.ask,
            lists=OrderLists(self.ask),
            clock=self.clock,
            supervisor=self.supervisor,
            margin_ms=MARGIN_MS,
        )
        self.reconcile = Reconcile(
            accounts=self.accounts,
            instruments=self.instruments,
            ledger=self.ledger,
            resolve=self.resolve,
            kept_cancel=self.kept_cancel,
            clock=self.clock,
            supervisor=self.supervisor,
        )
        self.find = FindOrder(self.accounts, self.instruments, self.ledger)
        self.reads = MarketReads(
            address="nat-eu-1", ask=self.ask, exchange=exchange, supervisor=self.supervisor
        )
        self.boards = Boards()
        self.market = market_use_cases(self.boards, self.instruments, self.reads)
        self.check_limits = CheckLimits(self.ledger, self.market.get_ticker)
        self.place_order = PlaceOrder(
            accounts=self.accounts,
            instruments=self.instruments,
            ask=self.ask,
            admit=AdmitOrder(
                ledger=self.ledger,
                ask=self.ask,
                settle=self.settle,
                clock=self.clock,
                supervisor=self.supervisor,
            ),
            send=SendOrder(
                exchange=exchange,
                clock=self.clock,
                batch=SharedBatch(exchange, self.supervisor),
            ),
            settle=self.settle,
            clock=self.clock,
            resolve=self.resolve,
            supervisor=self.supervisor,
            timing=WatchTiming(
                self.jitter, self.alarms, validity_ms=VALIDITY_MS, margin_ms=MARGIN_MS
            ),
            check_limits=self.check_limits,
        )
        self.cancel_order = CancelOrder(
            find=self.find,
            ask=self.ask,
            ledger=self.ledger,
            resolve=self.resolve,
            supervisor=self.supervisor,
        )
        self.send_amend = SendAmend(
            amends=RedisAmends(scripts, _SETTINGS),
            ask=self.ask,
            clock=self.clock,
            margin_ms=MARGIN_MS,
        )
        self.amend_order = AmendOrder(
            find=self.find,
            ask=self.ask,
            resolve=self.resolve,
            send=self.send_amend,
            supervisor=self.supervisor,
            check_limits=self.check_limits,
        )
        self.get_order = GetOrder(
            find=self.find, live=self.live, ask=self.ask, resolve=self.resolve
        )
        self.get_balance = GetBalance(
            accounts=self.accounts,
            live=self.live,
            charges=self.charges,
            ask=self.ask,
            exchange=exchange,
            supervisor=self.supervisor,
        )

        self.account = AccountUseCases(
            get_order=self.get_order,
            get_balance=self.get_balance,
            stream_orders=StreamOrders(accounts=self.accounts, live=self.live),
            stream_balance=StreamBalance(accounts=self.accounts, live=self.live),
        )

    async def open(self) -> "Desk":
        await self.instruments.refresh()
        return self

    async def close(self) -> None:
        self.live.close()
        self.boards.close()
        await self.supervisor.drain(0)
        await self.scripts.close()

    async def place(
        self, order: NewOrder, *, caller: str = "desk", within_s: float = 10.0
    ) -> PlaceAnswer:
        return await self.place_order(order, caller=caller, deadline=Deadline.after(within_s))

    async def record(self, client_order_id: str = "a1") -> OrderRecord | None:
        return await self.ledger.read(OWNER, client_order_id)

    async def settle_all(self) -> None:
        """Wait for what goes on behind callers."""
        while self.supervisor.running:  # noqa: ASYNC110  # tasks start others
            await asyncio.sleep(0.001)

    async def settled(self, client_order_id: str = "a1") -> OrderRecord:
        """The row once everything that goes on behind callers has ended."""
        await self.supervisor.drain(5.0)
        record = await self.record(client_order_id)
        assert record is not None
        return record


def named(client_order_id: str = "a1") -> OrderName:
    return OrderName(client_order_id=client_order_id)
