import base64
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import aiohttp
import pytest

from okx_simulator.account.accounts_file import DEFAULT_ACCOUNTS
from okx_simulator.simulator import Options, Simulator

KEY = DEFAULT_ACCOUNTS[0].keys[0]
WAIT_S_MAX = 5.0


def _sign(text: str) -> str:
    return base64.b64encode(hmac.digest(KEY.secret.encode(), text.encode(), "sha256")).decode()


class Socket:
    """A WebSocket as a client sees it; frames come out as they came in, or chosen by a key."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self.websocket = websocket
        self.skipped: list[Any] = []

    async def say(self, **frame: Any) -> None:
        await self.websocket.send_json(frame)

    async def text(self, wait_s: float = WAIT_S_MAX) -> str:
        return await self.websocket.receive_str(timeout=wait_s)

    async def frame(self, **wanted: Any) -> Any:
        """Return the next frame that has these values; arg names its channel."""
        for _ in range(10_000):
            frame = json.loads(await self.text())
            named = frame | {"channel": frame.get("channel") or frame.get("arg", {}).get("channel")}
            if all(named.get(name) == value for name, value in wanted.items()):
                return frame
            self.skipped.append(frame)
        raise AssertionError(wanted)

    async def ask(self, **frame: Any) -> Any:
        await self.say(**frame)
        return await self.frame(id=frame["id"])

    async def log_in(self) -> Any:
        seconds = str(int(time.time()))
        arg = {
            "apiKey": KEY.key,
            "passphrase": KEY.passphrase,
            "timestamp": seconds,
            "sign": _sign(f"{seconds}GET/users/self/verify"),
        }
        await self.say(op="login", args=[arg])
        return json.loads(await self.text())

    async def close_code(self) -> int | None:
        """Read until the socket is closed, and return the code; None where it was cut."""
        for _ in range(10_000):
            message = await self.websocket.receive(timeout=WAIT_S_MAX)
            if message.type is aiohttp.WSMsgType.CLOSE:
                return int(message.data)
            if message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
                return None
        raise AssertionError("never closed")


class Running:
    """A simulator that listens on free ports, and a client of it."""

    def __init__(self, options: Options) -> None:
        self.simulator = Simulator(options)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.simulator)
        host = "127.0.0.1"
        self.port = await self.simulator.listen(self.simulator.public, host, 0)
        self.control_port = await self.simulator.listen(self.simulator.control, host, 0)
        self.http = await self._stack.enter_async_context(aiohttp.ClientSession())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def call(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any]:
        """Send a signed REST request; return the status and the JSON, or the text if it is none."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        data = "" if body is None else json.dumps(body)
        signed = {
            "OK-ACCESS-KEY": KEY.key,
            "OK-ACCESS-SIGN": _sign(f"{now}{method}{path}{data}"),
            "OK-ACCESS-TIMESTAMP": now,
            "OK-ACCESS-PASSPHRASE": KEY.passphrase,
            "Content-Type": "application/json",
        }
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.http.request(
            method, url, data=data or None, headers=signed | headers
        ) as answer:
            text = await answer.text()
            try:
                return answer.status, json.loads(text)
            except ValueError:
                return answer.status, text

    async def control(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Ask the control API."""
        url = f"http://127.0.0.1:{self.control_port}{path}"
        async with self.http.request(method, url, json=body) as answer:
            return answer.status, await answer.json()

    async def socket(self, url: str, **options: Any) -> Socket:
        """Open a WebSocket; it is closed with everything else."""
        address = f"ws://127.0.0.1:{self.port}/ws/v5/{url}"
        websocket = await self.http.ws_connect(address, **options)
        self._stack.push_async_callback(websocket.close)
        return Socket(websocket)

    async def trader(self) -> Socket:
        """Open a private WebSocket that is logged in."""
        socket = await self.socket("private")
        assert (await socket.log_in())["event"] == "login"
        return socket

    def code_of(self, inst_id: str) -> int:
        """Return the instIdCode of an instrument."""
        instrument = self.simulator.exchange.market.listing.find(inst_id)
        assert instrument is not None
        return instrument.inst_id_code


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Awaitable[Running]]]:
    """Return a function that starts a simulator; all are stopped at the end of the test."""
    async with AsyncExitStack() as stack:

        async def begin(**options: Any) -> Running:
            return await stack.enter_async_context(Running(Options(**options)))

        yield begin


@pytest.fixture
async def running(start: Callable[..., Awaitable[Running]]) -> Running:
    """Return a simulator with default options."""
    return await start()
