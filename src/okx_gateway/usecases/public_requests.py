"""How is OKX asked, within the shared budget, for what no call of a caller asks?"""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from okx_gateway.domain.account import Account
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import ExchangeUnavailableError
from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.market.clock_sync import ERROR_MS_MAX
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.exchange_client import ExchangeClient
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.reply import Row
from okx_gateway.usecases.ask_exchange import AskExchange, Send

_WAIT_S = 5.0
_CLOCK_POLL_S = 0.05
_T = TypeVar("_T")


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
        await self._read(Endpoint.GET_TIME, self.exchange.synchronise)

    async def instruments(self, kind: InstrumentType, family: str) -> list[Instrument]:
        """Read all instruments of a type, of OPTION those of a family.

        Raises:
            GatewayError: OKX could not be asked, or gave no usable answer.
        """
        send = partial(self.exchange.instruments, kind, family)
        return await self._read(Endpoint.GET_INSTRUMENTS, send, kind)

    async def wait_to_connect(self) -> None:
        """Wait until a WebSocket may be opened.

        Raises:
            GatewayError: It may not be, in time.
        """
        await self.ask.wait_for_room(
            owner_of_address(self.address),
            self.ask.charges.of_connecting(),
            Deadline.after(_WAIT_S),
        )

    async def account_config(self, account: str) -> Row:
        """Read an account's configuration, which alone tells the owner.

        Raises:
            GatewayError: OKX could not be asked, or gave no usable answer; or its clock, which
                signs, is not known yet.
        """
        until = Deadline.after(_WAIT_S)
        while self.clock.error_ms() > ERROR_MS_MAX:
            if until.remaining_s() <= 0:
                raise ExchangeUnavailableError("it has not told its time yet")
            await asyncio.sleep(_CLOCK_POLL_S)
        return await self.ask.read(
            f"account:{account}",
            self.ask.charges.of_read(Endpoint.GET_ACCOUNT_CONFIG),
            Deadline.after(_WAIT_S),
            partial(self.exchange.account_config, account),
        )

    async def order_limit(self, account: Account) -> int:
        """Read how many new and amended orders an account may send in 2 s.

        Raises:
            GatewayError: OKX could not be asked, or gave no usable answer.
        """
        return await self.ask.read(
            account.owner,
            self.ask.charges.of_read(Endpoint.GET_ACCOUNT_RATE_LIMIT),
            Deadline.after(_WAIT_S),
            partial(self.exchange.account_rate_limit, account.name),
        )

    async def _read(
        self, endpoint: Endpoint, send: Send[_T], kind: InstrumentType | None = None
    ) -> _T:
        route = self.ask.charges.of_read(endpoint, kind=kind)
        owner = owner_of_address(self.address)
        return await self.ask.read(owner, route, Deadline.after(_WAIT_S), send)
