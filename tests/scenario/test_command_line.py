"""The commands as people run them, each a process of its own, against a gateway that serves."""

import asyncio
import json
import os
import re
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import click
import pytest
from click.testing import CliRunner

from okx_gateway.cli.main import cli
from tests.support.running import Exchange, Gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")

_WAIT_S = 20.0


@dataclass(frozen=True)
class Ran:
    code: int
    output: str
    errors: str

    def row(self, name: str) -> str:
        """What stands behind `name` in the rows that were printed."""
        found = re.search(rf"^{name} {{2,}}(.*)$", self.output, re.MULTILINE)
        assert found, self
        return found[1]


async def ran(*arguments: str, target: str = "") -> Ran:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "okx_gateway", *arguments),
        env={**os.environ, "OKX_GATEWAY_TARGET": target, "COLUMNS": "160", "NO_COLOR": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_WAIT_S):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ran(process.returncode, output.decode(), errors.decode())


async def test_an_order_is_placed_replayed_and_cancelled(
    gateway: Gateway, exchange: Exchange
) -> None:
    name = uuid.uuid4().hex
    order = ("order", "buy", "0.001", "BTC-USDT", "--price", "90000", "--id", name)
    first = await ran(*order, target=gateway.grpc)
    assert (first.code, first.errors) == (0, f"client order id  {name}\n")
    assert first.row("outcome") == "ORDER_OUTCOME_PLACED"
    assert "replayed" not in first.output
    again = await ran(*order, target=gateway.grpc)
    assert again.code == 0
    assert again.row("exchange order id") == first.row("exchange order id")
    assert again.row("replayed") == "yes, nothing was sent"
    [held] = [each for each in await exchange.orders() if each["clOrdId"] == name]
    assert (held["ordId"], held["sz"], held["px"], held["state"]) == (
        first.row("exchange order id"),
        "0.001",
        "90000",
        "live",
    )
    cancelled = await ran("cancel", name, target=gateway.grpc)
    assert (cancelled.code, cancelled.row("outcome")) == (0, "CANCEL_OUTCOME_CANCELLING")
    [held] = [each for each in await exchange.orders() if each["clOrdId"] == name]
    assert held["state"] == "canceled"


async def test_a_market_order_is_told_as_json_under_an_id_that_was_made(
    gateway: Gateway, exchange: Exchange
) -> None:
    placed = await ran(
        *("order", "buy", "50", "BTC-USDT", "--unit", "quote", "--json"), target=gateway.grpc
    )
    assert placed.code == 0
    answer = json.loads(placed.output)
    [held] = [e for e in await exchange.orders() if e["ordId"] == answer["exchangeOrderId"]]
    assert (held["clOrdId"], held["state"]) == (answer["clientOrderId"], "filled")
    assert f"client order id  {held['clOrdId']}\n" == placed.errors


async def test_an_order_is_cancelled_by_the_id_of_the_exchange(gateway: Gateway) -> None:
    order = ("order", "buy", "0.01", "ETH-USDT", "--price", "3000", "--time-in-force", "post-only")
    placed = await ran(*order, target=gateway.grpc)
    assert placed.code == 0
    which = ("--exchange-id", placed.row("exchange order id"), "--instrument", "ETH-USDT")
    cancelled = await ran("cancel", *which, "--json", target=gateway.grpc)
    assert cancelled.code == 0
    assert json.loads(cancelled.output)["outcome"] == "CANCEL_OUTCOME_CANCELLING"


async def test_a_balance_is_shown_of_all_currencies_or_of_those_named(gateway: Gateway) -> None:
    every, named = await asyncio.gather(
        ran("balance", target=gateway.grpc),
        ran("balance", "SOL", "--json", target=gateway.grpc),
    )
    assert (every.code, named.code) == (0, 0)
    assert all(currency in every.output for currency in ("USDT", "BTC", "ETH", "SOL"))
    assert re.match(r"total [\d.]+ USD, \d+ ms old *\n", every.output)
    [sol] = json.loads(named.output)["balance"]["currencies"]
    assert sol["currency"] == "SOL"
    assert Decimal(sol["available"]) > 0


async def test_tickers_are_watched_for_as_long_as_is_said(gateway: Gateway) -> None:
    watched = await ran("ticker", "BTC-USDT", "ETH-USDT", "--for", "2", target=gateway.grpc)
    assert (watched.code, watched.errors) == (0, "")
    for instrument in ("BTC-USDT", "ETH-USDT"):
        [last] = re.findall(rf"{instrument} +│ +([\d.]+) ", watched.output)[-1:]
        assert Decimal(last) > 0
    assert "waiting" not in watched.output.rpartition("instrument")[2]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (
            ("order", "buy", "0.000000001", "BTC-USDT", "--price", "90000"),
            1,
            ["INVALID_ARGUMENT", "reason: ERROR_REASON_INVALID_REQUEST", "quantity: must be"],
        ),
        (
            ("order", "sell", "5", "OKB-USDT"),
            1,
            ["FAILED_PRECONDITION", "reason: ERROR_REASON_ORDER_REFUSED", "okxCode: 51008"],
        ),
        (("balance", "--account", "nobody"), 1, ["NOT_FOUND", "ERROR_REASON_ACCOUNT_UNKNOWN"]),
        (("cancel", "unused"), 1, ["NOT_FOUND", "ERROR_REASON_ORDER_NOT_FOUND"]),
        (
            ("ticker", "NOT-LISTED", "--for", "2"),
            1,
            ["INVALID_ARGUMENT", "instruments[0]: is not listed at OKX"],
        ),
        (("order", "hold", "1", "BTC-USDT"), 2, ["Usage:", "'hold' is not one of"]),
        (("cancel",), 2, ["give either CLIENT_ORDER_ID or --exchange-id"]),
        (("ticker",), 2, ["Missing argument 'INSTRUMENTS...'"]),
        (("balance", "--gateway", "127.0.0.1:1"), 1, ["is a gateway running there?"]),
    ],
)
async def test_what_fails_is_told_by_exit_code_and_on_stderr(
    arguments: tuple[str, ...], code: int, told: list[str], gateway: Gateway
) -> None:
    failed = await ran(*arguments, target=gateway.grpc)
    assert failed.code == code, failed
    assert [each for each in told if each not in failed.errors] == [], failed
    assert "Traceback" not in failed.errors


def commands(group: click.Group, *names: str) -> Iterator[tuple[str, ...]]:
    """The words that lead to each command and group of commands, the outermost first."""
    yield names
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *names, name)
        else:
            yield (*names, name)


async def test_every_command_explains_itself() -> None:
    every = list(commands(cli))
    assert {(), ("order",), ("serve",), ("vault", "add"), ("config", "check")} <= set(every)
    for words in every:
        explained = CliRunner().invoke(cli, [*words, "--help"], prog_name="okx-gateway")
        assert (explained.exit_code, explained.stderr) == (0, ""), words
        usage, _, rest = explained.stdout.partition("\n\n")
        assert usage.startswith(" ".join(["Usage: okx-gateway", *words]))
        sentence, _, options = rest.partition("Options:")
        assert sentence.strip(), f"{words} does not say what it does"
        assert "--help" in options


async def test_the_program_lists_its_commands() -> None:
    listed = await ran("--help")
    assert (listed.code, listed.errors) == (0, "")
    _, _, table = listed.output.partition("Commands:\n")
    assert set(re.findall(r"^  (\S+)  ", table, re.MULTILINE)) == set(cli.commands)
