"""How does doubt end when nobody asks?

Every replica looks for rows that their holders have left, because they crashed, were paused or gave
up, and brings them to their end. A row is taken for a lease: who takes it and dies is followed.
"""

import asyncio

import structlog

from okx_gateway import metric
from okx_gateway.custody.account_register import AccountRegister
from okx_gateway.domain.account import Account
from okx_gateway.domain.errors import ExchangeUnavailableError, LedgerUnavailableError
from okx_gateway.domain.order import Placed
from okx_gateway.ledger.grant import OpenRows
from okx_gateway.ledger.order_record import OrderRecord
from okx_gateway.ledger.redis_ledger import RedisLedger
from okx_gateway.market.clock_sync import ERROR_MS_MAX
from okx_gateway.market.instrument_catalog import InstrumentCatalog
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.verdict import absence_is_forgotten
from okx_gateway.usecases.kept_cancel import KeptCancel
from okx_gateway.usecases.resolve_order import Doubt, ResolveOrder
from okx_gateway.usecases.supervisor import Supervisor

_LOG = structlog.get_logger()
_PAUSE_S = 1.0
_FIRST_PAUSE_S = 0.1
_LEASE_S = 5.0
_ROWS_MAX = 50
_LOOKING_MAX = 200
# What OKX has forgotten is left to a person, and looked at again now and then.
_FORGOTTEN_LEASE_S = 600.0


class Reconcile:
    """Ends what others left open; see the module."""

    def __init__(
        self,
        *,
        accounts: AccountRegister,
        instruments: InstrumentCatalog,
        ledger: RedisLedger,
        resolve: ResolveOrder,
        kept_cancel: KeptCancel,
        clock: ExchangeClock,
        supervisor: Supervisor,
    ) -> None:
        self._accounts = accounts
        self._instruments = instruments
        self._ledger = ledger
        self._resolve = resolve
        self._kept_cancel = kept_cancel
        self._clock = clock
        self._supervisor = supervisor
        self._cancelling: set[tuple[str, str]] = set()
        self._seen: dict[str, OpenRows] = {}
        self.caught_up = False

    async def run(self) -> None:
        """Sweep for ever.

        `caught_up` is set once orders of every account are admitted: a replica that starts beside a
        ledger that was lost waits for that, and one that runs tells each caller.
        """
        while True:
            silent = False
            # What may be forgotten, and what is proven, is told by OKX's clock.
            in_step = self._clock.error_ms() <= ERROR_MS_MAX
            accounts = self._accounts.verified() if in_step else ()
            for account in accounts:
                try:
                    await self.sweep(account)
                    if not self.caught_up:
                        silent |= await self._ledger.silence_left_s(account.owner) > 0
                except (LedgerUnavailableError, ExchangeUnavailableError) as error:
                    silent = True
                    _LOG.warning("cannot look for open rows", error=str(error))
            self.caught_up |= bool(accounts) and not silent
            self._tell()
            await asyncio.sleep(_PAUSE_S if self.caught_up else _FIRST_PAUSE_S)

    async def sweep(self, account: Account) -> None:
        """Take over what is due of one account.

        Raises:
            LedgerUnavailableError: The ledger cannot be asked.
            ExchangeUnavailableError: No instruments are known yet.
        """
        room = min(_ROWS_MAX, _LOOKING_MAX - self._resolve.looking_count)
        if room <= 0:
            return
        rows = await self._ledger.take_open(account.owner, lease_s=_LEASE_S, rows_max=room)
        seen = self._seen.get(account.owner)
        if seen is not None and seen.since_us != rows.since_us:
            metric.epoch_changed()
        self._seen[account.owner] = rows
        for record in rows.taken:
            await self._take(account, record)

    def _tell(self) -> None:
        metric.doubts(self._resolve.looking_count, self._resolve.oldest_s)
        metric.open_rows(
            sum(each.open_count for each in self._seen.values()),
            max((each.late_s for each in self._seen.values()), default=0.0),
        )

    async def _take(self, account: Account, record: OrderRecord) -> None:
        order = record.order
        # SPOT and MARGIN of one pair share a name, and nothing below tells them apart.
        instrument = self._instruments.find_any(order.instrument)
        if instrument is None:
            _LOG.error(
                "an open order on an instrument that is not listed", id=order.client_order_id
            )
            return
        match record.outcome:
            case None:
                forgotten = absence_is_forgotten(
                    asked_ms=self._clock.earliest_ms(), expiry_ms=record.expiry_ms
                )
                if forgotten:
                    _LOG.error("in doubt for too long to be proven", id=order.client_order_id)
                    await self._ledger.read(
                        account.owner, order.client_order_id, hold_s=_FORGOTTEN_LEASE_S
                    )
                self._resolve.begin(Doubt.of(record, account, instrument))
            case Placed(exchange_order_id) if record.cancel_wanted:
                key = (account.owner, order.client_order_id)
                if key not in self._cancelling:
                    self._cancelling.add(key)
                    task = self._supervisor.follow_up(
                        self._kept_cancel(account, instrument, order, exchange_order_id)
                    )
                    task.add_done_callback(lambda _: self._cancelling.discard(key))
            case _:
                await self._ledger.end_cancel(account.owner, order.client_order_id)
