"""What does GetTicker promise?  The ticker of an instrument, and how old it is."""

from okx_gateway.domain.ticker import Ticker
from okx_gateway.market.dated import Dated
from okx_gateway.market.instrument_catalog import InstrumentCatalog
from okx_gateway.usecases.market_reads import Asker, MarketReads, require_listed


class GetTicker:
    """Reads tickers; see the module."""

    def __init__(self, *, instruments: InstrumentCatalog, reads: MarketReads) -> None:
        self._instruments = instruments
        self._reads = reads

    async def __call__(self, instrument: str, asker: Asker) -> Dated[Ticker]:
        """Read the ticker of an instrument.

        Raises:
            InvalidRequestError: It is not listed.
            GatewayError: There is no answer within the deadline.
        """
        require_listed(self._instruments, instrument)
        return await self._reads.ticker(instrument, asker)
