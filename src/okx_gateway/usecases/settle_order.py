"""How does the final outcome of an order come on record, and what waits for it?"""

import asyncio
from dataclasses import dataclass

import structlog

from okx_gateway.domain.account import Account
from okx_gateway.domain.errors import LedgerRecoveringError, LedgerUnavailableError
from okx_gateway.domain.instrument import Instrument
from okx_gateway.domain.order import Conflict, NewOrder, NotPlaced, Outcome, Placed
from okx_gateway.ledger.grant import Arrival, Settlement
from okx_gateway.ledger.order_record import OrderRecord
from okx_gateway.ledger.redis_ledger import RedisLedger
from okx_gateway.usecases.kept_cancel import KeptCancel
from okx_gateway.usecases.supervisor import Supervisor

_LOG = structlog.get_logger()
_PAUSES_S = (0.1, 0.5, 2.0)


@dataclass(frozen=True, slots=True)
class SettleOrder:
    """Settles rows of the journal; what was settled before stands."""

    ledger: RedisLedger
    kept_cancel: KeptCancel
    supervisor: Supervisor

    async def __call__(  # all that a row is made of
        self,
        outcome: Outcome,
        *,
        account: Account,
        instrument: Instrument,
        order: NewOrder,
        caller: str,
        fence: str,
        sent_ms: int,
        arrival: Arrival | None = None,
    ) -> Settlement:
        """Put `outcome` of the grant `fence` on record; the outcome that stands.

        Where Redis is away the row stays open: whoever takes it over learns the same from OKX.
        """
        for pause_s in (*_PAUSES_S, None):
            try:
                settled = await self.ledger.settle(
                    account.owner, order.client_order_id, fence, outcome, arrival=arrival
                )
                if settled.lost and isinstance(outcome, NotPlaced | Conflict):
                    # The id may have been granted anew, and the row of that be what was lost.
                    settled = Settlement(outcome, on_record=False)
                elif settled.lost:
                    row = await self.ledger.adopt(
                        order, owner=account.owner, caller=caller, sent_ms=sent_ms, outcome=outcome
                    )
                    settled = Settlement(outcome, on_record=row.outcome == outcome)
            except LedgerUnavailableError as error:
                if pause_s is None:
                    _LOG.warning("an outcome is not on record yet", error=str(error))
                    return Settlement(outcome, on_record=False)
                await asyncio.sleep(pause_s)
            else:
                break
        if settled.cancel_wanted and isinstance(settled.outcome, Placed):
            self.supervisor.follow_up(
                self.kept_cancel(account, instrument, order, settled.outcome.exchange_order_id)
            )
        return settled

    async def unsent(self, account: Account, order: NewOrder, fence: str) -> None:
        """Forget a grant under which nothing was written, as soon as Redis can be told."""
        for pause_s in (*_PAUSES_S, None):
            try:
                await self.ledger.settle_unsent(account.owner, order.client_order_id, fence)
            except LedgerUnavailableError:
                if pause_s is None:
                    return  # taken over as in doubt, and then proven not placed
                await asyncio.sleep(pause_s)
            else:
                return

    async def standing(
        self, account: Account, order: NewOrder, *, hold_s: float
    ) -> OrderRecord | None:
        """The row of an order, None where it cannot be read; see `RedisLedger.read`."""
        try:
            return await self.ledger.read(account.owner, order.client_order_id, hold_s=hold_s)
        except (LedgerUnavailableError, LedgerRecoveringError):
            return None

    async def kept_ms(self, account: Account) -> float:
        """For how many ms nothing on record can have been lost; 0 where Redis does not tell."""
        try:
            return await self.ledger.kept_ms(account.owner)
        except LedgerUnavailableError:
            return 0.0
