"""What does StreamTicker promise?  The last known value, then updates, no silence unexplained."""

from collections.abc import AsyncGenerator, Sequence

from okx_gateway.domain.errors import InvalidRequestError, Violation
from okx_gateway.domain.ticker import Heartbeat, TickerEvent
from okx_gateway.market.instrument_catalog import InstrumentCatalog
from okx_gateway.market.ticker_board import TickerBoard, wall_ms

HEARTBEAT_S = 5.0


class StreamTicker:
    """Streams tickers; see the module."""

    def __init__(self, *, board: TickerBoard, instruments: InstrumentCatalog) -> None:
        self._board = board
        self._instruments = instruments

    async def __call__(self, instruments: Sequence[str]) -> AsyncGenerator[TickerEvent, None]:
        """Stream events of `instruments` until the caller leaves.

        Raises:
            InvalidRequestError: An instrument is not listed; nothing was subscribed.
            OverloadedError: There are too many streams.
        """
        unlisted = [
            Violation(f"instruments[{index}]", "is not listed at OKX", name)
            for index, name in enumerate(instruments)
            if not self._instruments.find(name)
        ]
        if unlisted:
            raise InvalidRequestError(unlisted)
        reader = self._board.join(instruments)
        try:
            while True:
                events = await reader.take(wait_s=HEARTBEAT_S)
                for event in events:
                    yield event
                if not events:
                    yield Heartbeat(wall_ms())
        finally:
            self._board.leave(reader)
