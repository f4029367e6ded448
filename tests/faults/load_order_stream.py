"""Is every change of an order told once, however often the socket that tells it is lost?

Orders fill and are cancelled all the time while OKX closes the private socket again and again. Each
reader must have been told of each placing, each trade and each end once, in order: one that stays,
one that leaves and goes on by its token, and one that does so over REST. The books are the judge.
"""

import asyncio
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from typing import Any

import aiohttp
import grpc

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from okx_gateway.app import Gateway, serve
from okx_gateway.okx import socket_keeper
from okx_gateway.settings import load_settings
from tests.faults.load_stage import PRODUCTS, Stage, an_order, stage
from tests.faults.tally import FaultTest, Progress, Tally
from tests.support.doors import GrpcDoor, RefusedError
from tests.support.running import ACCOUNT, make_vault, settings_for

_CALLERS, _PAUSE_S = 8, 0.08
# Sometimes before the lists are read that tell what was missed, and sometimes long after.
_CLOSED_AFTER_S = (0.2, 1.5)
_LEAVES_EVERY_S = 0.7
_SETTLE_WAIT_S = 60.0
_ENDED = ("ORDER_STATE_FILLED", "ORDER_STATE_CANCELLED")
_URL = f"/v1/accounts/{ACCOUNT}/orders:stream"


async def storm(kills: int, seed: int, progress: Progress) -> Tally:
    """Close the socket `kills` times while it stands, and place orders meanwhile."""
    tally, dice = Tally(runs=kills), random.Random(seed)
    # Else most of the time would be spent in waiting: a socket that is lost at once is not sought
    # again at once.
    socket_keeper._PAUSE_MAX_S = 0.1
    async with (
        stage(0, seed=seed) as running,
        _gateway(running) as gateway,
        grpc.aio.insecure_channel(str(gateway.grpc)) as channel,
        aiohttp.ClientSession(f"http://{gateway.rest}") as http,
    ):
        readers = [_Reader(_over_grpc(channel)), _Reader(_over_grpc(channel))]
        readers.append(_Reader(_over_rest(http)))
        reading = [asyncio.ensure_future(each.follow()) for each in readers]
        await _until(lambda: all(each.snapshots for each in readers))
        leaving = [asyncio.ensure_future(each.leave_often()) for each in readers[1:]]
        callers = _Callers(GrpcDoor(channel))
        placing = [asyncio.ensure_future(callers.place()) for _ in range(_CALLERS)]
        while tally.hits["sockets closed"] < kills:
            closed = await running.exchange.control_call("POST", "/disconnect", {"url": "private"})
            tally.hits["sockets closed"] += closed["sockets"]
            progress.advance(closed["sockets"], "closing the private socket")
            await asyncio.sleep(dice.uniform(*_CLOSED_AFTER_S))
        for task in (*placing, *leaving):
            task.cancel()
        await asyncio.gather(*placing, *leaving, return_exceptions=True)
        held = await _books(running)
        await _until(lambda: all(each.ended >= held.keys() for each in readers))
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        _judge(held, readers, tally)
        tally.hits["readers left"] = sum(each.left for each in readers)
        refused = [each for each in await running.exchange.limits() if each["refused"]]
        tally.blame([f"OKX refused {each['refused']} in {each['limit']}" for each in refused])
    return tally


@asynccontextmanager
async def _gateway(running: Stage) -> AsyncIterator[Gateway]:
    with tempfile.TemporaryDirectory(prefix="okx-gateway-vault-") as folder:
        environ = settings_for(running.exchange.address, running.redis_url)
        async with serve(load_settings({**environ, **make_vault(Path(folder))})) as gateway:
            await _until(lambda: not gateway.unready_because())
            yield gateway


class _Callers:
    """Place orders that fill at once, or that are cancelled at once."""

    def __init__(self, door: GrpcDoor) -> None:
        self._door = door
        self._instruments = cycle(PRODUCTS)
        self._fills = cycle((True, False, True))

    async def place(self) -> None:
        while True:
            order = an_order(next(self._instruments))
            if next(self._fills):
                order.market.target_currency = order_pb2.TARGET_CURRENCY_BASE
            await asyncio.sleep(_PAUSE_S)
            with suppress(RefusedError):
                await self._door.call("PlaceOrder", order)


Events = Callable[[str], AsyncIterator[tuple[str, str, dict[str, Any]]]]
"""Streams behind a token: the kind of each event, its token, and what it holds as JSON."""


def _over_grpc(channel: grpc.aio.Channel) -> Events:
    method: Any = channel.unary_stream(
        "/okx_gateway.api.v1.GatewayService/StreamOrders",
        request_serializer=api.StreamOrdersRequest.SerializeToString,
        response_deserializer=api.StreamOrdersResponse.FromString,
    )

    async def events(token: str) -> AsyncIterator[tuple[str, str, dict[str, Any]]]:
        async for event in method(api.StreamOrdersRequest(account=ACCOUNT, resume_token=token)):
            order, fill = event.change.order, event.change.fill
            change = {
                "order": {
                    "exchangeOrderId": order.exchange_order_id,
                    "state": order_pb2.OrderState.Name(order.state),
                    "filledQuantity": order.filled_quantity,
                },
                "fill": {"tradeId": fill.trade_id} if event.change.HasField("fill") else {},
                "recovered": event.change.recovered,
            }
            yield event.WhichOneof("event"), event.resume_token, {"change": change}

    return events


def _over_rest(http: aiohttp.ClientSession) -> Events:
    async def events(token: str) -> AsyncIterator[tuple[str, str, dict[str, Any]]]:
        block: dict[str, str] = {}
        headers = {"Last-Event-ID": token} if token else {}
        async with http.get(_URL, headers=headers, timeout=aiohttp.ClientTimeout()) as answer:
            async for line in answer.content:
                if line != b"\n":
                    name, _, content = line.decode().rstrip("\n").partition(":")
                    block[name] = content.strip()
                    continue
                if "event" in block:
                    yield block["event"], block.get("id", ""), json.loads(block["data"])
                block = {}

    return events


class _Reader:
    """Follows all orders; goes on by its last token whenever it left."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._reading: asyncio.Task[None] | None = None
        self._token = ""
        self.changes: list[dict[str, Any]] = []
        self.ended: set[str] = set()
        self.others: Counter[str] = Counter()
        self.left = 0

    @property
    def snapshots(self) -> int:
        """How often it was told of all open orders."""
        return self.others["snapshot"]

    async def follow(self) -> None:
        while True:
            self._reading = asyncio.ensure_future(self._read())
            with suppress(asyncio.CancelledError):
                await self._reading
            if not self._reading.cancelled() or asyncio.current_task().cancelling():  # type: ignore[union-attr]
                return

    async def leave_often(self) -> None:
        while True:
            await asyncio.sleep(_LEAVES_EVERY_S)
            if self._reading is not None:
                self._reading.cancel()
                self.left += 1

    async def _read(self) -> None:
        async with aclosing(self._events(self._token)) as events:  # type: ignore[type-var]
            async for kind, token, content in events:
                self._token = token or self._token
                if kind != "change":
                    self.others[kind] += 1
                    continue
                change = content["change"]
                self.changes.append(change)
                if change["order"]["state"] in _ENDED:
                    self.ended.add(change["order"]["exchangeOrderId"])


async def _books(running: Stage) -> dict[str, list[str]]:
    """The trades of each order, by OKX's id; every order has ended."""
    orders = await running.exchange.orders()
    return {each["ordId"]: [fill["tradeId"] for fill in each["fills"]] for each in orders}


def _judge(held: dict[str, list[str]], readers: list[_Reader], tally: Tally) -> None:
    trades = {(name, trade) for name, each in held.items() for trade in each}
    for number, reader in enumerate(readers):
        told = Counter(
            (each["order"]["exchangeOrderId"], each["fill"]["tradeId"])
            for each in reader.changes
            if each.get("fill")
        )
        placed: Counter[str] = Counter()
        ends: Counter[str] = Counter()
        filled: dict[str, Decimal] = {}
        for each in reader.changes:
            order = each["order"]
            name, amount = order["exchangeOrderId"], Decimal(order["filledQuantity"])
            placed[name] += order["state"] == "ORDER_STATE_LIVE"
            if ends[name] or amount < filled.get(name, 0):
                tally.blame([f"reader {number}: {name} is told out of order"])
            ends[name] += order["state"] in _ENDED
            filled[name] = amount
        tally.lost += len(trades - told.keys()) + len(held.keys() - ends.keys())
        tally.lost += len(held.keys() - {name for name, count in placed.items() if count})
        for counts in (told, placed, ends):
            tally.duplicates += sum(count - 1 for count in counts.values() if count > 1)
        if reader.others["gap"] or reader.snapshots != 1:
            tally.blame([f"reader {number} was told of {dict(reader.others)}"])
    tally.figures |= {
        "events": len(readers[0].changes),
        "recovered": sum(bool(each.get("recovered")) for each in readers[0].changes),
        "breaks_told": readers[0].others["stale"],
        "orders": len(held),
    }


async def _until(true: Callable[[], object]) -> None:
    give_up_s = time.monotonic() + _SETTLE_WAIT_S
    while not true() and time.monotonic() < give_up_s:  # noqa: ASYNC110  # of other processes
        await asyncio.sleep(0.05)


TESTS = (
    FaultTest(
        "every change of an order told once, whatever becomes of the socket",
        quick=5,
        full=200,
        run=storm,
        faults=("sockets closed", "readers left"),
    ),
)
