"""How is OKX asked for the market on behalf of a caller?  Within the budget of the address."""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import InvalidRequestError, Violation
from okx_gateway.domain.instrument import InstrumentType
from okx_gateway.domain.order_book import OrderBook
from okx_gateway.domain.ticker import Ticker
from okx_gateway.market.dated import Dated, dated_now
from okx_gateway.market.instrument_catalog import InstrumentCatalog
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.exchange_client import ExchangeClient
from okx_gateway.usecases.ask_exchange import AskExchange, Send
from okx_gateway.usecases.public_requests import owner_of_address
from okx_gateway.usecases.shared_read import SharedRead
from okx_gateway.usecases.supervisor import Supervisor

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for something, and until when an answer is of use."""

    caller: str
    deadline: Deadline


class MarketReads:
    """Reads of the market; all who ask the same at once share one request."""

    def __init__(
        self, *, address: str, ask: AskExchange, exchange: ExchangeClient, supervisor: Supervisor
    ) -> None:
        self._owner = owner_of_address(address)
        self._ask = ask
        self._exchange = exchange
        self._tickers: SharedRead[Dated[Ticker]] = SharedRead(supervisor)
        self._lists: SharedRead[Dated[list[Ticker]]] = SharedRead(supervisor)
        self._books: SharedRead[Dated[OrderBook]] = SharedRead(supervisor)

    async def ticker(self, instrument: str, asker: Asker) -> Dated[Ticker]:
        """Read the ticker of an instrument.

        Raises:
            GatewayError: There is no answer within the deadline.
        """
        send = partial(self._exchange.ticker, instrument)
        return await self._shared(self._tickers, instrument, Endpoint.GET_TICKER, send, asker)

    async def tickers(self, kind: InstrumentType, asker: Asker) -> Dated[list[Ticker]]:
        """Read the tickers of all instruments of a type.

        Raises:
            GatewayError: There is no answer within the deadline.
        """
        send = partial(self._exchange.tickers, kind)
        return await self._shared(self._lists, kind, Endpoint.GET_TICKERS, send, asker)

    async def order_book(self, instrument: str, asker: Asker) -> Dated[OrderBook]:
        """Read the order book of an instrument, as deep as OKX gives it.

        Raises:
            GatewayError: There is no answer within the deadline.
        """
        send = partial(self._exchange.order_book, instrument)
        return await self._shared(self._books, instrument, Endpoint.GET_ORDER_BOOK, send, asker)

    async def _shared(
        self,
        shared: SharedRead[Dated[_T]],
        key: Hashable,
        endpoint: Endpoint,
        send: Send[_T],
        asker: Asker,
    ) -> Dated[_T]:
        async def read() -> Dated[_T]:
            route = self._ask.charges.of_read(endpoint, asker.caller)
            return dated_now(
                await self._ask.read(self._owner, route, asker.deadline, send, caller=asker.caller)
            )

        return await shared(key, read, asker.deadline)


def require_listed(instruments: InstrumentCatalog, name: str) -> None:
    """See that OKX lists an instrument.

    Raises:
        InvalidRequestError: It does not; nothing was asked.
        ExchangeUnavailableError: OKX has not told any instruments yet.
    """
    if not instruments.find(name):
        raise InvalidRequestError([Violation("instrument", "is not listed at OKX", name)])
