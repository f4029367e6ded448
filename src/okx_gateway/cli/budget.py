"""The command `budget`: how much of OKX's rate limits is used, as a live table."""

import asyncio
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
import grpc
from google.protobuf import json_format
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from okx_gateway.api.v1 import admin_service_pb2 as api
from okx_gateway.api.v1 import budget_pb2
from okx_gateway.api.v1.admin_service_pb2_grpc import AdminServiceStub
from okx_gateway.cli.channel import ChannelOptions, channel_options
from okx_gateway.cli.gateway_client import CallFailed, json_option

if TYPE_CHECKING:
    from okx_gateway.api.v1.admin_service_pb2_grpc import AdminServiceAsyncStub

_DEFAULT_TARGET = "127.0.0.1:8081"
_DEADLINE_S = 5.0
_REFRESH_S = 1.0
_BAR_LENGTH = 20
_CALLERS_SHOWN = 4


@click.command()
@click.option(
    "--account", default="", help="Account to show; all accounts and the address without it."
)
@click.option(
    "--admin",
    "target",
    default=lambda: os.environ.get("OKX_GATEWAY_ADMIN_TARGET", _DEFAULT_TARGET),
    show_default=f"OKX_GATEWAY_ADMIN_TARGET or {_DEFAULT_TARGET}",
    metavar="HOST:PORT",
    help="Where the gateway serves operators.",
)
@channel_options
@click.option("--once", is_flag=True, help="Show it once and end.")
@json_option
def budget(
    *, account: str, target: str, channel: ChannelOptions, once: bool, as_json: bool
) -> None:
    """Watch how much of OKX's rate limits all replicas use, and who uses it; Ctrl-C ends it."""
    request = api.ListBudgetsRequest(account=account)
    try:
        if as_json:
            click.echo(json_format.MessageToJson(asyncio.run(_ask(request, target, channel))))
        elif once:
            Console().print(shown(asyncio.run(_ask(request, target, channel))))
        else:
            asyncio.run(_watch(request, target, channel))
    except KeyboardInterrupt:
        return
    except grpc.aio.AioRpcError as error:
        raise CallFailed(error, target) from None


async def _ask(
    request: api.ListBudgetsRequest, target: str, options: ChannelOptions
) -> api.ListBudgetsResponse:
    async with options.open(target) as channel:
        return await _stub_of(channel).ListBudgets(
            request, timeout=_DEADLINE_S, metadata=options.metadata()
        )


async def _watch(request: api.ListBudgetsRequest, target: str, options: ChannelOptions) -> None:
    async with options.open(target) as channel:
        stub = _stub_of(channel)
        with Live(console=Console(), auto_refresh=False) as live:
            while True:
                response = await stub.ListBudgets(
                    request, timeout=_DEADLINE_S, metadata=options.metadata()
                )
                live.update(shown(response), refresh=True)
                await asyncio.sleep(_REFRESH_S)


def _stub_of(channel: grpc.aio.Channel) -> "AdminServiceAsyncStub":
    return AdminServiceStub(channel)


def shown(response: api.ListBudgetsResponse) -> Group:
    """Lay budgets out for a terminal: the fullest window of all first."""
    table = Table()
    for column in ("of", "window", "use", "used", "waiting", "granted", "refused", "callers"):
        text = column in ("of", "window", "use", "callers")
        table.add_column(column, justify="left" if text else "right")
    rows = [(each, window) for each in response.budgets for window in each.windows]
    for each, window in sorted(rows, key=lambda row: -_part_of(row[1])):
        table.add_row(
            _owner(each),
            window.name,
            _bar(window),
            f"{window.used} of {window.limit}",
            str(window.waiting or ""),
            str(window.granted_count),
            str(window.refused_count or ""),
            _callers(window),
        )
    return Group(table, *_remarks(response))


def _part_of(window: budget_pb2.BudgetWindow) -> float:
    return (window.used + window.waiting) / max(1, window.limit)


def _owner(each: budget_pb2.Budget) -> str:
    return ", ".join(each.accounts) or f"address {each.address}"


def _bar(window: budget_pb2.BudgetWindow) -> str:
    if window.HasField("freeze_duration"):
        return f"[red]full for {_seconds(window.freeze_duration.ToMilliseconds())}[/]"
    length = min(_BAR_LENGTH, round(_part_of(window) * _BAR_LENGTH))
    colour = "green" if length < _BAR_LENGTH else "yellow"
    return f"[{colour}]{'█' * length}[/]{'·' * (_BAR_LENGTH - length)}"


def _callers(window: budget_pb2.BudgetWindow) -> str:
    parts = [f"{each.caller} {each.used + each.waiting}" for each in window.callers]
    more = ["..."] if len(parts) > _CALLERS_SHOWN else []
    return ", ".join([*parts[:_CALLERS_SHOWN], *more])


def _remarks(response: api.ListBudgetsResponse) -> Iterator[str]:
    if response.mode == budget_pb2.BUDGET_MODE_SHADOW:
        yield "Budgets only count: nothing waits and nothing is refused."
    for each in response.budgets:
        if each.HasField("recovery_duration"):
            left = _seconds(each.recovery_duration.ToMilliseconds())
            yield f"No order of {_owner(each)} is placed for another {left}: some may be lost."
    if response.truncated:
        yield "There are more windows; name an --account."


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.1f} s"
