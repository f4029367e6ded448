"""An exchange of many lively markets: `python -m tests.faults.ticker_source EXCHANGE`.

Stands before a simulator: lists two hundred pairs more, and pushes a ticker of each ten times in a
second. The last price counts a pair's tickers; the last quantity is when it was pushed, in us of
this machine's clock. Everything else is the simulator's answer. Prints its address once it listens.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import aiohttp
import orjson
from aiohttp import web

PAIRS = tuple(f"T{number:03d}-USDT" for number in range(200))
PUSHES_PER_S = 10
_STEP_S = 0.005
_PERIOD_S = 1 / PUSHES_PER_S
_CODES_FROM = 500_000
_LISTING = "/api/v5/public/instruments"
# What aiohttp and the simulator each write for themselves.
_OWN_HEADERS = frozenset({"content-length", "transfer-encoding", "connection", "host", "date"})


class TickerSource:
    """Answers for `exchange`, an address of a simulator."""

    def __init__(self, exchange: str) -> None:
        self._exchange = exchange
        self._wanted: dict[web.WebSocketResponse, set[str]] = {}
        self._pushed = dict.fromkeys(PAIRS, 0)

    async def serve(self) -> None:
        """Serve until the process is told to end."""
        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        app = web.Application()
        app.router.add_get("/ws/v5/public", self._socket)
        app.router.add_route("*", "/api/{rest:.*}", self._forward)
        async with aiohttp.ClientSession(f"http://{self._exchange}") as self._session:
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            pushing = asyncio.ensure_future(self._push_on())
            _say(f"listening at 127.0.0.1:{runner.addresses[0][1]}")
            await stopped.wait()
            pushing.cancel()
            await runner.cleanup()

    async def _forward(self, request: web.Request) -> web.Response:
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _OWN_HEADERS}
        async with self._session.request(
            request.method, request.raw_path, headers=headers, data=await request.read()
        ) as answer:
            body = await answer.read()
            if request.path == _LISTING and request.query.get("instType") == "SPOT":
                body = _with_pairs(body)
            told = {k: v for k, v in answer.headers.items() if k.lower() not in _OWN_HEADERS}
            return web.Response(status=answer.status, headers=told, body=body)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        self._wanted[socket] = set()
        try:
            async for message in socket:
                if message.data == "ping":
                    await socket.send_str("pong")
                else:
                    for answer in self._answers(socket, orjson.loads(message.data)):
                        await socket.send_str(orjson.dumps(answer).decode())
        finally:
            del self._wanted[socket]
        return socket

    def _answers(self, socket: web.WebSocketResponse, asked: Any) -> Iterator[Any]:
        wanted = self._wanted[socket]
        for arg in asked["args"]:
            change = wanted.add if asked["op"] == "subscribe" else wanted.discard
            change(arg["instId"])
            yield {"event": asked["op"], "arg": arg, "connId": "a4d3ae55"}

    async def _push_on(self) -> None:
        """Push what is due, evenly over time; what was held up is not made up for."""
        due_s = {
            pair: time.monotonic() + _PERIOD_S * n / len(PAIRS) for n, pair in enumerate(PAIRS)
        }
        while True:
            now_s = time.monotonic()
            for pair, at_s in due_s.items():
                if at_s <= now_s:
                    due_s[pair] = max(at_s + _PERIOD_S, now_s)
                    await self._push(pair)
            await asyncio.sleep(_STEP_S)

    async def _push(self, pair: str) -> None:
        self._pushed[pair] += 1
        text = orjson.dumps(_ticker(pair, self._pushed[pair])).decode()
        for socket, wanted in list(self._wanted.items()):
            if pair in wanted:
                with suppress(ConnectionResetError):
                    await socket.send_str(text)


def _with_pairs(listing: bytes) -> bytes:
    answer = orjson.loads(listing)
    if answer["data"]:
        first = answer["data"][0]
        answer["data"] += [
            {**first, "instId": pair, "baseCcy": pair[:4], "instIdCode": _CODES_FROM + number}
            for number, pair in enumerate(PAIRS)
        ]
    return orjson.dumps(answer)


def _ticker(pair: str, number: int) -> dict[str, Any]:
    now_us = time.time_ns() // 1_000
    row = {
        "instType": "SPOT",
        "instId": pair,
        "last": str(number),
        "lastSz": str(now_us),
        "askPx": "101.1",
        "askSz": "3",
        "bidPx": "100.9",
        "bidSz": "4",
        "open24h": "99",
        "high24h": "120",
        "low24h": "90",
        "sodUtc0": "98",
        "sodUtc8": "97",
        "volCcy24h": "123456.789",
        "vol24h": "1234.5",
        "ts": str(now_us // 1_000),
    }
    return {"arg": {"channel": "tickers", "instId": pair}, "data": [row]}


def _say(words: str) -> None:
    print(words, flush=True)  # noqa: T201  # whoever started it waits for it


if __name__ == "__main__":
    asyncio.run(TickerSource(sys.argv[1]).serve())
