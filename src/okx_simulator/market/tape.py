"""Which trades were made on an instrument? Pure apart from the trades it is told.

Strangers trade in about a third of the steps, at the bid or at the ask; which, when and how much
follows from the seed, so that the tape can be read back to any moment without being kept.
Source: OKX docs, 'Get trades'.
"""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from zlib import crc32

from okx_simulator.answer import Row
from okx_simulator.market.book import typical_lots
from okx_simulator.market.instrument import Instrument
from okx_simulator.market.market import STEP_MS, Market
from okx_simulator.market.price import mixed
from okx_simulator.number import text

REAL_MAX = 500
_ONE_IN = 3
# How far back strangers' trades are looked for, per trade wanted.
_STEPS_PER_TRADE_MAX = 30


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade; `trade_id` grows with time and counts microseconds since the epoch."""

    trade_id: int
    px: Decimal
    sz: Decimal
    taker_buys: bool
    at_ms: int

    def row(self, inst_id: str) -> Row:
        """Return the row of 'Get trades'."""
        return {
            "instId": inst_id,
            "px": text(self.px),
            "side": "buy" if self.taker_buys else "sell",
            "source": "0",
            "sz": text(self.sz),
            "tradeId": str(self.trade_id),
            "ts": str(self.at_ms),
        }


class Tape:
    """The trades of every instrument."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._real: defaultdict[str, deque[Trade]] = defaultdict(lambda: deque(maxlen=REAL_MAX))
        self._last_id = 0
        self._latest: dict[str, tuple[int, Trade]] = {}

    def next_id(self, now_us: int) -> int:
        """Return the id of a trade made now."""
        self._last_id = max(self._last_id + 1, now_us)
        return self._last_id

    def record(self, inst_id: str, trade: Trade) -> None:
        """Put a trade of an account on the tape."""
        self._real[inst_id].append(trade)
        self._latest.pop(inst_id, None)

    def strangers_trade(self, instrument: Instrument, step: int) -> Trade | None:
        """Return what strangers traded in a step, None where they did not."""
        bits = mixed(self._market.seed ^ crc32(instrument.inst_id.encode()), step)
        if bits % _ONE_IN:
            return None
        at_ms = self._market.start_ms + step * STEP_MS
        quote = (
            self._market.quote(instrument)
            if step == self._market.step
            else self._market.quote_at(instrument, at_ms)
        )
        taker_buys = bool(bits >> 8 & 1)
        lots = 1 + (bits >> 16) % max(1, typical_lots(instrument) // 4)
        return Trade(
            trade_id=at_ms * 1_000,
            px=quote.ask if taker_buys else quote.bid,
            sz=lots * instrument.lot_sz,
            taker_buys=taker_buys,
            at_ms=at_ms,
        )

    def latest(self, instrument: Instrument) -> Trade:
        """Return the last trade; one at the present bid where there was none for long."""
        step, inst_id = self._market.step, instrument.inst_id
        known = self._latest.get(inst_id)
        if known is not None and known[0] == step:
            return known[1]
        newest = next(self.newest_first(instrument, 1), None)
        if newest is None:
            px, now_ms = self._market.quote(instrument).bid, self._market.now_ms
            newest = Trade(now_ms * 1_000, px, instrument.min_sz, taker_buys=False, at_ms=now_ms)
        self._latest[inst_id] = (step, newest)
        return newest

    def newest_first(
        self, instrument: Instrument, count_max: int, before_us: int | None = None
    ) -> Iterator[Trade]:
        """Yield up to `count_max` trades older than `before_us` (microseconds since the epoch)."""
        market = self._market
        horizon_us = (market.now_ms + STEP_MS) * 1_000 if before_us is None else before_us
        real = [
            trade
            for trade in reversed(self._real.get(instrument.inst_id, ()))
            if before_us is None or trade.trade_id < before_us
        ]
        newest_step = min(market.step, (horizon_us // 1_000 - market.start_ms) // STEP_MS)
        found = 0
        for step in range(newest_step, newest_step - count_max * _STEPS_PER_TRADE_MAX, -1):
            stranger = self.strangers_trade(instrument, step)
            if stranger is None or stranger.trade_id >= horizon_us:
                continue
            while real and real[0].trade_id >= stranger.trade_id and found < count_max:
                yield real.pop(0)
                found += 1
            if found >= count_max:
                return
            yield stranger
            found += 1
