"""Is an order within its caller's limits?  Judged before any budget of orders is spent.

An order that is on record already is past that: whoever asks for it again is told what became of
it, wherever the market has gone since.
"""

from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation

import structlog

from okx_gateway import metric
from okx_gateway.access import order_limits
from okx_gateway.access.order_limits import Breach, Size
from okx_gateway.access.policy import OrderLimits
from okx_gateway.domain.access_errors import OrderLimitExceededError
from okx_gateway.domain.account import Account
from okx_gateway.domain.errors import ExchangeUnavailableError, GatewayError
from okx_gateway.domain.instrument import Instrument
from okx_gateway.domain.order import NewOrder, NewValues
from okx_gateway.domain.ticker import Ticker
from okx_gateway.ledger.redis_ledger import RedisLedger
from okx_gateway.market.dated import Dated
from okx_gateway.usecases.market_reads import Asker

_LOG = structlog.get_logger()
# So old a last price may be.
PRICE_AGE_S_MAX = 5.0

ReadTicker = Callable[[str, Asker], Awaitable[Dated[Ticker]]]


class CheckLimits:
    """Judges orders and amends by the last price, which `read_ticker` reads where it is needed."""

    def __init__(self, ledger: RedisLedger, read_ticker: ReadTicker) -> None:
        self._ledger = ledger
        self._read_ticker = read_ticker
        # By instrument, of which OKX lists some thousand.
        self._tickers: dict[str, Dated[Ticker]] = {}

    async def of_order(
        self,
        order: NewOrder,
        account: Account,
        instrument: Instrument,
        limits: OrderLimits,
        asker: Asker,
    ) -> None:
        """Judge a new order.

        Raises:
            OrderLimitExceededError: It is beyond a limit, and not on record; nothing was sent.
            GatewayError: It cannot be judged; nothing was sent.
        """
        try:
            last = await self._last_price(order_limits.size_of(order), instrument, limits, asker)
            _tell(order_limits.breach_of_order(order, instrument, limits, last), asker, limits)
        except GatewayError as error:
            if not limits.enforced:
                _LOG.warning("a limit cannot be judged", caller=asker.caller, error=str(error))
            elif await self._ledger.read(account.owner, order.client_order_id) is None:
                raise

    async def of_amend(
        self, values: NewValues, instrument: Instrument, limits: OrderLimits, asker: Asker
    ) -> None:
        """Judge what an amend makes of an order.

        Raises:
            OrderLimitExceededError: It is beyond a limit; nothing was sent.
            GatewayError: It cannot be judged; nothing was sent.
        """
        size = Size(values.quantity, values.price)
        last = None
        try:
            if values.price is not None:
                last = await self._last_price(size, instrument, limits, asker)
            _tell(order_limits.breach(size, instrument, limits, last), asker, limits)
        except GatewayError as error:
            if limits.enforced:
                raise
            _LOG.warning("a limit cannot be judged", caller=asker.caller, error=str(error))

    async def _last_price(
        self, size: Size, instrument: Instrument, limits: OrderLimits, asker: Asker
    ) -> Decimal | None:
        if not order_limits.needs_price(size, limits):
            return None
        dated = self._tickers.get(instrument.name)
        if dated is None or dated.age_s() > PRICE_AGE_S_MAX:
            dated = await self._read_ticker(instrument.name, asker)
            self._tickers[instrument.name] = dated
        try:
            last = Decimal(dated.value.last_price)
        except InvalidOperation:
            last = Decimal(0)
        if not last.is_finite() or last <= 0:
            raise ExchangeUnavailableError(f"it tells no last price of {instrument.name}")
        return last


def _tell(breach: Breach | None, asker: Asker, limits: OrderLimits) -> None:
    if breach is None:
        return
    metric.limit_exceeded(breach.limit, enforced=limits.enforced)
    _LOG.warning(
        "beyond a limit" if limits.enforced else "would be beyond a limit",
        caller=asker.caller,
        limit=breach.limit,
        asked=breach.asked,
        allowed=breach.allowed,
    )
    if limits.enforced:
        raise OrderLimitExceededError(breach.limit, asked=breach.asked, allowed=breach.allowed)
