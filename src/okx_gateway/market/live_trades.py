"""Which trades of an instrument are new?"""

from collections import deque
from collections.abc import Sequence

from okx_gateway.domain.trade import Trade
from okx_gateway.market.live import BrokenError, News
from okx_gateway.okx.channel import Push
from okx_gateway.okx.reply import Row, UnreadableReplyError
from okx_gateway.okx.trade_codec import trade_from_row

# More than two connections bring in the time that they carry the same.
_REMEMBERED_MAX = 1_000


class LiveTrades:
    """The trades of one instrument, each once."""

    begins_empty = True

    def __init__(self, _instrument: str) -> None:
        self._ids: set[str] = set()
        self._oldest_first: deque[str] = deque()

    def take(self, rows: Sequence[Row], push: Push) -> list[News[Trade]]:
        """Take trades; one that was told already is passed over.

        Raises:
            BrokenError: One cannot be read, and would be missing.
        """
        try:
            trades = [trade_from_row(row, receive_ms=push.receive_ms) for row in rows]
        except UnreadableReplyError as error:
            raise BrokenError(str(error)) from error
        return [News(each.trade_id, each) for each in trades if self._is_new(each.trade_id)]

    def known(self) -> None:
        """Nothing: who joins is told of trades from then on."""

    def lose(self) -> None:
        """Keep what was told in mind: it may come again."""

    def _is_new(self, trade_id: str) -> bool:
        if trade_id in self._ids:
            return False
        self._ids.add(trade_id)
        self._oldest_first.append(trade_id)
        if len(self._oldest_first) > _REMEMBERED_MAX:
            self._ids.discard(self._oldest_first.popleft())
        return True
