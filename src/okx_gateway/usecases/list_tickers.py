"""What does ListTickers promise?  The tickers of all instruments of a type, as OKX has them now."""

from okx_gateway.domain.instrument import InstrumentType
from okx_gateway.domain.ticker import Ticker
from okx_gateway.market.dated import Dated
from okx_gateway.usecases.market_reads import Asker, MarketReads


class ListTickers:
    """Lists tickers; see the module."""

    def __init__(self, reads: MarketReads) -> None:
        self._reads = reads

    async def __call__(self, kind: InstrumentType, asker: Asker) -> Dated[list[Ticker]]:
        """Read the tickers of a type.

        Raises:
            GatewayError: There is no answer within the deadline.
        """
        return await self._reads.tickers(kind, asker)
