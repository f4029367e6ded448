"""What if a WebSocket falls silent, in each of the ways in which that can happen?

Listeners must be told within five seconds, and have rows again soon.
"""

import asyncio
import tempfile
import time
from functools import partial
from pathlib import Path

from okx_gateway.okx.channel import channel_of
from okx_gateway.okx.socket_keeper import ChannelSocket
from tests.fakes.channels import Told
from tests.faults.tally import FaultTest, Progress, Tally
from tests.support.running import running_exchange

_LIVELY_AFTER_S = 2.5
_TOLD_WITHIN_S = 5.0
_BACK_WITHIN_S = 35.0
_TICKER = channel_of("tickers", instId="BTC-USDT")
_PUSH = {"channel": "tickers", "url": "public"}
_KINDS = {
    "half_open": {"kind": "half_open", "count": 1, "match": _PUSH},
    "stall": {"kind": "stall", "count": 1, "match": _PUSH},
    "stall but pong": {"kind": "stall", "pong": True, "count": 1, "match": _PUSH},
}


async def stalls(runs: int, seed: int, progress: Progress) -> Tally:
    """Have the socket of one lively channel fall silent `runs` times."""
    tally = Tally(runs=runs)
    with tempfile.TemporaryDirectory(prefix="stalls-") as folder:
        async with running_exchange(Path(folder), seed=seed) as exchange:
            told = Told()
            socket = ChannelSocket(f"ws://{exchange.address}/ws/v5/public")
            socket.want(_TICKER, told)
            running = asyncio.ensure_future(socket.run())
            for number in range(runs):
                name = list(_KINDS)[number % len(_KINDS)]
                rows = len(told.rows_of(_TICKER))
                await told.until(partial(_has_more, told, rows))
                await asyncio.sleep(_LIVELY_AFTER_S)
                await exchange.put_faults(_KINDS[name])
                began_s, entries = time.monotonic(), len(told.of(_TICKER))
                told_s, back_s = await _watch(told, entries, began_s)
                hits = await exchange.fault_hits()
                tally.hits[name] += 1
                _see(tally, name, told_s, back_s)
                if not hits:
                    tally.blame([f"{name} did not strike"])
                progress.advance(1, name)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    return tally


async def _watch(told: Told, entries: int, began_s: float) -> tuple[float, float]:
    """When the silence was told, and when rows came again after it; in seconds."""
    told_s = back_s = float("inf")
    while time.monotonic() - began_s < _BACK_WITHIN_S + 1:
        words = [each for each in told.of(_TICKER)[entries:] if isinstance(each, str)]
        if words and told_s == float("inf"):
            told_s, entries = time.monotonic() - began_s, len(told.of(_TICKER))
        if told_s < float("inf") and len(told.rows_of(_TICKER)) > _rows_before(told, entries):
            back_s = time.monotonic() - began_s
            break
        await asyncio.sleep(0.02)
    return told_s, back_s


def _has_more(told: Told, rows: int) -> bool:
    return len(told.rows_of(_TICKER)) > rows


def _rows_before(told: Told, entries: int) -> int:
    return sum(not isinstance(each, str) for each in told.of(_TICKER)[:entries])


def _see(tally: Tally, name: str, told_s: float, back_s: float) -> None:
    for what, measured_s, most_s in (
        ("told", told_s, _TOLD_WITHIN_S),
        ("back", back_s, _BACK_WITHIN_S),
    ):
        figure = f"{name}_{what}_s"
        tally.figures[figure] = max(tally.figures.get(figure, 0.0), round(measured_s, 2))
        if measured_s > most_s:
            tally.blame([f"{name}: {what} after {measured_s:.1f} s"])


TESTS = (
    FaultTest(
        "a socket that falls silent",
        quick=3,
        full=60,
        run=stalls,
        faults=tuple(_KINDS),
    ),
)
