"""A WebSocket server that answers as OKX does, and does what a test tells it to."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

WAIT_S = 5.0


@dataclass(slots=True)
class Peer:
    """One connection as the server sees it."""

    number: int
    socket: web.WebSocketResponse
    transport: asyncio.Transport
    channels: list[dict[str, str]] = field(default_factory=list)

    async def say(self, message: object) -> None:
        text = message if isinstance(message, str) else json.dumps(message)
        await self.socket.send_str(text)

    def abort(self) -> None:
        self.transport.abort()


class OkxSocket:
    """Writes down each frame as (number of the connection, what was said)."""

    def __init__(self) -> None:
        self.url = ""
        self.said: asyncio.Queue[tuple[int, Any]] = asyncio.Queue()
        self.peers: list[Peer] = []
        self.refuses_connects = False
        self.answers_pings = True
        self.acknowledges = True
        self.login_code = "0"
        self.refused: set[str] = set()  # instruments
        self.answers: Callable[[dict[str, Any]], object | None] = lambda frame: {
            "id": frame["id"],
            "op": frame["op"],
            "code": "0",
            "msg": "",
            "data": [{"sCode": "0"}],
        }

    @property
    def open_peers(self) -> list[Peer]:
        return [each for each in self.peers if not each.socket.closed]

    async def push(self, channel: str, row: dict[str, Any], **arguments: str) -> None:
        """Push a row to whoever is subscribed."""
        argument = {"channel": channel, **arguments}
        for peer in self.open_peers:
            if argument in peer.channels:
                await peer.say({"arg": argument, "data": [row]})

    async def asked(self, operation: str = "") -> tuple[int, str, list[str]]:
        """The next request, or the next `operation`: connection, operation, instruments."""
        while True:
            number, frame = await asyncio.wait_for(self.said.get(), WAIT_S)
            if frame != "ping" and operation in ("", frame["op"]):
                named = [each.get("instId", each.get("channel", "")) for each in frame["args"]]
                return number, frame["op"], named

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if self.refuses_connects:
            return web.Response(status=429)
        socket = web.WebSocketResponse(timeout=0.2)
        await socket.prepare(request)
        assert request.transport is not None
        peer = Peer(len(self.peers) + 1, socket, request.transport)
        self.peers.append(peer)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await self._hear(peer, message.data)
        return socket

    async def _hear(self, peer: Peer, text: str) -> None:
        frame: Any = text if text == "ping" else json.loads(text)
        self.said.put_nowait((peer.number, frame))
        if text == "ping":
            if self.answers_pings:
                await peer.say("pong")
        elif frame["op"] == "login":
            event = "login" if self.login_code == "0" else "error"
            await peer.say({"event": event, "code": self.login_code, "msg": "", "connId": "a"})
        elif frame["op"] in ("subscribe", "unsubscribe"):
            for argument in frame["args"]:
                await self._change(peer, frame, argument)
        else:
            answer = self.answers(frame)
            if answer is not None:
                await peer.say(answer)

    async def _change(self, peer: Peer, frame: dict[str, Any], argument: dict[str, str]) -> None:
        if argument.get("instId") in self.refused:
            words = ",".join(f"{name}:{word}" for name, word in argument.items())
            refusal = f"Wrong URL or {words} doesn't exist."
            await peer.say({"id": frame["id"], "event": "error", "code": "60018", "msg": refusal})
            return
        if frame["op"] == "subscribe":
            peer.channels.append(argument)
        elif argument in peer.channels:
            peer.channels.remove(argument)
        if self.acknowledges:
            await peer.say({"id": frame["id"], "event": frame["op"], "arg": argument})


async def until(is_so: Callable[[], object], *, wait_s: float = WAIT_S) -> None:
    """Wait until `is_so`."""
    until_s = time.monotonic() + wait_s
    while not is_so():
        assert time.monotonic() < until_s, "it never was so"
        await asyncio.sleep(0.005)


@asynccontextmanager
async def okx_socket() -> AsyncIterator[OkxSocket]:
    """Serve one on loopback."""
    server = OkxSocket()
    app = web.Application()
    app.router.add_get("/ws/v5/public", server.serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"ws://127.0.0.1:{runner.addresses[0][1]}/ws/v5/public"
    try:
        yield server
    finally:
        await runner.cleanup()
