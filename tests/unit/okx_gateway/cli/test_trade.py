"""A real server of scripted answers, and the commands that call it over a real channel."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import click
import grpc
import pytest
from click.testing import CliRunner, Result
from google.protobuf.message import Message
from grpc_status import rpc_status

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from okx_gateway.cli.trade import amend, balance, cancel, order
from okx_gateway.domain.errors import GatewayError, OrderOutcomeUnknownError
from okx_gateway.edge.status import status_of
from tests.fakes.messages import SERVICE

MOMENT_S = 1_700_000_000
MOMENT = "2023-11-14T22:13:20Z"
KINDS: dict[str, type[Message]] = {
    "PlaceOrder": api.PlaceOrderRequest,
    "CancelOrder": api.CancelOrderRequest,
    "AmendOrder": api.AmendOrderRequest,
    "GetBalance": api.GetBalanceRequest,
}


class Gateway:
    """Answers every call with `answer`; what came stands in `requests` and `waits_s`."""

    def __init__(self) -> None:
        self.target = ""
        self.answer: Message | GatewayError = api.PlaceOrderResponse()
        self.requests: list[Any] = []
        self.waits_s: list[float] = []

    async def take(
        self, request: Message, context: grpc.aio.ServicerContext[Message, Message]
    ) -> Message:
        self.requests.append(request)
        self.waits_s.append(context.time_remaining())
        if isinstance(self.answer, GatewayError):
            await context.abort_with_status(rpc_status.to_status(status_of(self.answer).proto))
        assert isinstance(self.answer, Message)
        return self.answer

    async def run(self, command: click.Command, *arguments: str) -> Result:
        """Run the command in a thread, since it runs a loop of its own."""
        given = [*arguments, "--gateway", self.target]
        runner = CliRunner(env={"COLUMNS": "120"})
        return await asyncio.to_thread(runner.invoke, command, given)


def encoded(answer: Message) -> bytes:
    return answer.SerializeToString()


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    scripted = Gateway()
    calls = {
        name: grpc.unary_unary_rpc_method_handler(
            scripted.take,
            request_deserializer=kind.FromString,
            response_serializer=encoded,
        )
        for name, kind in KINDS.items()
    }
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, calls),))
    scripted.target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield scripted
    await server.stop(None)


def placed(*, replayed: bool = False) -> api.PlaceOrderResponse:
    response = api.PlaceOrderResponse(
        outcome=order_pb2.ORDER_OUTCOME_PLACED, exchange_order_id="7001", replayed=replayed
    )
    response.place_time.FromSeconds(MOMENT_S)
    return response


async def test_with_a_price_it_is_a_limit_order(gateway: Gateway) -> None:
    gateway.answer = placed()
    given = ("sell", "0.5", "ETH-USDT", "--price", "3000.1", "--time-in-force", "post-only")
    result = await gateway.run(order, *given, "--id", "a1", "--account", "desk-7")
    assert result.exit_code == 0
    assert gateway.requests == [
        api.PlaceOrderRequest(
            account="desk-7",
            client_order_id="a1",
            instrument="ETH-USDT",
            side=order_pb2.SIDE_SELL,
            trade_mode=order_pb2.TRADE_MODE_CASH,
            quantity="0.5",
            limit=order_pb2.LimitOrder(
                price="3000.1", time_in_force=order_pb2.TIME_IN_FORCE_POST_ONLY
            ),
        )
    ]


async def test_without_a_price_it_is_a_market_order(gateway: Gateway) -> None:
    given = ("buy", "50", "BTC-USDT", "--unit", "quote", "--trade-mode", "cross", "--id", "a2")
    await gateway.run(order, *given)
    assert gateway.requests == [
        api.PlaceOrderRequest(
            account="main",
            client_order_id="a2",
            instrument="BTC-USDT",
            side=order_pb2.SIDE_BUY,
            trade_mode=order_pb2.TRADE_MODE_CROSS,
            quantity="50",
            market=order_pb2.MarketOrder(target_currency=order_pb2.TARGET_CURRENCY_QUOTE),
        )
    ]


async def test_a_market_order_without_a_unit_leaves_it_open(gateway: Gateway) -> None:
    await gateway.run(order, "buy", "1", "BTC-USDT")
    (request,) = gateway.requests
    assert request.HasField("market")
    assert request.market == order_pb2.MarketOrder()


@pytest.mark.parametrize(("word", "number"), [("gtc", 1), ("post-only", 2), ("fok", 3), ("ioc", 4)])
async def test_the_words_for_how_long_an_order_stands(
    gateway: Gateway, word: str, number: int
) -> None:
    await gateway.run(order, "buy", "1", "BTC-USDT", "--price", "1", "--time-in-force", word)
    assert gateway.requests[0].limit.time_in_force == number


async def test_a_placed_order_is_told_in_rows(gateway: Gateway) -> None:
    gateway.answer = placed()
    result = await gateway.run(order, "buy", "1", "BTC-USDT", "--id", "a1")
    assert result.stderr == "client order id  a1\n"
    assert result.stdout.splitlines() == [
        "outcome            ORDER_OUTCOME_PLACED",
        "exchange order id  7001",
        f"placed at          {MOMENT}",
    ]


async def test_a_replay_says_that_nothing_was_sent(gateway: Gateway) -> None:
    gateway.answer = placed(replayed=True)
    result = await gateway.run(order, "buy", "1", "BTC-USDT", "--id", "a1")
    assert result.stdout.splitlines()[-1] == "replayed           yes, nothing was sent"


async def test_json_stands_alone_on_the_output(gateway: Gateway) -> None:
    gateway.answer = placed()
    result = await gateway.run(order, "buy", "1", "BTC-USDT", "--id", "a1", "--json")
    assert json.loads(result.stdout) == {
        "outcome": "ORDER_OUTCOME_PLACED",
        "exchangeOrderId": "7001",
        "placeTime": MOMENT,
    }


async def test_each_order_without_an_id_gets_a_new_one_that_can_be_given_again(
    gateway: Gateway,
) -> None:
    gateway.answer = OrderOutcomeUnknownError("x")
    results = [await gateway.run(order, "buy", "1", "BTC-USDT") for _ in range(2)]
    ids = [request.client_order_id for request in gateway.requests]
    assert len(set(ids)) == 2
    assert all(each.isalnum() and len(each) == 32 for each in ids)
    for result, each in zip(results, ids, strict=True):
        assert result.exit_code == 1
        first, second, third, *_ = result.stderr.splitlines()
        assert first == f"client order id  {each}"
        assert second.startswith("Error: UNKNOWN: OKX may or may not have order")
        assert third == "  reason: ERROR_REASON_ORDER_OUTCOME_UNKNOWN"


@pytest.mark.parametrize(
    "arguments",
    [
        ("hold", "1", "BTC-USDT"),
        ("buy", "1"),
        ("buy", "1", "BTC-USDT", "--price", "1", "--time-in-force", "forever"),
        ("buy", "1", "BTC-USDT", "--unit", "lots"),
        ("buy", "1", "BTC-USDT", "--time-in-force", "fok"),
        ("buy", "1", "BTC-USDT", "--price", "1", "--unit", "quote"),
        ("buy", "1", "BTC-USDT", "--trade-mode", "credit"),
    ],
)
async def test_a_slip_in_an_order_sends_nothing(
    gateway: Gateway, arguments: tuple[str, ...]
) -> None:
    result = await gateway.run(order, *arguments)
    assert result.exit_code == 2
    assert gateway.requests == []


@pytest.mark.parametrize(
    ("arguments", "request_"),
    [
        (("a1",), api.CancelOrderRequest(account="main", client_order_id="a1")),
        (
            ("--exchange-id", "7001", "--instrument", "BTC-USDT", "--account", "desk-7"),
            api.CancelOrderRequest(
                account="desk-7", exchange_order_id="7001", instrument="BTC-USDT"
            ),
        ),
    ],
)
async def test_an_order_is_cancelled_by_either_id(
    gateway: Gateway, arguments: tuple[str, ...], request_: api.CancelOrderRequest
) -> None:
    answer = api.CancelOrderResponse(outcome=api.CANCEL_OUTCOME_CANCELLED, exchange_order_id="7001")
    answer.update_time.FromSeconds(MOMENT_S)
    gateway.answer = answer
    result = await gateway.run(cancel, *arguments)
    assert gateway.requests == [request_]
    assert result.stdout.splitlines() == [
        "outcome            CANCEL_OUTCOME_CANCELLED",
        "exchange order id  7001",
        f"at                 {MOMENT}",
    ]


@pytest.mark.parametrize("arguments", [(), ("a1", "--exchange-id", "7001")])
async def test_a_cancel_without_one_clear_id_sends_nothing(
    gateway: Gateway, arguments: tuple[str, ...]
) -> None:
    result = await gateway.run(cancel, *arguments)
    assert result.exit_code == 2
    assert "give either CLIENT_ORDER_ID or --exchange-id" in result.stderr
    assert gateway.requests == []


@pytest.mark.parametrize(
    ("arguments", "request_"),
    [
        (
            ("a1", "--price", "30000.2"),
            api.AmendOrderRequest(account="main", client_order_id="a1", new_price="30000.2"),
        ),
        (
            ("--exchange-id", "7001", "--instrument", "BTC-USDT", "--quantity", "2"),
            api.AmendOrderRequest(
                account="main", exchange_order_id="7001", instrument="BTC-USDT", new_quantity="2"
            ),
        ),
    ],
)
async def test_an_order_is_amended_by_either_id(
    gateway: Gateway, arguments: tuple[str, ...], request_: api.AmendOrderRequest
) -> None:
    answer = api.AmendOrderResponse(outcome=api.AMEND_OUTCOME_AMENDING, exchange_order_id="7001")
    answer.update_time.FromSeconds(MOMENT_S)
    gateway.answer = answer
    result = await gateway.run(amend, *arguments)
    assert gateway.requests == [request_]
    assert result.stdout.splitlines() == [
        "outcome            AMEND_OUTCOME_AMENDING",
        "exchange order id  7001",
        f"at                 {MOMENT}",
    ]


@pytest.mark.parametrize(
    "arguments", [("a1",), ("--price", "1"), ("a1", "--exchange-id", "7", "--price", "1")]
)
async def test_an_amend_that_is_not_clear_sends_nothing(
    gateway: Gateway, arguments: tuple[str, ...]
) -> None:
    result = await gateway.run(amend, *arguments)
    assert result.exit_code == 2
    assert gateway.requests == []


def a_balance() -> api.GetBalanceResponse:
    response = api.GetBalanceResponse()
    response.balance.total_equity_usd = "60100.5"
    response.balance.currencies.add(
        currency="BTC", available="0.9", frozen="0.1", equity="1", equity_usd="60000"
    )
    response.balance.currencies.add(currency="USDT", available="100.5", equity="100.5")
    response.age.FromMilliseconds(1_250)
    return response


def cells_of(row: str) -> list[str]:
    return [cell.strip() for cell in re.split("[│┃]", row)[1:-1]]


async def test_a_balance_is_told_as_a_table(gateway: Gateway) -> None:
    gateway.answer = a_balance()
    result = await gateway.run(balance, "BTC", "USDT", "--account", "desk-7")
    assert gateway.requests == [api.GetBalanceRequest(account="desk-7", currencies=["BTC", "USDT"])]
    title, _, heading, _, first, second, _ = result.stdout.splitlines()
    assert title.strip() == "total 60100.5 USD, 1250 ms old"
    assert cells_of(heading) == ["currency", "available", "frozen", "equity", "in USD"]
    assert cells_of(first) == ["BTC", "0.9", "0.1", "1", "60000"]
    assert cells_of(second) == ["USDT", "100.5", "", "100.5", ""]


async def test_a_balance_is_told_as_json(gateway: Gateway) -> None:
    gateway.answer = a_balance()
    told = json.loads((await gateway.run(balance, "--json")).stdout)
    assert told["age"] == "1.250s"
    assert [each["currency"] for each in told["balance"]["currencies"]] == ["BTC", "USDT"]


@pytest.mark.parametrize(
    ("command", "arguments"),
    [(order, ("buy", "1", "BTC-USDT")), (cancel, ("a1",)), (balance, ())],
    ids=["order", "cancel", "balance"],
)
async def test_the_gateway_learns_the_deadline(
    gateway: Gateway, command: click.Command, arguments: tuple[str, ...]
) -> None:
    await gateway.run(command, *arguments, "--deadline", "20")
    await gateway.run(command, *arguments)
    long_s, short_s = gateway.waits_s
    assert 10 < long_s < 21  # gRPC rounds it up
    assert 0 < short_s < 6
