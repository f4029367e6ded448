"""What does the ledger cost, by itself?  Touches Valkey through the gateway's own ledger.

An order is admitted, which its caller would wait for, and settled beside, as if OKX had taken it.
"""

import asyncio
import secrets
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from typing import Any

from bench.order_plan import Account, OrderPlan, PlannedOrder
from bench.pace import CallPace, Pace
from okx_gateway.custody.journal_seal import JournalSeal
from okx_gateway.custody.vault_key import VaultKey
from okx_gateway.domain import account as domain
from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.domain.order import Limit, NewOrder, Placed, Side, TimeInForce, TradeMode
from okx_gateway.ledger.charge import ChargeTable
from okx_gateway.ledger.grant import Granted, LedgerSettings
from okx_gateway.ledger.ledger_script import LedgerScripts
from okx_gateway.ledger.redis_ledger import RedisLedger
from okx_gateway.ledger.redis_script import RedisScripts
from okx_gateway.ledger.redis_servers import open_servers

_TIMEOUT_S = 0.5
_JITTER_MS = 200
_DEADLINE_MS = 5_000
_CALLER = "bench"


class NotGrantedError(Exception):
    """The ledger gave no slot."""


@asynccontextmanager
async def connected(plan: OrderPlan, target: str) -> AsyncIterator[tuple[Pace, dict[str, Any]]]:
    """Connect to the Valkey at `target`."""
    orders = plan.cycle("gateway")
    charges = ChargeTable(lambda: _JITTER_MS)
    async with AsyncExitStack() as stack:
        scripts = LedgerScripts(RedisScripts(open_servers(target), timeout_s=_TIMEOUT_S), new=True)
        stack.push_async_callback(scripts.close)
        seal = JournalSeal(VaultKey(secrets.token_bytes(32)))
        ledger = RedisLedger(scripts, LedgerSettings(), seal)
        settling: set[asyncio.Task[Any]] = set()

        async def call() -> None:
            account, planned = next(orders)
            order, owner = _order(account, planned), _owner(account)
            admission = await ledger.admit(
                order,
                owner=owner.owner,
                caller=_CALLER,
                routes=charges.of_placing(_instrument(planned), owner, _CALLER),
                exchange_ms=time.time_ns() // 1_000_000,
                remaining_ms=_DEADLINE_MS,
                fence=secrets.token_hex(8),
            )
            if not isinstance(admission, Granted):
                raise NotGrantedError
            outcome = Placed("1", 0)
            settled = ledger.settle(owner.owner, order.client_order_id, admission.fence, outcome)
            task = asyncio.get_running_loop().create_task(settled)
            settling.add(task)
            task.add_done_callback(settling.discard)

        await call()
        yield CallPace(call), {}
        await asyncio.gather(*settling)


def _owner(account: Account) -> domain.Account:
    """Who the limits count for: nobody whom the gateway knows."""
    return domain.Account(account.name, f"bench:{account.uid}", long_short=False)


def _order(account: Account, planned: PlannedOrder) -> NewOrder:
    return NewOrder(
        account=account.name,
        client_order_id=uuid.uuid4().hex,
        instrument=planned.instrument,
        side=Side.BUY,
        trade_mode=TradeMode.CASH,
        quantity=Decimal(planned.quantity),
        kind=Limit(Decimal(planned.price), TimeInForce.IMMEDIATE_OR_CANCEL),
    )


def _instrument(planned: PlannedOrder) -> Instrument:
    any_amount = Decimal(0)
    return Instrument(
        name=planned.instrument,
        type=InstrumentType.SPOT,
        family="",
        tick=any_amount,
        lot=any_amount,
        minimum=any_amount,
        maximum_limit=any_amount,
        maximum_market=any_amount,
        tradable=True,
    )
