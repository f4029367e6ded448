"""What does each book offer now: strangers' sizes less what was taken, and accounts' orders? Pure.

Source: OKX docs, 'Get order book'.
"""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby

from okx_simulator.market.book import Level, strangers
from okx_simulator.market.instrument import Instrument
from okx_simulator.market.market import Market
from okx_simulator.number import ZERO
from okx_simulator.order.matching import Offer, offers
from okx_simulator.order.order import Order
from okx_simulator.order.resting import RestingOrders


class Liquidity:
    """The books of all instruments. `seq` grows with every change of any of them."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._resting = RestingOrders()
        # What has been taken from strangers at this step, by instrument, side and price.
        self._taken: defaultdict[tuple[str, bool, Decimal], Decimal] = defaultdict(Decimal)
        self.seq = 1

    def refresh(self) -> None:
        """Let strangers offer again what was taken from them; called at every new step."""
        self._taken.clear()
        self.seq += 1

    def rest(self, order: Order) -> None:
        """Let an order rest, behind those of the same price."""
        self._resting.remove(order)
        self._resting.add(order)
        self.seq += 1

    def remove(self, order: Order) -> None:
        """Take an order off its book if it rests there."""
        self._resting.remove(order)
        self.seq += 1

    def take_crossed(self) -> Iterator[tuple[Order, Decimal]]:
        """Yield the resting orders that strangers now offer something for, and how much.

        What is yielded is taken from the strangers until the next step.
        """
        for inst_id in sorted(self._resting.instruments()):
            for buying in (True, False):
                for order in tuple(self._resting.best_first(inst_id, buying=buying)):
                    sz = self._take_crossing(order)
                    if not sz:
                        break
                    yield order, sz

    def offered_to(self, order: Order) -> Iterator[Offer]:
        """Yield what an order could take, best price first."""
        return self._offers(order.instrument, buying=not order.asked.is_buy)

    def levels(self, instrument: Instrument, *, buying: bool) -> Iterator[Level]:
        """Yield the levels of one side of a book, best first."""
        offered = self._offers(instrument, buying=buying)
        for px, same in groupby(offered, key=lambda offer: offer.px):
            group = list(same)
            size = sum((offer.sz for offer in group), ZERO)
            yield Level(px, size, sum(offer.orders for offer in group))

    def take(self, instrument: Instrument, px: Decimal, sz: Decimal, *, buying: bool) -> None:
        """Note that `sz` of what strangers offered is gone until the next step."""
        self._taken[instrument.inst_id, buying, px] += sz
        self.seq += 1

    def _offers(self, instrument: Instrument, *, buying: bool) -> Iterator[Offer]:
        resting = self._resting.best_first(instrument.inst_id, buying=buying)
        return offers(self._strangers(instrument, buying=buying), resting, buying=buying)

    def _strangers(self, instrument: Instrument, *, buying: bool) -> Iterator[Level]:
        market, taken = self._market, self._taken
        quote = market.quote(instrument)
        for level in strangers(market.seed, market.step, instrument, quote, buying=buying):
            gone = taken.get((instrument.inst_id, buying, level.price)) if taken else None
            yield level if gone is None else level._replace(size=max(ZERO, level.size - gone))

    def _take_crossing(self, order: Order) -> Decimal:
        """Take what strangers offer at an order's limit or better, at most what it has left."""
        px, is_buy, total = order.px or ZERO, order.asked.is_buy, ZERO
        for level in self._strangers(order.instrument, buying=not is_buy):
            if total >= order.left or (level.price > px if is_buy else level.price < px):
                break
            used = min(order.left - total, level.size)
            self.take(order.instrument, level.price, used, buying=not is_buy)
            total += used
        return total
