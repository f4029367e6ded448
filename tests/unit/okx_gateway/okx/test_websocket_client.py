"""Against a real WebSocket server on loopback."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from okx_gateway.domain.errors import LedgerUnavailableError
from okx_gateway.domain.ticker import Ticker
from okx_gateway.okx import websocket_client
from okx_gateway.okx.ticker_feed import FeedEvent, TickerFeed
from okx_gateway.okx.websocket_client import WebSocketClient

WAIT_S = 2.0


class Exchange:
    """A server that writes down each frame as (number of the connection, text)."""

    def __init__(self) -> None:
        self.url = ""
        self.frames: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
        self.sockets: list[web.WebSocketResponse] = []
        self.answers_ping = True
        self.refuses = False

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if self.refuses:
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        number = len(self.sockets)
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                self.frames.put_nowait((number, frame.data))
                if frame.data == "ping" and self.answers_ping:
                    await socket.send_str("pong")
        return socket

    async def asked(self) -> tuple[int, str, list[str]]:
        """The next subscribe or unsubscribe: connection, operation, instruments."""
        while True:
            number, text = await asyncio.wait_for(self.frames.get(), WAIT_S)
            if text != "ping":
                frame = json.loads(text)
                return number, frame["op"], [each["instId"] for each in frame["args"]]

    async def push(self, instrument: str, last: str) -> None:
        row = {"instId": instrument, "last": last, "ts": "1597026383085"}
        argument = {"channel": "tickers", "instId": instrument}
        await self.sockets[-1].send_str(json.dumps({"arg": argument, "data": [row]}))


class Listener:
    def __init__(self) -> None:
        self.told: list[str] = []
        self.news = asyncio.Event()

    def on_event(self, event: FeedEvent) -> None:
        self._tell(event.last_price if isinstance(event, Ticker) else type(event).__name__)

    def on_connected(self) -> None:
        self._tell("connected")

    def on_lost(self) -> None:
        self._tell("lost")

    def _tell(self, what: str) -> None:
        self.told.append(what)
        self.news.set()

    async def until(self, right: Callable[[list[str]], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not right(self.told):
                self.news.clear()
                await self.news.wait()


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value_s in {"_FIRST_PAUSE_S": 0.01, "_GATHER_S": 0.005}.items():
        monkeypatch.setattr(websocket_client, name, value_s)


@pytest.fixture
async def exchange() -> AsyncIterator[Exchange]:
    exchange = Exchange()
    app = web.Application()
    app.router.add_get("/ws/v5/public", exchange.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    exchange.url = f"http://127.0.0.1:{runner.addresses[0][1]}/ws/v5/public"
    yield exchange
    await runner.cleanup()


@pytest.fixture
def feed() -> TickerFeed:
    return TickerFeed()


@pytest.fixture
def listener() -> Listener:
    return Listener()


@asynccontextmanager
async def running(
    exchange: Exchange, feed: TickerFeed, listener: Listener, **given: Any
) -> AsyncIterator[WebSocketClient]:
    client = WebSocketClient(exchange.url, feed, listener, wall_ms=lambda: 7, **given)
    task = asyncio.ensure_future(client.run())
    try:
        yield client
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_nothing_is_connected_before_something_is_wanted(
    exchange: Exchange, feed: TickerFeed, listener: Listener
) -> None:
    async with running(exchange, feed, listener) as client:
        await asyncio.sleep(0.05)
        assert exchange.sockets == []
        feed.want(["BTC-USDT"])
        client.wake()
        assert await exchange.asked() == (1, "subscribe", ["BTC-USDT"])
        await exchange.push("BTC-USDT", "9")
        await listener.until(lambda told: told == ["connected", "9"])


async def test_wants_that_come_together_leave_in_one_frame(
    exchange: Exchange, feed: TickerFeed, listener: Listener
) -> None:
    feed.want(["BTC-USDT"])
    async with running(exchange, feed, listener) as client:
        await exchange.asked()
        for name in ("ETH-USDT", "SOL-USDT"):
            feed.want([name])
            client.wake()
        feed.drop(["BTC-USDT"])
        client.wake()
        assert await exchange.asked() == (1, "subscribe", ["ETH-USDT", "SOL-USDT"])
        assert await exchange.asked() == (1, "unsubscribe", ["BTC-USDT"])


async def test_after_a_drop_the_gap_is_told_and_everything_is_asked_for_again(
    exchange: Exchange, feed: TickerFeed, listener: Listener
) -> None:
    feed.want(["BTC-USDT", "ETH-USDT"])
    async with running(exchange, feed, listener):
        await exchange.asked()
        await exchange.push("BTC-USDT", "1")
        await listener.until(lambda told: "1" in told)
        await exchange.sockets[0].close()
        assert await exchange.asked() == (2, "subscribe", ["BTC-USDT", "ETH-USDT"])
        await exchange.push("BTC-USDT", "2")
        await listener.until(lambda told: "2" in told)
    assert listener.told == ["connected", "1", "lost", "connected", "2"]


async def test_a_connection_that_breaks_without_a_word_is_made_anew(
    exchange: Exchange, feed: TickerFeed, listener: Listener
) -> None:
    feed.want(["BTC-USDT"])
    async with running(exchange, feed, listener):
        await exchange.asked()
        transport = exchange.sockets[0]._req.transport  # type: ignore[union-attr]
        assert transport is not None
        transport.abort()
        assert (await exchange.asked())[0] == 2


async def test_a_notice_of_closing_is_acted_on_at_once(
    exchange: Exchange, feed: TickerFeed, listener: Listener
) -> None:
    feed.want(["BTC-USDT"])
    async with running(exchange, feed, listener):
        await exchange.asked()
        await exchange.sockets[0].send_str('{"event":"notice","code":"64008","msg":"soon"}')
        assert (await exchange.asked())[0] == 2


async def test_silence_is_answered_by_a_ping_and_a_pong_keeps_the_connection(
    exchange: Exchange,
    feed: TickerFeed,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(websocket_client, "_SILENCE_S", 0.03)
    feed.want(["BTC-USDT"])
    async with running(exchange, feed, listener):
        await exchange.asked()
        for _ in range(3):
            assert await asyncio.wait_for(exchange.frames.get(), WAIT_S) == (1, "ping")
    assert listener.told == ["connected"]


async def test_a_ping_without_a_pong_ends_the_connection(
    exchange: Exchange,
    feed: TickerFeed,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(websocket_client, "_SILENCE_S", 0.03)
    monkeypatch.setattr(websocket_client, "_PONG_WAIT_S", 0.03)
    exchange.answers_ping = False
    feed.want(["BTC-USDT"])
    async with running(exchange, feed, listener):
        assert (await exchange.asked())[0] == 1
        assert (await exchange.asked())[0] == 2
    assert listener.told[:3] == ["connected", "lost", "connected"]


async def test_a_server_that_refuses_is_tried_again(
    exchange: Exchange, feed: TickerFeed, listener: Listener
) -> None:
    exchange.refuses = True
    feed.want(["BTC-USDT"])
    async with running(exchange, feed, listener):
        await listener.until(lambda told: told.count("lost") >= 2)
        exchange.refuses = False
        assert (await exchange.asked())[1] == "subscribe"


async def test_attempts_come_ever_more_slowly(
    exchange: Exchange,
    feed: TickerFeed,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses_s: list[float] = []
    sleep = asyncio.sleep

    async def noted(delay_s: float) -> None:
        pauses_s.append(delay_s)
        await sleep(0)

    monkeypatch.setattr(random, "uniform", lambda _, most: most)
    monkeypatch.setattr(websocket_client, "_PAUSE_MAX_S", 0.1)
    exchange.refuses = True
    feed.want(["BTC-USDT"])
    async with running(exchange, feed, listener):
        monkeypatch.setattr(asyncio, "sleep", noted)
        await listener.until(lambda told: len(told) >= 8)
        monkeypatch.setattr(asyncio, "sleep", sleep)
    rounded = [round(each, 3) for each in pauses_s[:6]]
    assert rounded == [0.02, 0.03, 0.05, 0.09, 0.11, 0.11]


async def test_frames_that_are_not_text_or_too_long_do_no_harm(
    exchange: Exchange, feed: TickerFeed, listener: Listener
) -> None:
    feed.want(["BTC-USDT"])
    async with running(exchange, feed, listener):
        await exchange.asked()
        await exchange.sockets[0].send_bytes(b"\x00\x01")
        await exchange.push("BTC-USDT", "1")
        await listener.until(lambda told: "1" in told)
        await exchange.sockets[0].send_str(" " * ((1 << 20) + 1))
        assert (await exchange.asked())[0] == 2


async def test_a_connection_is_made_only_where_there_is_room_for_it(
    exchange: Exchange, feed: TickerFeed, listener: Listener
) -> None:
    attempts = 0

    async def room() -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise LedgerUnavailableError("away")

    feed.want(["BTC-USDT"])
    async with running(exchange, feed, listener, wait_for_room=room):
        assert await exchange.asked() == (1, "subscribe", ["BTC-USDT"])
        await exchange.sockets[0].close()
        assert await exchange.asked() == (2, "subscribe", ["BTC-USDT"])
    assert attempts == 4


async def test_a_connection_that_has_asked_for_all_it_may_is_changed_for_a_new_one(
    exchange: Exchange,
    feed: TickerFeed,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(websocket_client, "_REQUESTS_MAX", 3)
    async with running(exchange, feed, listener) as client:
        wanted = []
        for name in ("A-B", "C-D", "E-F"):
            wanted.append(name)
            feed.want([name])
            client.wake()
            assert await exchange.asked() == (1, "subscribe", [name])
        feed.want(["G-H"])
        client.wake()
        assert await exchange.asked() == (2, "subscribe", [*wanted, "G-H"])
        await listener.until(lambda told: told == ["connected", "lost", "connected"])


async def test_what_was_asked_for_long_ago_is_not_counted(
    exchange: Exchange,
    feed: TickerFeed,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(websocket_client, "_REQUESTS_MAX", 2)
    monkeypatch.setattr(websocket_client, "_REQUESTS_WINDOW_S", 0.05)
    async with running(exchange, feed, listener) as client:
        for name in ("A-B", "C-D", "E-F", "G-H"):
            feed.want([name])
            client.wake()
            assert await exchange.asked() == (1, "subscribe", [name])
            await asyncio.sleep(0.03)


async def test_pings_are_not_counted(
    exchange: Exchange,
    feed: TickerFeed,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(websocket_client, "_REQUESTS_MAX", 2)
    monkeypatch.setattr(websocket_client, "_SILENCE_S", 0.02)
    feed.want(["A-B"])
    async with running(exchange, feed, listener) as client:
        assert await exchange.asked() == (1, "subscribe", ["A-B"])
        for _ in range(3):
            assert await asyncio.wait_for(exchange.frames.get(), WAIT_S) == (1, "ping")
        feed.want(["C-D"])
        client.wake()
        assert await exchange.asked() == (1, "subscribe", ["C-D"])
