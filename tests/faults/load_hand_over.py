"""What if OKX announces again and again that it will close a WebSocket, while much is told over it?

Each update must be told once and in order, whatever connection brings it. The judge is a connection
of its own that hears the announcements and stays: what it is told must be told.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from okx_gateway.custody.credential import Credential, Environment
from okx_gateway.custody.signer import Signer
from okx_gateway.custody.socket_login import socket_login
from okx_gateway.okx.channel import Channel, channel_of
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.reply import Row, parse_reply
from okx_gateway.okx.rest_client import RequestNotSentError
from okx_gateway.okx.socket_keeper import ChannelSocket
from tests.fakes.channels import Told
from tests.faults.load_stage import PRODUCTS
from tests.faults.tally import FaultTest, Progress, Tally
from tests.support.running import ACCOUNT, SECRETS, Exchange, running_exchange

_REPLACED_EVERY_S = 3.0
_CONNECT_EVERY_S = 0.4
# What is on its way when the test ends is not judged.
_TAIL_S = 1.0
_ORDERS_PER_S = 20
_PUBLIC = ("tickers", "trades", "books")
_PRIVATE = (channel_of("orders", instType="ANY"), channel_of("account"))


async def hand_over(replacements: int, seed: int, progress: Progress) -> Tally:
    """Have both connections of a replica replaced so often, while orders come and go."""
    tally = Tally(runs=replacements)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sockets-")))
        exchange = await stack.enter_async_context(running_exchange(folder, seed=seed))
        instruments = await _instruments(exchange)
        public = tuple(channel_of(name, instId=each) for name in _PUBLIC for each in instruments)
        login = socket_login(_signer(), _KnownClock(), ACCOUNT)
        judged, room = [], _Room()
        for url, channels in (("public", public), ("private", _PRIVATE)):
            await room.wait()
            frame = login() if url == "private" else None
            witness = await stack.enter_async_context(_witness(exchange, url, channels, frame))
            socket = ChannelSocket(
                f"ws://{exchange.address}/ws/v5/{url}",
                login=login if frame else None,
                wait_for_room=room.wait,
            )
            told = Told()
            for channel in channels:
                socket.want(channel, told)
            stack.callback(asyncio.ensure_future(socket.run()).cancel)
            await told.until(partial(_has_begun, told, channels))
            judged.append((told, witness, channels))
        orders = _Orders(socket, instruments)
        placing = asyncio.ensure_future(orders.place())
        for _ in range(replacements):
            await asyncio.sleep(_REPLACED_EVERY_S)
            answer = await exchange.control_call("POST", "/notice", {})
            tally.hits["closes announced"] += answer["sockets"]
            progress.advance(1, "replacing sockets")
        await asyncio.sleep(_REPLACED_EVERY_S)
        placing.cancel()
        await asyncio.gather(placing, return_exceptions=True)
        await asyncio.sleep(_TAIL_S)
        sockets = await exchange.control_call("GET", "/sockets")
        for told, witness, channels in judged:
            for channel in channels:
                _judge(channel, told, witness[channel], tally)
        for window in await exchange.limits():
            if window["limit"] == "websocket connect":
                tally.see("connects", window["worst"], window["amount"])
    tally.figures |= {
        "connects": int(sockets["accepted"]),
        "orders_over_the_socket": orders.answered,
        "orders_while_it_was_replaced": orders.not_sent,
    }
    if orders.wrong:
        tally.blame(orders.wrong)
    return tally


class _Room:
    """Fewer connects than OKX takes in a second, of all who share an address."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def wait(self) -> None:
        async with self._lock:
            await asyncio.sleep(_CONNECT_EVERY_S)


class _KnownClock(ExchangeClock):
    """OKX's clock, which is that of this machine."""

    def __init__(self) -> None:
        super().__init__()
        now_s, wall_ms = time.monotonic(), time.time() * 1000
        self.learn(sent_s=now_s, received_s=now_s, earliest_ms=wall_ms, latest_ms=wall_ms)


class _Orders:
    """Orders that rest and are cancelled, over the socket and as fast as it takes them."""

    def __init__(self, socket: ChannelSocket, codes: Mapping[str, int]) -> None:
        self._socket = socket
        self._codes = codes
        self.answered = self.not_sent = 0
        self.wrong: list[str] = []

    async def place(self) -> None:
        while True:
            for instrument, (price, quantity) in PRODUCTS.items():
                await asyncio.sleep(1 / _ORDERS_PER_S)
                code = self._codes[instrument]
                order = {"tdMode": "cash", "side": "buy", "ordType": "post_only", "px": price}
                placed = await self._operate("order", order | {"instIdCode": code, "sz": quantity})
                if placed:
                    await self._operate("cancel-order", {"instIdCode": code, "ordId": placed})

    async def _operate(self, name: str, argument: Row) -> str:
        try:
            reply = await self._socket.operate(
                name, [argument], expiry_ms=None, write_before_s=time.monotonic() + 1, timeout_s=5
            )
        except RequestNotSentError:
            self.not_sent += 1
            return ""
        answer = parse_reply(reply.body)
        if answer.code != "0":
            self.wrong.append(f"{name} was answered {reply.body!r}")
            return ""
        self.answered += 1
        return str(answer.rows[0]["ordId"])


def _has_begun(told: Told, channels: Sequence[Channel]) -> bool:
    return all(told.of(each) for each in channels)


def _judge(channel: Channel, told: Told, heard: Sequence[Row], tally: Tally) -> None:
    """Compare what was told of a channel with what the witness heard."""
    words = [each for each in told.of(channel) if isinstance(each, str)]
    if channel in _PRIVATE:
        # Nothing comes while orders cannot be sent, and nobody knows that better than who asks OKX.
        words = [each for each in words if each != "stale"]
    if words != ["subscribed"]:
        tally.blame([f"{channel}: told {words}"])
    got, all_of_it = (
        [orjson.dumps(row) for row in rows] for rows in (told.rows_of(channel), heard)
    )
    # What comes first was made for this subscription alone.
    begins = next((n for n, row in enumerate(got) if row in all_of_it), None)
    if begins is None or begins > 1:
        tally.blame([f"{channel}: {len(got)} rows, and the witness has the {begins}th first"])
        return
    expected = all_of_it[all_of_it.index(got[begins]) :]
    got = got[begins:]
    tally.duplicates += len(got) - len(set(got)) - (len(expected) - len(set(expected)))
    missed = set(expected[: len(got)]) - set(got)
    tally.lost += len(missed)
    if got != expected[: len(got)]:
        at = next(
            n for n, pair in enumerate(zip(got, expected, strict=False)) if pair[0] != pair[1]
        )
        tally.blame([f"{channel}: row {at} of {len(got)}: {got[at]!r} for {expected[at]!r}"])
    tally.figures["rows"] = tally.figures.get("rows", 0) + len(got)


@asynccontextmanager
async def _witness(
    exchange: Exchange, url: str, channels: Sequence[Channel], login: str | None
) -> AsyncIterator[dict[Channel, list[Row]]]:
    """A connection that stays; what it hears of each channel."""
    heard: dict[Channel, list[Row]] = {channel: [] for channel in channels}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"ws://{exchange.address}/ws/v5/{url}") as socket,
    ):
        if login is not None:
            await socket.send_str(login)
            await socket.receive()
        arguments = [{"channel": each.name, **dict(each.arguments)} for each in channels]
        await socket.send_json({"op": "subscribe", "args": arguments})

        async def listen() -> None:
            async for message in socket:
                frame = orjson.loads(message.data)
                if "data" in frame:
                    words = {k: v for k, v in frame["arg"].items() if k not in ("channel", "uid")}
                    heard[channel_of(frame["arg"]["channel"], **words)] += frame["data"]

        listening = asyncio.ensure_future(listen())
        try:
            yield heard
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def _instruments(exchange: Exchange) -> dict[str, int]:
    async with (
        aiohttp.ClientSession(f"http://{exchange.address}") as session,
        session.get("/api/v5/public/instruments?instType=SPOT") as response,
    ):
        rows: list[dict[str, Any]] = (await response.json())["data"]
        return {row["instId"]: row["instIdCode"] for row in rows}


def _signer() -> Signer:
    credential = Credential(
        account=ACCOUNT, environment=Environment.LIVE, version=1, secrets=SECRETS
    )
    return Signer([credential], environment=Environment.LIVE)


TESTS = (
    FaultTest(
        "every socket replaced again and again",
        quick=3,
        full=200,
        run=hand_over,
        faults=("closes announced",),
    ),
)
