"""Against what does an order trade, in which order, and where does it stop? Pure.

A plan is made first and carried out by others, so that a fill-or-kill order can be judged before
anything happens. Source: OKX docs, 'Place order' (order types, self-trade prevention).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import merge

from okx_simulator.market.book import Level
from okx_simulator.number import ZERO, floor_to
from okx_simulator.order.order import BY_MATCHES, BY_PRICE_CHECK, BY_STP, Order

MAKERS_MAX = 1_000
# A market order stops where the price is this share worse than the best one.
MARKET_REACH = Decimal("0.05")


@dataclass(frozen=True, slots=True)
class Offer:
    """Something to trade with: an account's order, or strangers (`maker` is None)."""

    px: Decimal
    sz: Decimal
    maker: Order | None = None
    orders: int = 1


@dataclass(slots=True)
class Plan:
    """What an order would do: its matches, its own account's orders to cancel, and why it stops.

    `stop` is the cancelSource of what is left, "" where the offers just ran out.
    """

    matches: list[Offer] = field(default_factory=list)
    own_makers: list[Order] = field(default_factory=list)
    stop: str = ""
    filled: bool = False


def offers(
    strangers: Iterable[Level], resting: Sequence[Order], *, buying: bool
) -> Iterator[Offer]:
    """Yield what a taker meets, best price first; accounts' orders before strangers at a price.

    `buying` says whether these offers buy, which makes the highest the best.
    """
    sign = -1 if buying else 1
    from_accounts = (Offer(order.px or ZERO, order.left, order) for order in resting)
    from_strangers = (
        Offer(level.price, level.size, orders=level.orders) for level in strangers if level.size > 0
    )
    return merge(from_accounts, from_strangers, key=lambda offer: sign * offer.px)


def plan(order: Order, offered: Iterator[Offer], owners: dict[str, str], wanted: Decimal) -> Plan:
    """Return what `order` does with the offers, `wanted` being what it has left to fill.

    `owners` maps uid to master account, which is what self-trade prevention compares.
    """
    made = Plan()
    best: Decimal | None = None
    left = wanted
    for offer in offered:
        best = offer.px if best is None else best
        if not _reaches(order, offer.px, best):
            made.stop = BY_PRICE_CHECK if order.px is None else ""
            return made
        if offer.maker is not None and owners[offer.maker.uid] == owners[order.uid]:
            if order.asked.stp_mode != "cancel_taker":
                made.own_makers.append(offer.maker)
            if order.asked.stp_mode != "cancel_maker":
                made.stop = BY_STP
                return made
            continue
        sz = min(offer.sz, _quantity(order, left, offer.px))
        if sz > 0:
            made.matches.append(Offer(offer.px, sz, offer.maker))
            left -= sz * offer.px if order.asked.counts_quote else sz
        if _quantity(order, left, offer.px) <= 0:
            made.filled = True
            return made
        if len(made.matches) >= MAKERS_MAX:
            made.stop = BY_MATCHES
            return made
    return made


def _quantity(order: Order, left: Decimal, px: Decimal) -> Decimal:
    """Return how much of the instrument `left` still asks for at this price."""
    if not order.asked.counts_quote:
        return left
    return floor_to(left / px, order.instrument.lot_sz)


def _reaches(order: Order, px: Decimal, best: Decimal) -> bool:
    if order.px is None:
        reach = best * MARKET_REACH
        return px <= best + reach if order.asked.is_buy else px >= best - reach
    return px <= order.px if order.asked.is_buy else px >= order.px
