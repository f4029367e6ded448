"""How are public facts asked of OKX within the budget of the address that all replicas share?"""

from dataclasses import dataclass

from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.exchange_client import ExchangeClient
from okx_gateway.usecases.ask_exchange import AskExchange

_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class PublicRequests:
    """Requests that OKX counts by `address`, the label of the IP they come from."""

    address: str
    ask: AskExchange
    exchange: ExchangeClient

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

    async def _wait(self, endpoint: Endpoint, kind: InstrumentType | None = None) -> None:
        await self.ask.wait_for_room(
            f"address:{self.address}",
            self.ask.charges.of_read(endpoint, kind),
            Deadline.after(_WAIT_S),
        )
