"""Where do the data of channels come from? Asks the REST endpoints that say the same.

Source: OKX docs; the rows of a channel are those of the endpoint beside it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from okx_simulator.account.position_row import balance_and_position_row
from okx_simulator.answer import Row
from okx_simulator.error_code import RefusedError
from okx_simulator.exchange import Exchange
from okx_simulator.market.ticker import book_row
from okx_simulator.rest.endpoint import Call
from okx_simulator.rest.param import Params
from okx_simulator.rest.table import ENDPOINTS
from okx_simulator.websocket.channel import CHANNELS

_BALANCE_WORDS = ("ccy", "cashBal", "uTime")


class ChannelRows:
    """The present state of the exchange, as channels tell it."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def book(self, inst_id: str, depth: int) -> Row:
        """Return asks, bids, ts and seqId of a book."""
        self._exchange.advance()
        instrument = self._exchange.market.listing.find(inst_id)
        if instrument is None:
            # Expired since the subscription began: nobody offers any more.
            return {"asks": [], "bids": [], "ts": str(self._exchange.clock.now_ms()), "seqId": 0}
        return book_row(self._exchange.desk, instrument, depth)

    def rows(self, channel: str, subject: str) -> Sequence[Any]:
        """Return the present data of any other public channel about `subject`."""
        prefix, is_candle, bar = channel.partition("candle")
        if is_candle:
            params = {"instId": subject, "bar": bar, "limit": "1"}
            return self._ask(f"/api/v5/market/{prefix}candles", params)
        if channel == "instruments":
            self._exchange.advance()
            return [one.row() for one in self._exchange.market.listing.all(subject)]
        path, params_of = _SOURCES[channel]
        params = {"instType": self._inst_type(channel, subject), **params_of(subject)}
        return self._ask(path, params)

    def balance(self, uid: str, currencies: Sequence[str]) -> Row:
        """Return the data of the account channel; without currencies, of all."""
        return self._exchange.balance_row(uid, tuple(currencies))

    def positions(self, uid: str) -> Sequence[Row]:
        """Return every open position."""
        return self._ask("/api/v5/account/positions", {}, uid)

    def balance_and_position(self, uid: str) -> Row:
        """Return the first data of the balance_and_position channel."""
        details = self._exchange.balance_row(uid)["details"]
        positions = self._exchange.account(uid).positions.values()
        return {
            "pTime": str(self._exchange.clock.now_ms()),
            "eventType": "snapshot",
            "balData": [{name: one[name] for name in _BALANCE_WORDS} for one in details],
            "posData": [balance_and_position_row(position) for position in positions],
            "trades": [],
        }

    def _ask(self, path: str, params: Params, uid: str = "") -> Sequence[Any]:
        self._exchange.advance()
        in_us = self._exchange.clock.now_us()
        call = Call(params=params, elements=(params,), in_us=in_us, uid=uid)
        try:
            rows = ENDPOINTS["GET", path].answer(self._exchange, call)
        except RefusedError:
            # The instrument has expired since the subscription began.
            return ()
        assert isinstance(rows, Sequence)  # noqa: S101 - only writes of orders answer otherwise
        return rows

    def _inst_type(self, channel: str, inst_id: str) -> str:
        """Return the type that a channel means by an instId: a pair is SPOT and MARGIN."""
        find = self._exchange.market.listing.find
        types = CHANNELS[channel].inst_types
        return next((kind for kind in types if find(inst_id, kind)), "")


def _by_id(inst_id: str) -> dict[str, str]:
    return {"instId": inst_id}


def _nothing(_subject: str) -> dict[str, str]:
    return {}


_SOURCES: Mapping[str, tuple[str, Callable[[str], dict[str, str]]]] = {
    "tickers": ("/api/v5/market/ticker", _by_id),
    "index-tickers": ("/api/v5/market/index-tickers", _by_id),
    "mark-price": ("/api/v5/public/mark-price", _by_id),
    "price-limit": ("/api/v5/public/price-limit", _by_id),
    "funding-rate": ("/api/v5/public/funding-rate", _by_id),
    "open-interest": ("/api/v5/public/open-interest", _by_id),
    "status": ("/api/v5/system/status", _nothing),
}
