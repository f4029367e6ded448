"""How does the estimate of OKX's clock stay good?  Asks OKX at intervals."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from okx_gateway.domain.errors import GatewayError
from okx_gateway.okx.exchange_clock import ExchangeClock

_LOG = structlog.get_logger()
_INTERVAL_S = 20.0
_RETRY_S = 1.0
# Beyond this an order's expiry would mean too little.
ERROR_MS_MAX = 250


async def keep_in_step(clock: ExchangeClock, sample: Callable[[], Awaitable[None]]) -> None:
    """Sample OKX's clock for ever, sooner while the estimate is poor."""
    while True:
        try:
            await sample()
        except GatewayError as error:
            _LOG.warning("OKX's clock not read", error=str(error))
            await asyncio.sleep(_RETRY_S)
            continue
        await asyncio.sleep(_INTERVAL_S if clock.error_ms() <= ERROR_MS_MAX else _RETRY_S)
