"""One replica: every use case on a real ledger and a scripted exchange, with short times."""

import time
from collections.abc import Iterable

from redis.asyncio import Redis

from okx_gateway.custody.account_register import AccountRegister
from okx_gateway.custody.credential import Credential, Environment
from okx_gateway.custody.signer import Signer
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.domain.order import NewOrder, OrderName
from okx_gateway.ledger.charge import ChargeTable
from okx_gateway.ledger.order_record import OrderRecord
from okx_gateway.ledger.redis_ledger import LedgerSettings, RedisLedger
from okx_gateway.market.instrument_catalog import InstrumentCatalog
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.usecases.ask_exchange import AskExchange
from okx_gateway.usecases.cancel_order import CancelOrder
from okx_gateway.usecases.find_order import FindOrder
from okx_gateway.usecases.get_balance import GetBalance
from okx_gateway.usecases.get_order import GetOrder
from okx_gateway.usecases.place_order import PlaceAnswer, PlaceOrder
from okx_gateway.usecases.resolve_order import ResolveOrder
from okx_gateway.usecases.supervisor import Supervisor
from tests.fakes.exchange import ScriptedExchange
from tests.fakes.orders import an_instrument

VALIDITY_MS = 300
MARGIN_MS = 200
OWNER = "live:1"
_SETTINGS = LedgerSettings(validity_ms=VALIDITY_MS, least_validity_ms=20)
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
    ) -> None:
        self.exchange = exchange
        self.clock = clock or a_synchronous_clock()
        self.ledger = RedisLedger(redis, _SETTINGS)
        self.charges = ChargeTable(jitter_ms=100)
        self.ask = AskExchange(self.ledger, self.charges, exchange)
        self.accounts = AccountRegister(a_signer(), exchange, Environment.LIVE)
        self.instruments = InstrumentCatalog(_listed, option_families=["BTC-USD"], refresh_s=3_600)
        self.supervisor = Supervisor(tasks_max=tasks_max)
        self.resolve = ResolveOrder(
            ledger=self.ledger,
            ask=self.ask,
            clock=self.clock,
            supervisor=self.supervisor,
            margin_ms=MARGIN_MS,
        )
        self.find = FindOrder(self.accounts, self.instruments, self.ledger)
        self.place_order = PlaceOrder(
            accounts=self.accounts,
            instruments=self.instruments,
            ledger=self.ledger,
            charges=self.charges,
            exchange=exchange,
            clock=self.clock,
            resolve=self.resolve,
            supervisor=self.supervisor,
        )
        self.cancel_order = CancelOrder(find=self.find, ask=self.ask, supervisor=self.supervisor)
        self.get_order = GetOrder(find=self.find, ask=self.ask, resolve=self.resolve)
        self.get_balance = GetBalance(
            accounts=self.accounts,
            charges=self.charges,
            ask=self.ask,
            exchange=exchange,
            supervisor=self.supervisor,
        )

    async def open(self) -> "Desk":
        await self.instruments.refresh()
        return self

    async def close(self) -> None:
        await self.supervisor.drain(0)
        await self.ledger.close()

    async def place(
        self, order: NewOrder, *, caller: str = "desk", within_s: float = 10.0
    ) -> PlaceAnswer:
        return await self.place_order(order, caller=caller, deadline=Deadline.after(within_s))

    async def record(self, client_order_id: str = "a1") -> OrderRecord | None:
        return await self.ledger.read(OWNER, client_order_id)

    async def settled(self, client_order_id: str = "a1") -> OrderRecord:
        """The row once everything that goes on behind callers has ended."""
        await self.supervisor.drain(5.0)
        record = await self.record(client_order_id)
        assert record is not None
        return record


def named(client_order_id: str = "a1") -> OrderName:
    return OrderName(client_order_id=client_order_id)
