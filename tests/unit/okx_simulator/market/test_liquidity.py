from decimal import Decimal

from okx_simulator.market.liquidity import Liquidity
from okx_simulator.market.market import Market
from okx_simulator.number import ZERO
from okx_simulator.order.order import NewOrder, Order
from tests.support.trading_floor import SPOT, START_MS, listed

MARKET = Market(7, START_MS)
PAIR = listed(MARKET.listing, SPOT)
QUOTE = MARKET.quote(PAIR)


def order(side: str, px: Decimal, sz: str = "1") -> Order:
    asked = NewOrder(PAIR, "cash", side, "limit", Decimal(sz), px)
    return Order(1, "1", asked, asked.sz, asked.px, ZERO, 0, 0)


def test_what_was_taken_comes_back_with_the_next_step() -> None:
    books = Liquidity(MARKET)
    best = next(books.levels(PAIR, buying=False))
    books.take(PAIR, best.price, best.size, buying=False)
    assert next(books.levels(PAIR, buying=False)).price > best.price
    books.refresh()
    assert next(books.levels(PAIR, buying=False)) == best


def test_every_change_counts() -> None:
    books, one = Liquidity(MARKET), order("buy", QUOTE.bid)
    seen = {books.seq}
    books.rest(one)
    seen.add(books.seq)
    books.remove(one)
    seen.add(books.seq)
    books.refresh()
    seen.add(books.seq)
    assert len(seen) == 4


def test_orders_join_their_level() -> None:
    books = Liquidity(MARKET)
    before = next(books.levels(PAIR, buying=True))
    books.rest(order("buy", QUOTE.bid, "2"))
    after = next(books.levels(PAIR, buying=True))
    assert (after.size - before.size, after.orders - before.orders) == (Decimal(2), 1)
    assert next(books.offered_to(order("sell", QUOTE.bid))).maker is not None


def test_only_what_strangers_come_to_is_crossed() -> None:
    books = Liquidity(MARKET)
    far, at_ask = order("buy", QUOTE.bid - 100), order("buy", QUOTE.ask, "0.001")
    books.rest(far)
    books.rest(at_ask)
    assert list(books.take_crossed()) == [(at_ask, Decimal("0.001"))]


def test_two_orders_share_what_there_is() -> None:
    books = Liquidity(MARKET)
    at_ask = next(books.levels(PAIR, buying=False)).size
    first, second = order("buy", QUOTE.ask, "50"), order("buy", QUOTE.ask, "50")
    books.rest(first)
    books.rest(second)
    assert list(books.take_crossed()) == [(first, at_ask)]
    assert list(books.take_crossed()) == []
