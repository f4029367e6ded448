"""How is OKX asked, within the shared budget, for what no call of a caller asks?"""

import asyncio
from dataclasses import dataclass

from okx_gateway.domain.account import Account
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import ExchangeUnavailableError
from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.ledger.charge import Route
from okx_gateway.market.clock_sync import ERROR_MS_MAX
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.exchange_client import ExchangeClient
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.usecases.ask_exchange import AskExchange

_WAIT_S = 5.0
_CLOCK_POLL_S = 0.05


def owner_of_address(address: str) -> str:
    """The owner of the windows that OKX counts by address."""
    return f"address:{address}"


@dataclass(frozen=True, slots=True)
class PublicRequests:
    """Requests of the gateway itself; `address` is the label of the IP that they come from."""

    address: str
    ask: AskExchange
    exchange: ExchangeClient
    clock: ExchangeClock

    async def time(self) -> None:
        """Sample OKX's clock.

        Raises:
            GatewayError: It could not be asked.
        """
        await self._wait(Endpoint.GET_TIME)
        await self.exchange.synchronise()

    async def instruments(self, kind: InstrumentType, family: str) -> list[Instrument]:
        """Read all instruments of a type, of OPTION those of a family.

        Raises:
            GatewayError: OKX could not be asked, or gave no usable answer.
        """
        await self._wait(Endpoint.GET_INSTRUMENTS, kind)
        return await self.exchange.instruments(kind, family)

    async def wait_to_connect(self) -> None:
        """Wait until a WebSocket may be opened.

        Raises:
            GatewayError: It may not be, in time.
        """
        await self._wait_for(owner_of_address(self.address), self.ask.charges.of_connecting())

    async def wait_for_account_config(self, account: str) -> None:
        """Wait until an account may be asked for its configuration, whose owner only that tells.

        Raises:
            GatewayError: It may not be, in time; or OKX's clock, which signs, is not known yet.
        """
        until = Deadline.after(_WAIT_S)
        while self.clock.error_ms() > ERROR_MS_MAX:
            if until.remaining_s() <= 0:
                raise ExchangeUnavailableError("it has not told its time yet")
            await asyncio.sleep(_CLOCK_POLL_S)
        route = self.ask.charges.of_read(Endpoint.GET_ACCOUNT_CONFIG)
        await self._wait_for(f"account:{account}", route)

    async def wait_for_order_limit(self, account: Account) -> None:
        """Wait until an account may be asked how many orders it may send.

        Raises:
            GatewayError: It may not be, in time.
        """
        route = self.ask.charges.of_read(Endpoint.GET_ACCOUNT_RATE_LIMIT)
        await self._wait_for(account.owner, route)

    async def _wait(self, endpoint: Endpoint, kind: InstrumentType | None = None) -> None:
        route = self.ask.charges.of_read(endpoint, kind=kind)
        await self._wait_for(owner_of_address(self.address), route)

    async def _wait_for(self, owner: str, route: Route) -> None:
        await self.ask.wait_for_room(owner, route, Deadline.after(_WAIT_S))
