"""What does GetTicker promise?  The ticker of an instrument, and how old it is.

From the channel that streams it where nothing was missed, else by one request for all who ask.
"""

from okx_gateway.domain.ticker import Ticker
from okx_gateway.market.channel_board import ChannelBoard
from okx_gateway.market.dated import Dated
from okx_gateway.market.instrument_catalog import InstrumentCatalog
from okx_gateway.okx.market_channel import tickers_of
from okx_gateway.usecases.market_reads import Asker, MarketReads, require_listed


class GetTicker:
    """Reads tickers; see the module."""

    def __init__(
        self, *, instruments: InstrumentCatalog, board: ChannelBoard[Ticker], reads: MarketReads
    ) -> None:
        self._instruments = instruments
        self._board = board
        self._reads = reads

    async def __call__(
        self, instrument: str, asker: Asker, *, max_age_s: float | None = None
    ) -> Dated[Ticker]:
        """Read the ticker of an instrument, at most `max_age_s` old where that is given.

        Raises:
            InvalidRequestError: It is not listed.
            GatewayError: There is no answer within the deadline.
        """
        require_listed(self._instruments, instrument)
        known = self._board.fresh(tickers_of(instrument))
        if known is not None and (max_age_s is None or known.age_s() <= max_age_s):
            return known
        return await self._reads.ticker(instrument, asker)
