"""What if OKX closes every WebSocket again and again?

All replicas want to be back at once, and have one address together, from which OKX takes three
connects in a second. They must neither hurry nor give up: whoever reads has tickers again.
"""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import grpc

from tests.faults.load_stage import PRODUCTS, Stage, doors, stage
from tests.faults.tally import FaultTest, Progress, Tally
from tests.support.doors import Door

_REPLICAS = 5
_CLOSED_EVERY_S = 2.0
# Source: OKX docs, 'WebSocket / Connect' and 'Notification': 3 connects in a second by address; 480
# requests to subscribe, unsubscribe and log in within an hour by connection.
_REQUESTS_MAX = 480
_CPU_PERCENT_MAX = 50.0
# The longest pause between two attempts, and a while for the tickers to come.
_BACK_WITHIN_S = 30.0
_COME_BACK_S = 0.5
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


async def storm(seconds: int, seed: int, progress: Progress) -> Tally:
    """Close every socket every two seconds for `seconds` while each replica has a reader."""
    tally = Tally(runs=seconds)
    async with stage(_REPLICAS, seed=seed) as running, doors(running) as both:
        exchange = running.exchange
        readers = [_Reader(grpc) for grpc, _ in both]
        reading = [asyncio.ensure_future(each.read()) for each in readers]
        await _until(lambda: all(each.tickers for each in readers))
        cpu_before_s, began_s = _cpu_s(running), time.monotonic()
        for _ in range(int(seconds / _CLOSED_EVERY_S)):
            closed = await exchange.control_call("POST", "/disconnect", {"url": "public"})
            tally.hits["sockets closed"] += closed["sockets"]
            progress.advance(int(_CLOSED_EVERY_S), "closing every socket")
            await asyncio.sleep(_CLOSED_EVERY_S)
        busy_s = max(
            after_s - before_s
            for after_s, before_s in zip(_cpu_s(running), cpu_before_s, strict=True)
        )
        cpu_percent = 100 * busy_s / (time.monotonic() - began_s)
        before = [each.tickers for each in readers]
        back = await _until(
            lambda: all(each.tickers > n for each, n in zip(readers, before, strict=True))
        )
        if not back:
            tally.blame(
                f"reader {number} has no tickers any more: "
                + (repr(task.exception()) if task.done() else f"last told {each.last_told}")
                for number, (each, task, n) in enumerate(zip(readers, reading, before, strict=True))
                if each.tickers == n
            )
        for each in reading:
            each.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        await _judge(running, tally)
    tally.figures |= {
        "tickers": sum(each.tickers for each in readers),
        "gaps_told": sum(each.gaps for each in readers),
        "cpu_percent": round(cpu_percent, 1),
    }
    if cpu_percent > _CPU_PERCENT_MAX:
        tally.blame([f"a replica was busy for {cpu_percent:.0f} % of the time"])
    return tally


class _Reader:
    """Counts what one stream brings."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self.tickers = 0
        self.gaps = 0
        self.last_told = ""

    async def read(self) -> None:
        while True:
            try:
                await self._read_on()
            except grpc.aio.AioRpcError as error:
                # The gateway ends connections that are old, and a reader comes back.
                self.last_told = f"{error.code().name}: {error.details()}"
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
                await asyncio.sleep(_COME_BACK_S)

    async def _read_on(self) -> None:
        async with aclosing(self._door.stream(list(PRODUCTS))) as events:  # type: ignore[type-var]
            async for event in events:
                kind = self.last_told = event.WhichOneof("event") or ""
                self.tickers += kind == "ticker"
                self.gaps += kind == "gap"


async def _judge(running: Stage, tally: Tally) -> None:
    sockets = await running.exchange.control_call("GET", "/sockets")
    tally.figures["connects"] = int(sockets["accepted"])
    for window in await running.exchange.limits():
        if window["limit"] == "websocket connect":
            tally.see("connects", window["worst"], window["amount"])
            if window["refused"]:
                tally.blame([f"OKX refused {window['refused']} connects"])
    requests: dict[str, int] = {}
    for entry in await running.exchange.requests():
        if entry["door"] == "ws":
            requests[entry["connection"]] = requests.get(entry["connection"], 0) + 1
    tally.see("requests of a connection", max(requests.values(), default=0), _REQUESTS_MAX)
    tally.blame(running.complaints())


def _cpu_s(running: Stage) -> list[float]:
    """How long each gateway has been busy, in seconds of a processor."""
    times = []
    for gateway in running.gateways:
        fields = Path(f"/proc/{gateway.process.pid}/stat").read_text().rpartition(")")[2].split()
        times.append((int(fields[11]) + int(fields[12])) / _TICKS_PER_S)
    return times


async def _until(done: Callable[[], bool]) -> bool:
    """Wait for something, for as long as a reader may have to; whether it came."""
    give_up_s = time.monotonic() + _BACK_WITHIN_S
    while not done() and time.monotonic() < give_up_s:  # noqa: ASYNC110  # of another process
        await asyncio.sleep(0.05)
    return done()


TESTS = (
    FaultTest(
        "every socket closed again and again",
        quick=8,
        full=600,
        run=storm,
        faults=("sockets closed",),
    ),
)
