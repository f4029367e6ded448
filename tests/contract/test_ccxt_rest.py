"""ccxt, unmodified but for its base URL, trades on the simulated exchange."""

from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import ccxt.async_support as ccxt
import pytest
import pytest_asyncio

SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def client(simulated: Any) -> AsyncIterator[ccxt.okx]:
    client = ccxt.okx(
        {
            "apiKey": simulated.key,
            "secret": simulated.secret,
            "password": simulated.passphrase,
            # Its own limiter keeps to OKX's limits by waiting, which no test here is about.
            "enableRateLimit": False,
        }
    )
    client.urls["api"] = {"rest": simulated.url}
    try:
        await client.load_markets()
        yield client
    finally:
        await client.close()


async def test_load_markets_finds_every_type(client: ccxt.okx) -> None:
    assert {market["type"] for market in client.markets.values()} == {
        *("spot", "swap", "future", "option"),
    }
    spot, swap = client.market(SPOT), client.market(SWAP)
    assert spot["precision"] == {"amount": 1e-8, "price": 0.1}
    assert swap["contractSize"] == 0.01
    assert all(market["active"] for market in client.markets.values())


async def test_ticker_and_book_agree(client: ccxt.okx) -> None:
    ticker = await client.fetch_ticker(SPOT)
    book = await client.fetch_order_book(SPOT, 400)
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert ticker["bid"] < ticker["ask"]
    assert len(book["bids"]) == len(book["asks"]) == 400
    assert book["bids"][0][0] < book["asks"][0][0]
    assert abs(book["bids"][0][0] / ticker["bid"] - 1) < 0.01


async def test_candles_hang_together(client: ccxt.okx) -> None:
    candles = await client.fetch_ohlcv(SPOT, "1h", limit=24)
    starts = [candle[0] for candle in candles]
    assert [later - earlier for earlier, later in pairwise(starts)] == [3_600_000] * 23
    for _, opened, high, low, closed, volume in candles:
        assert low <= min(opened, closed)
        assert high >= max(opened, closed)
        assert volume >= 0


async def test_market_order_is_filled_and_booked(client: ccxt.okx) -> None:
    before = await client.fetch_balance()
    placed = await client.create_order(SPOT, "market", "buy", 0.01)
    order = await client.fetch_order(placed["id"], SPOT)
    after = await client.fetch_balance()
    assert (order["status"], order["filled"]) == ("closed", 0.01)
    assert order["fee"] == {"cost": 0.00001, "currency": "BTC"}
    assert after["BTC"]["total"] - before["BTC"]["total"] == pytest.approx(0.00999)
    spent = before["USDT"]["total"] - after["USDT"]["total"]
    assert spent == pytest.approx(order["cost"], rel=1e-6)
    trades = await client.fetch_my_trades(SPOT)
    assert placed["id"] in {trade["order"] for trade in trades}
    closed = await client.fetch_closed_orders(SPOT)
    assert placed["id"] in {one["id"] for one in closed}


async def test_limit_order_rests_is_edited_and_cancelled(client: ccxt.okx) -> None:
    price = float(client.price_to_precision(SPOT, (await client.fetch_ticker(SPOT))["bid"] * 0.97))
    placed = await client.create_order(SPOT, "limit", "buy", 0.01, price)
    opened = {one["id"]: one for one in await client.fetch_open_orders(SPOT)}
    assert opened[placed["id"]]["price"] == price
    held = (await client.fetch_balance())["USDT"]["used"]
    assert held == pytest.approx(price * 0.01)
    await client.edit_order(placed["id"], SPOT, "limit", "buy", 0.02, price)
    assert (await client.fetch_order(placed["id"], SPOT))["amount"] == 0.02
    await client.cancel_order(placed["id"], SPOT)
    assert (await client.fetch_order(placed["id"], SPOT))["status"] == "canceled"
    assert (await client.fetch_balance())["USDT"]["used"] == 0
    canceled = await client.fetch_canceled_orders(SPOT)
    assert placed["id"] in {one["id"] for one in canceled}


async def test_batches_name_every_order(client: ccxt.okx) -> None:
    price = round((await client.fetch_ticker(SPOT))["bid"] * 0.97, 1)
    wanted = [{"symbol": SPOT, "type": "limit", "side": "buy", "amount": 0.001, "price": price}] * 3
    placed = await client.create_orders(wanted)
    ids = [order["id"] for order in placed]
    assert len(set(ids)) == 3
    canceled = await client.cancel_orders(ids, SPOT)
    assert [order["id"] for order in canceled] == ids


async def test_perpetual_position_opens_and_closes(client: ccxt.okx) -> None:
    await client.set_leverage(10, SWAP, {"mgnMode": "cross"})
    await client.create_order(SWAP, "market", "buy", 2)
    (position,) = await client.fetch_positions([SWAP])
    assert (position["side"], position["contracts"], position["leverage"]) == ("long", 2, 10)
    assert position["initialMargin"] == pytest.approx(position["notional"] / 10, rel=1e-3)
    stop = await client.create_order(
        SWAP, "market", "sell", 2, None, {"stopLossPrice": 90_000, "reduceOnly": True}
    )
    waiting = await client.fetch_open_orders(SWAP, params={"stop": True, "ordType": "conditional"})
    assert [one["id"] for one in waiting] == [stop["id"]]
    await client.cancel_order(stop["id"], SWAP, {"stop": True})
    await client.close_position(SWAP, params={"marginMode": "cross"})
    assert await client.fetch_positions([SWAP]) == []
    (closed, *_) = await client.fetch_positions_history()
    assert closed["symbol"] == SWAP


async def test_money_moves_between_accounts(client: ccxt.okx) -> None:
    before = (await client.fetch_balance())["USDT"]["total"]
    await client.transfer("USDT", 25, "funding", "trading")
    assert (await client.fetch_balance())["USDT"]["total"] - before == pytest.approx(25)
    ledger = await client.fetch_ledger("USDT")
    assert {entry["type"] for entry in ledger} == {"trade"}


async def test_refusals_are_the_errors_that_ccxt_knows(client: ccxt.okx) -> None:
    ask = (await client.fetch_ticker(SPOT))["ask"]
    with pytest.raises(ccxt.InsufficientFunds):
        await client.create_order(SPOT, "limit", "buy", 5, round(ask * 0.99, 1))
    with pytest.raises(ccxt.InvalidOrder):
        await client.create_order(SPOT, "limit", "buy", 0.01, round(ask * 2, 1))
    with pytest.raises(ccxt.OrderNotFound):
        await client.fetch_order("1", SPOT)
    name = {"clOrdId": "twice0001"}
    await client.create_order(SPOT, "limit", "buy", 0.001, round(ask * 0.97, 1), name)
    with pytest.raises(ccxt.InvalidOrder, match="51016"):
        await client.create_order(SPOT, "limit", "buy", 0.001, round(ask * 0.97, 1), name)
    client.secret, secret = "wrong", client.secret
    try:
        with pytest.raises(ccxt.AuthenticationError, match="50113"):
            await client.fetch_balance()
    finally:
        client.secret = secret


async def test_other_reads_that_clients_make(client: ccxt.okx) -> None:
    assert (await client.fetch_status())["status"] == "ok"
    assert set(await client.fetch_currencies()) >= {"BTC", "USDT"}
    assert (await client.fetch_funding_rate(SWAP))["fundingRate"] is not None
    assert (await client.fetch_trading_fee(SPOT))["taker"] == 0.001
    assert (await client.fetch_open_interest(SWAP))["openInterestAmount"] > 0
    assert (await client.fetch_market_leverage_tiers(SWAP))[0]["maxLeverage"] == 100
    assert (await client.fetch_mark_price(SWAP))["markPrice"] > 0
    assert len(await client.fetch_option_chain("BTC")) == 12
    assert len(await client.fetch_trades(SPOT, limit=50)) == 50
