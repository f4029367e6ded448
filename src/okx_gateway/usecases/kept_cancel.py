"""How is a cancel that overtook its order sent again once the order is found?"""

import asyncio
from dataclasses import dataclass

import structlog

from okx_gateway.domain.account import Account
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import BudgetExhaustedError, LedgerUnavailableError
from okx_gateway.domain.instrument import Instrument
from okx_gateway.domain.order import NewOrder, OrderName, OrderState, Refused
from okx_gateway.ledger.redis_ledger import RedisLedger
from okx_gateway.okx import code as codes
from okx_gateway.okx.verdict import CancelNeedsLook, CancelTaken, Found
from okx_gateway.usecases.ask_exchange import AskExchange

_LOG = structlog.get_logger()
_ATTEMPTS_MAX = 10
_PAUSE_S = 0.2
_PAUSE_MAX_S = 5.0
_ATTEMPT_S = 3.0


@dataclass(frozen=True, slots=True)
class KeptCancel:
    """Carries kept cancels out. Repeating is safe: OKX's id never names another order."""

    ledger: RedisLedger
    ask: AskExchange

    async def __call__(
        self, account: Account, instrument: Instrument, order: NewOrder, exchange_order_id: str
    ) -> None:
        """Cancel until OKX has taken it; what is given up is taken over later."""
        name = OrderName(exchange_order_id=exchange_order_id)
        pause_s = _PAUSE_S
        for _ in range(_ATTEMPTS_MAX):
            try:
                if await self._attempt(account, instrument, name):
                    await self.ledger.end_cancel(account.owner, order.client_order_id)
                    return
            except (BudgetExhaustedError, LedgerUnavailableError) as error:
                _LOG.info("a kept cancel has to wait", error=str(error))
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _PAUSE_MAX_S)
        _LOG.error("a kept cancel is not carried out yet", client_order_id=order.client_order_id)

    async def _attempt(self, account: Account, instrument: Instrument, name: OrderName) -> bool:
        """One attempt; whether nothing is left to be cancelled."""
        deadline = Deadline.after(_ATTEMPT_S)
        verdict = await self.ask.cancel(account, instrument, name, deadline)
        match verdict:
            case CancelTaken():
                return True
            case Refused(code, message) if code not in codes.THROTTLED:
                _LOG.error("OKX refuses a kept cancel", code=code, message=message)
                return True
            case CancelNeedsLook():
                seen = await self.ask.look_up(account, instrument, name, deadline)
                return isinstance(seen, Found) and seen.order.state in (
                    OrderState.FILLED,
                    OrderState.CANCELLED,
                )
        return False
