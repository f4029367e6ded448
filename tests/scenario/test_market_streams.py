"""What streams of the market tell is what the exchange says, though pushes are lost."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import aiohttp
import grpc
import pytest

from okx_gateway.api.v1 import candle_pb2, order_book_pb2, ticker_pb2
from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.cli.gateway_client import stub_of
from tests.support.running import Exchange, Gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")

BTC, ETH = "BTC-USDT", "ETH-USDT"
Levels = list[tuple[str, str]]


class Book:
    """A caller's copy of a book, and what it was at each of its numbers."""

    def __init__(self) -> None:
        self.asks: dict[Decimal, tuple[str, str]] = {}
        self.bids: dict[Decimal, tuple[str, str]] = {}
        self.sequence = -1
        self.known: dict[int, tuple[Levels, Levels]] = {}
        self.snapshots = self.updates = 0
        self.gaps: list[int] = []
        self.is_whole = False

    def take(self, event: api.StreamOrderBookResponse) -> None:
        kind = event.WhichOneof("event")
        if kind == "snapshot":
            self.asks, self.bids = ({} for _ in range(2))
            self.snapshots += 1
            self.is_whole = True
            self._change(event.snapshot)
        elif kind == "update":
            assert self.is_whole
            assert event.update.previous_sequence == self.sequence
            self.updates += 1
            self._change(event.update)
        elif kind == "gap":
            self.gaps.append(event.gap.reason)
            self.is_whole = False

    def _change(self, told: order_book_pb2.OrderBook | order_book_pb2.OrderBookUpdate) -> None:
        for side, levels in ((self.asks, told.asks), (self.bids, told.bids)):
            for level in levels:
                if Decimal(level.quantity):
                    side[Decimal(level.price)] = (level.price, level.quantity)
                else:
                    side.pop(Decimal(level.price), None)
        self.sequence = told.sequence
        asks = [self.asks[price] for price in sorted(self.asks)]
        bids = [self.bids[price] for price in sorted(self.bids, reverse=True)]
        self.known[self.sequence] = (asks, bids)


async def rest_book(session: aiohttp.ClientSession) -> tuple[int, Levels, Levels] | None:
    """What the exchange itself answers, with its number; None where it is asked too often."""
    async with session.get("/api/v5/market/books", params={"instId": BTC, "sz": "400"}) as response:
        rows = (await response.json())["data"]
    if not rows:
        return None
    asks, bids = ([(level[0], level[1]) for level in rows[0][side]] for side in ("asks", "bids"))
    return rows[0]["seqId"], asks, bids


@asynccontextmanager
async def reading(call: Any, take: Any) -> AsyncIterator[None]:
    """Have `take` be told every event of a stream for the block."""

    async def read() -> None:
        async for event in call:
            take(event)

    task = asyncio.create_task(read())
    try:
        yield
        assert not task.done() or task.exception() is None
    finally:
        call.cancel()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that comes sooner or later, however slow the machine."""
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110  # what readers have taken
            await asyncio.sleep(0.05)


async def test_a_book_without_a_pushed_snapshot_is_joined_to_the_one_of_rest(
    gateway: Gateway, exchange: Exchange
) -> None:
    lose = {"name": "first", "kind": "lose_push", "count": 1, "match": {"channel": "books"}}
    await exchange.put_faults(lose)
    book = Book()
    async with grpc.aio.insecure_channel(gateway.grpc) as channel:
        request = api.StreamOrderBookRequest(instruments=[ETH])
        async with reading(stub_of(channel).StreamOrderBook(request), book.take):
            await until(lambda: book.updates > 5)
        hits = (await exchange.fault_hits())["lose_push"]
    await exchange.put_faults()
    assert hits == 1
    assert (book.snapshots, book.gaps) == (1, [])
    asked = [each["target"] for each in await exchange.requests()]
    assert any("/market/books" in each for each in asked)


async def test_a_book_is_that_of_the_exchange_though_pushes_are_lost(
    gateway: Gateway, exchange: Exchange
) -> None:
    lose = {"name": "lose", "kind": "lose_push", "probability": 0.05, "match": {"channel": "books"}}
    await exchange.put_faults(lose)
    book, compared = Book(), 0
    async with (
        grpc.aio.insecure_channel(gateway.grpc) as channel,
        aiohttp.ClientSession(f"http://{exchange.address}") as session,
        reading(
            stub_of(channel).StreamOrderBook(api.StreamOrderBookRequest(instruments=[BTC])),
            book.take,
        ),
    ):
        broken = ticker_pb2.GAP_REASON_SEQUENCE_BROKEN
        until_s = time.monotonic() + 60
        while (broken not in book.gaps or compared <= 5) and time.monotonic() < until_s:
            told = await rest_book(session)
            await asyncio.sleep(0.2)
            if told is not None and told[0] in book.known:
                assert book.known[told[0]] == (told[1], told[2])
                compared += 1
        hits = (await exchange.fault_hits())["lose_push"]
        await exchange.put_faults()
        await until(lambda: book.is_whole and book.snapshots > len(book.gaps))
    assert hits > 0
    assert broken in book.gaps
    assert compared > 5


async def test_every_trade_is_told_once(gateway: Gateway, exchange: Exchange) -> None:
    told: list[str] = []

    def take(event: api.StreamTradesResponse) -> None:
        told.extend(each.trade_id for each in event.trades.trades)

    async with (
        grpc.aio.insecure_channel(gateway.grpc) as channel,
        aiohttp.ClientSession(f"http://{exchange.address}") as session,
        reading(stub_of(channel).StreamTrades(api.StreamTradesRequest(instruments=[BTC])), take),
    ):
        await until(lambda: len(told) > 10)
        params = {"instId": BTC, "limit": "500"}
        async with session.get("/api/v5/market/trades", params=params) as response:
            made = [row["tradeId"] for row in reversed((await response.json())["data"])]
        await until(lambda: int(told[-1]) >= int(made[-1]))
    assert len(told) == len(set(told))
    assert [each for each in made if int(each) >= int(told[0])] == told[: len(told)][
        : sum(int(each) >= int(told[0]) for each in made)
    ]


async def test_candles_over_rest(gateway: Gateway) -> None:
    bar = candle_pb2.CandleBar.Name(candle_pb2.CANDLE_BAR_MINUTE_1)
    path = f"/v1/candles:stream?instruments={BTC}&instruments={ETH}&bar={bar}"
    seen: dict[str, dict[str, Any]] = {}
    async with (
        aiohttp.ClientSession(f"http://{gateway.rest}") as session,
        asyncio.timeout(10),
        session.get(path) as response,
    ):
        assert response.status == 200, await response.text()
        async for line in response.content:
            if line.startswith(b"data: "):
                for candle in json.loads(line[6:]).get("candles", {}).get("candles", []):
                    seen[candle["instrument"]] = candle
            if len(seen) == 2:
                break
    assert Decimal(seen[BTC]["lowPrice"]) <= Decimal(seen[BTC]["closePrice"])
    assert Decimal(seen[BTC]["closePrice"]) <= Decimal(seen[BTC]["highPrice"])


async def test_silence_is_told_within_five_seconds_and_ends(
    gateway: Gateway, exchange: Exchange
) -> None:
    events: list[tuple[float, str]] = []

    def take(event: api.StreamTickerResponse) -> None:
        events.append((time.monotonic(), event.WhichOneof("event") or ""))

    async with grpc.aio.insecure_channel(gateway.grpc) as channel:
        request = api.StreamTickerRequest(instruments=[BTC])
        async with reading(stub_of(channel).StreamTicker(request), take):
            # Silence is only told of an instrument that has been lively for a while.
            await asyncio.sleep(4)
            await until(lambda: [kind for _, kind in events].count("ticker") > 20)
            stall = {"name": "s", "kind": "stall", "pong": True, "match": {"channel": "tickers"}}
            await exchange.put_faults({**stall, "count": 1})
            stalled_s = time.monotonic()
            await until(lambda: any(kind in {"stale", "gap"} for _, kind in events))
            await exchange.put_faults()
            await until(lambda: "resumed" in [kind for _, kind in events])
    at_s = next(at_s for at_s, kind in events if kind in {"stale", "gap"})
    # Within five seconds, and what a machine with much to do adds to them.
    assert 0 < at_s - stalled_s < 10
    answered = [kind for at, kind in events if at > at_s]
    assert "ticker" not in answered[: answered.index("resumed")]
