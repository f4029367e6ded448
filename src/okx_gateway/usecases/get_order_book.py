"""What does GetOrderBook promise?  The best levels of a book, and how old it is.

From the channel that streams it where nothing was missed, else by one request for all who ask.
"""

from dataclasses import replace

from okx_gateway.domain.order_book import OrderBook
from okx_gateway.market.book_board import BookBoard
from okx_gateway.market.dated import Dated
from okx_gateway.market.instrument_catalog import InstrumentCatalog
from okx_gateway.usecases.market_reads import Asker, MarketReads, require_listed


class GetOrderBook:
    """Reads order books; see the module."""

    def __init__(
        self, *, instruments: InstrumentCatalog, board: BookBoard, reads: MarketReads
    ) -> None:
        self._instruments = instruments
        self._board = board
        self._reads = reads

    async def __call__(
        self,
        instrument: str,
        asker: Asker,
        *,
        depth: int | None = None,
        max_age_s: float | None = None,
    ) -> Dated[OrderBook]:
        """Read the best `depth` levels a side, or all of them.

        They are at most `max_age_s` old, where that is given.

        Raises:
            InvalidRequestError: The instrument is not listed.
            GatewayError: There is no answer within the deadline.
        """
        require_listed(self._instruments, instrument)
        dated = self._board.fresh_book(instrument)
        if dated is None or (max_age_s is not None and dated.age_s() > max_age_s):
            dated = await self._reads.order_book(instrument, asker)
        book = dated.value
        cut = replace(book, asks=book.asks[:depth], bids=book.bids[:depth])
        return Dated(cut, dated.received_s)
