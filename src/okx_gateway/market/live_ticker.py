"""What is the latest ticker of an instrument?"""

from collections.abc import Sequence

from okx_gateway.domain.ticker import Ticker
from okx_gateway.market.dated import Dated, dated_now
from okx_gateway.market.live import News
from okx_gateway.okx.channel import Push
from okx_gateway.okx.reply import Row, UnreadableReplyError
from okx_gateway.okx.ticker_codec import ticker_from_row


class LiveTicker:
    """The latest ticker of one instrument."""

    begins_empty = False

    def __init__(self, _instrument: str) -> None:
        self._last: Dated[Ticker] | None = None

    def take(self, rows: Sequence[Row], push: Push) -> list[News[Ticker]]:
        """Take tickers; one that is older than what is known is passed over."""
        news = []
        for row in rows:
            try:
                ticker = ticker_from_row(row, receive_ms=push.receive_ms)
            except UnreadableReplyError:
                continue  # the next one mends it
            if self._last is None or ticker.exchange_ms >= self._last.value.exchange_ms:
                self._last = dated_now(ticker)
                news.append(News(ticker.instrument, ticker))
        return news

    def known(self) -> Dated[Ticker] | None:
        """The latest ticker."""
        return self._last

    def lose(self) -> None:
        """Keep what is known: it is told as old."""
