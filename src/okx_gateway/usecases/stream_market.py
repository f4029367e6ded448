"""What do the streams of the market promise?  What is known, then updates, no silent silence."""

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Generic, TypeVar

from okx_gateway import metric
from okx_gateway.domain.errors import InvalidRequestError, Violation
from okx_gateway.domain.market_notice import Heartbeat, Notice
from okx_gateway.market.channel_board import ChannelBoard
from okx_gateway.market.instrument_catalog import InstrumentCatalog
from okx_gateway.market.stream_log import Batch
from okx_gateway.market.stream_reader import wall_ms
from okx_gateway.okx.channel import Channel

HEARTBEAT_S = 5.0
_V = TypeVar("_V")


class StreamMarket(Generic[_V]):
    """Streams what `board` has of instruments, for the call `rpc`.

    `channel_of` names the channel of an instrument, by what else the caller has to say.
    """

    def __init__(
        self,
        rpc: str,
        board: ChannelBoard[_V],
        channel_of: Callable[..., Channel],
        instruments: InstrumentCatalog,
    ) -> None:
        self._rpc = rpc
        self._board = board
        self._channel_of = channel_of
        self._instruments = instruments

    async def __call__(
        self, instruments: Sequence[str], *which: object
    ) -> AsyncGenerator[Batch[_V | Notice] | Heartbeat, None]:
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
        channels = [self._channel_of(name, *which) for name in instruments]
        reader = self._board.join(channels)
        try:
            while True:
                batch = await reader.take(wait_s=HEARTBEAT_S)
                if reader.skipped:
                    metric.values_skipped(self._rpc, reader.skipped)
                    reader.skipped = 0
                yield batch if batch.events else Heartbeat(wall_ms())
        finally:
            self._board.leave(channels)
