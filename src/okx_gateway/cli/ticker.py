"""The command `ticker`: a live table in the terminal."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import click
import grpc
from rich.console import Console
from rich.live import Live
from rich.table import Table

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import ticker_pb2
from okx_gateway.cli.channel import ChannelOptions, channel_options
from okx_gateway.cli.gateway_client import CallFailed, stub_of, target_option

_REFRESH_PER_S = 8


class TickerTable:
    """The latest ticker of each instrument, with how the price moved and whether it may be old."""

    def __init__(self, instruments: Sequence[str]) -> None:
        self._tickers: dict[str, ticker_pb2.Ticker | None] = dict.fromkeys(instruments)
        self._moved: dict[str, str] = {}
        self._stale: set[str] = set()

    def take(self, event: api.StreamTickerResponse) -> None:
        """Take one event of the stream."""
        match event.WhichOneof("event"):
            case "ticker":
                self._take_ticker(event.ticker)
            case "tickers":
                for ticker in event.tickers.tickers:
                    self._take_ticker(ticker)
            case "gap":
                self._stale.update(event.gap.instruments)
            case "stale":
                self._stale.update(event.stale.instruments)

    def _take_ticker(self, ticker: ticker_pb2.Ticker) -> None:
        name = ticker.instrument
        before = self._tickers.get(name)
        if before is not None:
            change = Decimal(ticker.last_price or 0) - Decimal(before.last_price or 0)
            if change:
                self._moved[name] = "green" if change > 0 else "red"
        self._tickers[name] = ticker
        self._stale.discard(name)

    def __rich__(self) -> Table:
        table = Table()
        for column in ("instrument", "last", "bid", "ask", "24 h low", "24 h high", "24 h volume"):
            table.add_column(column, justify="left" if column == "instrument" else "right")
        for name, ticker in self._tickers.items():
            if ticker is None:
                table.add_row(name, "[dim]waiting[/]")
                continue
            style = "dim" if name in self._stale else self._moved.get(name, "")
            last = f"[{style}]{ticker.last_price}[/]" if style else ticker.last_price
            table.add_row(
                f"{name} [dim](may be old)[/]" if name in self._stale else name,
                last,
                ticker.bid_price,
                ticker.ask_price,
                ticker.low_price_24h,
                ticker.high_price_24h,
                ticker.volume_24h,
            )
        return table


@click.command()
@click.argument("instruments", nargs=-1, required=True)
@target_option
@channel_options
@click.option(
    "--for",
    "duration_s",
    type=click.FloatRange(min=0.1),
    metavar="SECONDS",
    help="Stop after this long; until Ctrl-C without it.",
)
def ticker(
    *,
    instruments: tuple[str, ...],
    target: str,
    channel: ChannelOptions,
    duration_s: float | None,
) -> None:
    """Watch the tickers of INSTRUMENTS, such as BTC-USDT ETH-USDT."""
    try:
        asyncio.run(_watch(instruments, target, channel, duration_s))
    except KeyboardInterrupt:
        return
    except grpc.aio.AioRpcError as error:
        raise CallFailed(error, target) from None


async def _watch(
    instruments: Sequence[str], target: str, options: ChannelOptions, duration_s: float | None
) -> None:
    table = TickerTable(instruments)
    request = api.StreamTickerRequest(instruments=instruments, together=True)
    async with options.open(target) as channel:
        stream = stub_of(channel).StreamTicker(request, metadata=options.metadata())
        with Live(table, console=Console(), refresh_per_second=_REFRESH_PER_S):
            try:
                async with asyncio.timeout(duration_s):
                    async for event in stream:
                        table.take(event)
            except TimeoutError:
                stream.cancel()
