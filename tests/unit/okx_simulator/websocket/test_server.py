import asyncio
from typing import Any

import aiohttp
import pytest

BTC = {"channel": "tickers", "instId": "BTC-USDT"}


async def test_ping_is_answered_with_pong(running: Any) -> None:
    for url in ("public", "private", "business"):
        socket = await running.socket(url)
        await socket.websocket.send_str("ping")
        assert await socket.text() == "pong"


async def test_a_ticker_is_acknowledged_then_pushed_and_goes_on(running: Any) -> None:
    socket = await running.socket("public")
    await socket.say(id="1512", op="subscribe", args=[BTC])
    ack = await socket.frame()
    assert ack == {"id": "1512", "event": "subscribe", "arg": BTC, "connId": ack["connId"]}
    first = await socket.frame()
    assert (first["arg"], first["data"][0]["instId"]) == (BTC, "BTC-USDT")
    second = await socket.frame(channel="tickers")
    assert second["data"][0]["ts"] > first["data"][0]["ts"]


@pytest.mark.parametrize(
    ("url", "arg"),
    [
        ("public", {"channel": "bbo-tbt", "instId": "BTC-USDT"}),
        ("public", {"channel": "books5", "instId": "ETH-USDT"}),
        ("public", {"channel": "books", "instId": "BTC-USDT-SWAP"}),
        ("public", {"channel": "instruments", "instType": "SPOT"}),
        ("public", {"channel": "instruments", "instType": "OPTION"}),
        ("public", {"channel": "mark-price", "instId": "BTC-USDT"}),
        ("public", {"channel": "mark-price", "instId": "BTC-USDT-SWAP"}),
        ("public", {"channel": "index-tickers", "instId": "BTC-USD"}),
        ("public", {"channel": "index-tickers", "instId": "BTC-USDT"}),
        ("public", {"channel": "funding-rate", "instId": "BTC-USDT-SWAP"}),
        ("public", {"channel": "open-interest", "instId": "BTC-USDT-SWAP"}),
        ("public", {"channel": "price-limit", "instId": "BTC-USDT"}),
        ("business", {"channel": "candle1m", "instId": "BTC-USDT"}),
        ("business", {"channel": "mark-price-candle1H", "instId": "BTC-USDT-SWAP"}),
        ("business", {"channel": "index-candle1D", "instId": "BTC-USD"}),
        ("business", {"channel": "candle1D", "instId": "BTC-USDT-SWAP"}),
    ],
)
async def test_public_channels_begin_with_data(running: Any, url: str, arg: Any) -> None:
    socket = await running.socket(url)
    await socket.say(op="subscribe", args=[arg])
    assert (await socket.frame())["event"] == "subscribe"
    push = await socket.frame()
    assert push["arg"] == arg
    assert push["data"]


async def test_books_chain_over_the_wire_to_the_book_that_rest_shows(running: Any) -> None:
    socket = await running.socket("public")
    await socket.say(op="subscribe", args=[{"channel": "books", "instId": "BTC-USDT"}])
    book: dict[str, dict[str, Any]] = {"asks": {}, "bids": {}}
    last = -1
    for _ in range(8):
        push = await socket.frame(channel="books", event=None)
        row = push["data"][0]
        assert push["action"] == ("snapshot" if last < 0 else "update")
        assert (row["prevSeqId"], row["checksum"]) == (last, 0)
        assert row["seqId"] >= last
        last = row["seqId"]
        for side, levels in book.items():
            levels.update({level[0]: level for level in row[side]})
            for price in [price for price, level in levels.items() if level[1] == "0"]:
                del levels[price]
        asks, bids = (sorted(map(float, book[side])) for side in ("asks", "bids"))
        assert len(asks) == len(bids) == 400
        assert bids[-1] < asks[0]


async def test_trades_are_pushed_on_both_urls(running: Any) -> None:
    public, business = await running.socket("public"), await running.socket("business")
    await public.say(op="subscribe", args=[{"channel": "trades", "instId": "BTC-USDT"}])
    await business.say(op="subscribe", args=[{"channel": "trades-all", "instId": "BTC-USDT"}])
    trade = (await public.frame(channel="trades", event=None))["data"][0]
    assert {"tradeId", "px", "sz", "side", "ts", "count", "seqId"} <= set(trade)
    single = (await business.frame(channel="trades-all", event=None))["data"][0]
    assert "count" not in single


async def test_a_socket_that_says_nothing_and_hears_nothing_is_closed_with_4004(start: Any) -> None:
    running = await start(idle_ms=150)
    silent = await running.socket("private")
    assert await silent.close_code() == 4004


async def test_pings_or_pushes_keep_a_socket_open(start: Any) -> None:
    running = await start(idle_ms=300)
    pinging, listening = await running.socket("private"), await running.socket("public")
    await listening.say(op="subscribe", args=[BTC])
    for _ in range(6):
        await asyncio.sleep(0.1)
        await pinging.websocket.send_str("ping")
        assert await pinging.text() == "pong"
    assert await listening.frame(channel="tickers", event=None)
    assert not listening.websocket.closed


async def test_the_fourth_connect_within_a_second_is_refused_with_429(running: Any) -> None:
    for _ in range(3):
        await running.socket("public")
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await running.socket("public")
    assert refused.value.status == 429


async def test_a_frame_that_is_too_long_closes_with_1009(running: Any) -> None:
    socket = await running.socket("public")
    await socket.websocket.send_str("x" * 70_000)
    assert await socket.close_code() == 1009


async def test_a_frame_of_64_kb_is_read(running: Any) -> None:
    socket = await running.socket("public")
    args = [BTC] * ((65_000 - 40) // 50)
    await socket.say(op="subscribe", args=args)
    assert (await socket.frame())["event"] == "subscribe"


async def test_compression_is_offered(running: Any) -> None:
    socket = await running.socket("public", compress=15)
    assert socket.websocket.compress
    await socket.say(op="subscribe", args=[{"channel": "books", "instId": "BTC-USDT"}])
    push = await socket.frame(channel="books", event=None)
    assert len(push["data"][0]["asks"]) == 400


async def test_unsubscribing_ends_the_pushes(running: Any) -> None:
    socket = await running.socket("public")
    await socket.say(op="subscribe", args=[BTC])
    await socket.frame(channel="tickers", event=None)
    await socket.say(op="unsubscribe", args=[BTC])
    await socket.frame(event="unsubscribe")
    with pytest.raises(TimeoutError):
        await socket.text(0.3)


async def test_a_failed_login_closes_with_4001(running: Any) -> None:
    socket = await running.socket("private")
    words = {"apiKey": "x", "passphrase": "x", "timestamp": "1", "sign": "x"}
    await socket.say(op="login", args=[words])
    assert (await socket.frame())["code"] == "60006"
    assert await socket.close_code() == 4001


async def test_private_channels_begin_with_a_snapshot(running: Any) -> None:
    socket = await running.trader()
    args = [
        {"channel": "account"},
        {"channel": "positions", "instType": "ANY"},
        {"channel": "balance_and_position"},
    ]
    await socket.say(op="subscribe", args=args)
    account = await socket.frame(channel="account", eventType="snapshot")
    assert (account["curPage"], account["lastPage"]) == (1, True)
    assert "USDT" in {row["ccy"] for row in account["data"][0]["details"]}
    assert (await socket.frame(channel="positions", eventType="snapshot"))["data"] == []
    both = (await socket.frame(channel="balance_and_position", event=None))["data"][0]
    assert both["eventType"] == "snapshot"
    assert {"ccy", "cashBal", "uTime"} == set(both["balData"][0])


async def test_an_unknown_path_is_not_found(running: Any) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await running.socket("backdoor")
    assert refused.value.status == 404


async def test_a_stop_closes_the_sockets(start: Any) -> None:
    running = await start()
    socket = await running.socket("public")
    await running.simulator.__aexit__(None, None, None)
    assert await socket.close_code() == 1001
