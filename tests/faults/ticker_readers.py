"""Readers of tickers by the hundred: `python -m tests.faults.ticker_readers KIND COUNT GATEWAY`.

Each has a connection of its own and follows some pairs. Says "reading" once all have a ticker. A
line of input begins what is told: what they saw from there to the end of the input, as JSON.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import grpc

from okx_gateway.api.v1 import gateway_service_pb2 as api
from tests.faults.ticker_source import PAIRS

PAIRS_EACH = 4
_SLOW_READ_S = 1.0
_FRESH_US = 1_000_000
_TOGETHER = 50
# What may lie unread at a reader before the gateway notices; else it is megabytes.
_OPTIONS = (
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 64 * 1024),
    ("grpc.use_local_subchannel_pool", 1),
)


@dataclass(slots=True)
class Seen:
    """What readers of one kind saw, all together."""

    tickers: int = 0
    skipped: int = 0
    out_of_order: int = 0
    delays_us: list[int] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)

    def forget(self) -> None:
        """Begin anew; how streams ended is kept."""
        self.tickers = self.skipped = self.out_of_order = 0
        self.delays_us.clear()
        self.events.clear()

    def row(self) -> dict[str, Any]:
        """Return it as JSON; delays in ms."""
        delays = sorted(self.delays_us)
        return {
            "tickers": self.tickers,
            "skipped": self.skipped,
            "out_of_order": self.out_of_order,
            "p50_ms": delays[len(delays) // 2] / 1_000 if delays else 0.0,
            "p99_ms": delays[len(delays) * 99 // 100] / 1_000 if delays else 0.0,
            "events": dict(self.events),
            "ends": dict(self.ends),
        }


class Reader:
    """One stream of `pairs`, read as its kind reads."""

    def __init__(self, kind: str, pairs: list[str], seen: Seen) -> None:
        self._kind = kind
        self._pairs = pairs
        self._seen = seen
        self._last: dict[str, int] = {}
        self._stopping = asyncio.Event()
        self.reading = asyncio.Event()

    def stop(self) -> None:
        """Read what lies there, and end."""
        self._stopping.set()

    async def run(self, address: str) -> None:
        """Read until stopped or ended by the gateway."""
        async with grpc.aio.insecure_channel(address, options=_OPTIONS) as channel:
            call = channel.unary_stream(
                "/okx_gateway.api.v1.GatewayService/StreamTicker",
                request_serializer=api.StreamTickerRequest.SerializeToString,
                response_deserializer=api.StreamTickerResponse.FromString,
            )(api.StreamTickerRequest(instruments=self._pairs))
            try:
                await self._read(call)
            except grpc.aio.AioRpcError as error:
                self._seen.ends[f"{error.code().name}: {error.details()}"] += 1
            else:
                self._seen.ends["read to the end of the test"] += 1
            finally:
                self.reading.set()
                call.cancel()

    async def _read(self, call: Any) -> None:
        async for event in call:
            self._take(event)
            if self._kind == "slow":
                await self._stopped_within(_SLOW_READ_S)
            elif self._kind == "stopped" and event.WhichOneof("event") == "ticker":
                await self._stopping.wait()
            # Whoever stopped reading finds what lay there, and then its end if it was ended.
            if self._stopping.is_set() and (self._kind != "stopped" or self._is_up_to_date(event)):
                return

    def _is_up_to_date(self, event: api.StreamTickerResponse) -> bool:
        pushed_us = int(event.ticker.last_quantity or 0)
        return time.time_ns() // 1_000 - pushed_us < _FRESH_US

    async def _stopped_within(self, wait_s: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), wait_s)

    def _take(self, event: api.StreamTickerResponse) -> None:
        kind = event.WhichOneof("event") or "nothing"
        self._seen.events[kind] += 1
        if kind != "ticker":
            return
        self.reading.set()
        ticker = event.ticker
        number, last = int(ticker.last_price), self._last.get(ticker.instrument)
        self._seen.tickers += 1
        if last is not None:
            self._seen.out_of_order += number <= last
            self._seen.skipped += max(0, number - last - 1)
            if self._kind == "fast":
                pushed_us = int(ticker.last_quantity)
                self._seen.delays_us.append(time.time_ns() // 1_000 - pushed_us)
        self._last[ticker.instrument] = number


async def read(kind: str, count: int, address: str) -> Seen:
    """Have `count` readers read until the input is closed; what they saw."""
    seen = Seen()
    readers = [Reader(kind, _pairs_of(number), seen) for number in range(count)]
    running = []
    for first in range(0, count, _TOGETHER):
        some = readers[first : first + _TOGETHER]
        running += [asyncio.ensure_future(each.run(address)) for each in some]
        await asyncio.gather(*(each.reading.wait() for each in some))
    _say("reading")
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, sys.stdin.readline)
    seen.forget()
    await loop.run_in_executor(None, sys.stdin.read)
    for each in readers:
        each.stop()
    await asyncio.gather(*running)
    return seen


def _pairs_of(number: int) -> list[str]:
    first = number * PAIRS_EACH
    return [PAIRS[(first + each) % len(PAIRS)] for each in range(PAIRS_EACH)]


def _say(words: str) -> None:
    print(words, flush=True)  # noqa: T201  # whoever started it waits for it


if __name__ == "__main__":
    _say(json.dumps(asyncio.run(read(sys.argv[1], int(sys.argv[2]), sys.argv[3])).row()))
