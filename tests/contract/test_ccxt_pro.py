"""ccxt's own streaming client, unmodified but for the URLs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import ccxt.pro
import pytest

PAIR = "BTC/USDT"


@pytest.fixture
async def client(simulated: Any) -> AsyncIterator[Any]:
    exchange = ccxt.pro.okx(
        {"apiKey": simulated.key, "secret": simulated.secret, "password": simulated.passphrase}
    )
    exchange.urls["api"]["rest"] = simulated.url
    exchange.urls["api"]["ws"] = f"ws://{simulated.host}/ws/v5"
    try:
        await exchange.load_markets()
        yield exchange
    finally:
        await exchange.close()
        # Connects are limited to three per second and address.
        await asyncio.sleep(0.5)


async def _within(wait: Any) -> Any:
    async with asyncio.timeout(15):
        return await wait


async def test_tickers_are_watched(client: Any) -> None:
    first = await _within(client.watch_ticker(PAIR))
    second = await _within(client.watch_ticker(PAIR))
    assert second["timestamp"] > first["timestamp"]
    assert second["bid"] < second["ask"]


async def test_order_books_stay_in_sequence(client: Any) -> None:
    for _ in range(5):
        book = await _within(client.watch_order_book(PAIR))
    assert book["bids"][0][0] < book["asks"][0][0]
    assert len(book["bids"]) >= 400


async def test_trades_and_candles_are_watched(client: Any) -> None:
    trades = await _within(client.watch_trades(PAIR))
    assert trades[0]["symbol"] == PAIR
    candles = await _within(client.watch_ohlcv(PAIR, "1m"))
    assert candles[-1][4] > 0


async def test_the_balance_is_watched(client: Any) -> None:
    balance = await _within(client.watch_balance())
    assert balance["USDT"]["total"] > 0


async def test_an_order_is_created_amended_cancelled_and_watched(client: Any) -> None:
    watching = asyncio.create_task(_within(client.watch_orders(PAIR)))
    await asyncio.sleep(1)
    price = (await _within(client.watch_ticker(PAIR)))["bid"] * 0.97
    created = await _within(client.create_order_ws(PAIR, "limit", "buy", 0.001, price))
    (order,) = await watching
    assert (order["id"], order["status"]) == (created["id"], "open")
    watching = asyncio.create_task(_within(client.watch_orders(PAIR)))
    await asyncio.sleep(0)
    edited = await _within(client.edit_order_ws(created["id"], PAIR, "limit", "buy", 0.002, price))
    assert edited["id"] == created["id"]
    assert (await watching)[-1]["amount"] == 0.002
    watching = asyncio.create_task(_within(client.watch_orders(PAIR)))
    await asyncio.sleep(0)
    await _within(client.cancel_order_ws(created["id"], PAIR))
    assert (await watching)[-1]["status"] == "canceled"


async def test_a_market_order_is_filled(client: Any) -> None:
    watching = asyncio.create_task(_within(client.watch_my_trades(PAIR)))
    await asyncio.sleep(1)
    order = await _within(
        client.create_order_ws(PAIR, "market", "sell", 0.001, None, {"tgtCcy": "base_ccy"})
    )
    trades = await watching
    assert {trade["order"] for trade in trades} == {order["id"]}
    assert trades[0]["side"] == "sell"


async def test_a_refused_order_raises(client: Any) -> None:
    price = (await _within(client.watch_ticker(PAIR)))["bid"]
    # ccxt reads the sCode of an order over REST alone.
    with pytest.raises(ccxt.pro.ExchangeError, match="51008"):
        await _within(client.create_order_ws(PAIR, "limit", "buy", 100, price))


async def test_positions_are_watched(client: Any) -> None:
    symbol = "ETH/USDT:USDT"
    assert await _within(client.watch_positions([symbol])) == []
    watching = asyncio.create_task(_within(client.watch_positions([symbol])))
    await asyncio.sleep(0)
    params = {"marginMode": "cross"}
    await _within(client.create_order_ws(symbol, "market", "buy", 1, None, params))
    (position,) = await watching
    assert (position["symbol"], position["contracts"], position["side"]) == (symbol, 1, "long")
