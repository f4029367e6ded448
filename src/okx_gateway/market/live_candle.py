"""What is the present candle of an instrument?"""

from collections.abc import Sequence

from okx_gateway.domain.candle import Candle
from okx_gateway.market.dated import Dated, dated_now
from okx_gateway.market.live import News
from okx_gateway.okx.candle_codec import candle_from_row
from okx_gateway.okx.channel import Push
from okx_gateway.okx.reply import Row, UnreadableReplyError


class LiveCandle:
    """The latest candle of one instrument and bar."""

    begins_empty = False

    def __init__(self, instrument: str) -> None:
        self._instrument = instrument
        self._last: Dated[Candle] | None = None

    def take(self, rows: Sequence[Row], push: Push) -> list[News[Candle]]:
        """Take candles, also an older one that is complete only now."""
        news = []
        for row in rows:
            try:
                candle = candle_from_row(row, self._instrument, receive_ms=push.receive_ms)
            except UnreadableReplyError:
                continue  # the next one mends it
            if self._last is None or candle.start_ms >= self._last.value.start_ms:
                self._last = dated_now(candle)
            news.append(News((self._instrument, candle.start_ms), candle))
        return news

    def known(self) -> Dated[Candle] | None:
        """The latest candle."""
        return self._last

    def lose(self) -> None:
        """Keep what is known: it is told as old."""
