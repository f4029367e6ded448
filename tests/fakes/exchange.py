"""An exchange that keeps a book, writes down what it is asked, and fails as a test tells it to."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from okx_gateway.domain.balance import Balance
from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.domain.money import text_from_amount
from okx_gateway.domain.order import Limit, NewOrder, NewValues, OrderName, Placed
from okx_gateway.domain.order_book import OrderBook
from okx_gateway.domain.ticker import Ticker
from okx_gateway.okx.account_list import AccountList, AccountPage
from okx_gateway.okx.amend_verdict import AmendTaken, AmendVerdict
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.exchange_client import ExchangeClient
from okx_gateway.okx.order_codec import order_from_row
from okx_gateway.okx.order_list import ListPage, ListVerdict
from okx_gateway.okx.verdict import (
    Absent,
    CancelTaken,
    CancelVerdict,
    Found,
    InDoubt,
    LookupVerdict,
    NoEvidence,
    PlaceVerdict,
)
from tests.fakes.books import a_book
from tests.fakes.tickers import a_ticker

T = TypeVar("T")
Row = dict[str, Any]
PlaceAnswer = Callable[[NewOrder], Awaitable[PlaceVerdict]]

EMPTY_BALANCE = Balance(
    total_equity_usd="1", adjusted_equity_usd="", currencies=(), update_ms=1_700_000_000_000
)


# Stands in `amends` for an amend that is carried out, and whose reply is lost.
AMENDED_UNHEARD = InDoubt("the reply was lost")


@dataclass(frozen=True)
class AskedAmend:
    """An amend that was asked for, when, and before when it had to be."""

    exchange_order_id: str
    values: NewValues
    amend_id: str
    expiry_ms: int
    asked_s: float
    write_before_s: float | None


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


class ScriptedExchange(ExchangeClient):
    """Takes every order unless `on_place` says otherwise; answers look-ups from its book.

    What stands in `lookups`, `cancels` and `amends` is answered first, one by one.
    """

    def __init__(self) -> None:  # without a connection
        self.book: dict[str, Row] = {}
        self.on_place: PlaceAnswer = self.accept
        self.lookups: deque[LookupVerdict] = deque()
        self.cancels: deque[CancelVerdict] = deque()
        self.amends: deque[AmendVerdict] = deque()
        self.amended: list[AskedAmend] = []
        self.placed: list[NewOrder] = []
        self.lists: dict[Endpoint, list[ListVerdict]] = {}
        self.pages_read: list[tuple[Endpoint, str]] = []
        self.account_pages: dict[AccountList, list[AccountPage]] = {}
        self.account_pages_read: list[tuple[AccountList, str]] = []
        self.batches: list[list[str]] = []
        self.placing = asyncio.Event()
        self.expiries_ms: list[int] = []
        self.looked_up: list[tuple[OrderName, int]] = []
        self.cancelled: list[OrderName] = []
        self.balances_read: list[tuple[str, ...]] = []
        self.configs_read = 0
        self.market_read: list[tuple[str, str]] = []
        self.slow_s = 0.0
        self.wrote_ms = 0
        self.config: Row = {
            "uid": "1",
            "perm": "read_only,trade",
            "acctLv": "2",
            "posMode": "net_mode",
            "ip": "192.0.2.1",
        }

    def last_write_ms(self, account: str) -> int:
        return self.wrote_ms

    async def place(
        self,
        order: NewOrder,
        instrument: Instrument,
        *,
        expiry_ms: int,
        write_before_s: float | None = None,
    ) -> PlaceVerdict:
        self.placed.append(order)
        self.placing.set()
        self.expiries_ms.append(expiry_ms)
        return await self.on_place(order)

    async def place_batch(
        self,
        orders: Sequence[NewOrder],
        instrument: Instrument,
        *,
        expiry_ms: int,
        write_before_s: float | None = None,
    ) -> list[PlaceVerdict]:
        self.batches.append([order.client_order_id for order in orders])
        return list(
            await asyncio.gather(
                *(self.place(order, instrument, expiry_ms=expiry_ms) for order in orders)
            )
        )

    async def amend(
        self,
        account: str,
        instrument: Instrument,
        exchange_order_id: str,
        *,
        quantity: Decimal | None,
        price: Decimal | None,
        amend_id: str,
        expiry_ms: int,
        write_before_s: float | None = None,
    ) -> AmendVerdict:
        values = NewValues(quantity, price)
        self.amended.append(
            AskedAmend(
                exchange_order_id, values, amend_id, expiry_ms, time.monotonic(), write_before_s
            )
        )
        await asyncio.sleep(self.slow_s)
        verdict = self.amends.popleft() if self.amends else None
        if verdict is None or verdict is AMENDED_UNHEARD:
            for row in self.book.values():
                if row["ordId"] == exchange_order_id:
                    self.change(row, values)
        return verdict or AmendTaken(exchange_order_id, wall_ms())

    async def cancel(
        self,
        account: str,
        instrument: Instrument,
        name: OrderName,
        *,
        write_before_s: float | None = None,
    ) -> CancelVerdict:
        self.cancelled.append(name)
        await asyncio.sleep(self.slow_s)
        if self.cancels:
            return self.cancels.popleft()
        return CancelTaken(name.exchange_order_id, name.client_order_id, wall_ms())

    async def look_up(
        self,
        account: str,
        instrument: str,
        name: OrderName,
        *,
        write_before_s: float | None = None,
    ) -> LookupVerdict:
        self.looked_up.append((name, wall_ms()))
        await asyncio.sleep(self.slow_s)
        if self.lookups:
            return self.lookups.popleft()
        for row in self.book.values():
            if name.client_order_id == row["clOrdId"] or name.exchange_order_id == row["ordId"]:
                return Found(order_from_row(row), row)
        return Absent()

    async def orders_page(
        self,
        account: str,
        endpoint: Endpoint,
        instrument: Instrument,
        *,
        after: str = "",
        begin_ms: int,
        end_ms: int,
        write_before_s: float | None = None,
    ) -> ListVerdict:
        self.pages_read.append((endpoint, after))
        pages = self.lists.get(endpoint, [ListPage((), "")])
        return pages[int(after or 0)]

    async def account_page(
        self,
        account: str,
        wanted: AccountList,
        *,
        after: str = "",
        write_before_s: float | None = None,
    ) -> AccountPage:
        self.account_pages_read.append((wanted, after))
        pages = self.account_pages.get(wanted, [AccountPage((), (), "")])
        return pages[int(after or 0)]

    async def balance(
        self, account: str, currencies: Sequence[str], *, write_before_s: float | None = None
    ) -> Balance:
        self.balances_read.append((account, *currencies))
        await asyncio.sleep(self.slow_s)
        return EMPTY_BALANCE

    async def account_config(self, account: str, *, write_before_s: float | None = None) -> Row:
        self.configs_read += 1
        return self.config

    async def account_rate_limit(self, account: str, *, write_before_s: float | None = None) -> int:
        return 1_000

    async def synchronise(self, *, write_before_s: float | None = None) -> None:
        """Its clock is the wall clock."""

    async def ticker(self, instrument: str, *, write_before_s: float | None = None) -> Ticker:
        return await self._market(("ticker", instrument), a_ticker(instrument))

    async def tickers(
        self, kind: InstrumentType, *, write_before_s: float | None = None
    ) -> list[Ticker]:
        return await self._market(("tickers", kind), [a_ticker("BTC-USDT"), a_ticker("ETH-USDT")])

    async def order_book(
        self, instrument: str, *, write_before_s: float | None = None
    ) -> OrderBook:
        return await self._market(("order_book", instrument), a_book(instrument))

    async def _market(self, asked: tuple[str, str], answer: T) -> T:
        self.market_read.append(asked)
        await asyncio.sleep(self.slow_s)
        return answer

    async def instruments(
        self, kind: InstrumentType, family: str = "", *, write_before_s: float | None = None
    ) -> list[Instrument]:
        return []

    def enter(self, order: NewOrder, **changes: str) -> Row:
        """Put an order in the book, with `changes` to what was ordered."""
        price = text_from_amount(order.kind.price) if isinstance(order.kind, Limit) else ""
        now = str(wall_ms())
        row = {
            "ordId": str(7_000 + len(self.book)),
            "clOrdId": order.client_order_id,
            "instId": order.instrument,
            "tdMode": order.trade_mode.value,
            "side": order.side.value,
            "ordType": "limit" if price else "market",
            "px": price,
            "sz": text_from_amount(order.quantity),
            "posSide": "net",
            "state": "live",
            "cTime": now,
            "uTime": now,
            **changes,
        }
        self.book[order.client_order_id] = row
        return row

    def change(self, row: Row, values: NewValues) -> None:
        """Let an amend of an order in the book take effect."""
        if values.quantity is not None:
            row["sz"] = text_from_amount(values.quantity)
        if values.price is not None:
            row["px"] = text_from_amount(values.price)
        row["uTime"] = str(wall_ms())

    async def accept(self, order: NewOrder) -> PlaceVerdict:
        row = self.enter(order)
        place_ms = int(row["cTime"])
        return Placed(row["ordId"], place_ms, place_ms * 1000 - 250, place_ms * 1000 + 9)

    async def lose_reply(self, order: NewOrder) -> PlaceVerdict:
        self.enter(order)
        return InDoubt("the reply was lost")

    async def lose_request(self, order: NewOrder) -> PlaceVerdict:
        return InDoubt("the request was lost")

    def arrive_after(self, delay_s: float) -> PlaceAnswer:
        """The request is lost to its sender and comes to the book later."""

        async def late(order: NewOrder) -> PlaceVerdict:
            asyncio.get_running_loop().call_later(delay_s, self.enter, order)
            return InDoubt("late")

        return late

    def accept_after(self, delay_s: float) -> PlaceAnswer:
        async def slow(order: NewOrder) -> PlaceVerdict:
            await asyncio.sleep(delay_s)
            return await self.accept(order)

        return slow

    @staticmethod
    def always(verdict: PlaceVerdict) -> PlaceAnswer:
        async def constant(_: NewOrder) -> PlaceVerdict:
            return verdict

        return constant


NOTHING_TOLD = NoEvidence("HTTP 503")
