"""A real server of scripted answers, and commands that call it over a real channel."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping

import click
import grpc
import pytest
from click.testing import CliRunner, Result
from grpc_status import rpc_status

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.cli.gateway_client import Remote, echo, json_option, remote_options
from okx_gateway.domain import errors
from okx_gateway.domain.errors import GatewayError, Violation
from okx_gateway.edge.caller import UNNAMED, caller_name
from okx_gateway.edge.status import status_of
from tests.fakes.errors import EVERY_ERROR
from tests.fakes.messages import SERVICE

Context = grpc.aio.ServicerContext[api.GetBalanceRequest, api.GetBalanceResponse]


class Scripted:
    """Answers as the account is named; an error has the details that a gateway sends."""

    def __init__(self) -> None:
        self.failure: GatewayError | None = None
        self.callers: list[str] = []

    async def balance(
        self, request: api.GetBalanceRequest, context: Context
    ) -> api.GetBalanceResponse:
        self.callers.append(caller_name(context.invocation_metadata() or ()))
        if self.failure is not None:
            await context.abort_with_status(rpc_status.to_status(status_of(self.failure).proto))
        if request.account == "bare":
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "not from here")
        if request.account == "slow":
            await asyncio.sleep(30)
        response = api.GetBalanceResponse()
        response.balance.total_equity_usd = "12.5"
        return response


class Gateway:
    def __init__(self, target: str, scripted: Scripted) -> None:
        self.target = target
        self.scripted = scripted

    async def run(self, *arguments: str, environ: Mapping[str, str] | None = None) -> Result:
        """Run the command in a thread, since it runs a loop of its own."""
        return await asyncio.to_thread(CliRunner().invoke, command, arguments, env=environ)

    async def ask(self, account: str = "main", *options: str) -> Result:
        return await self.run(account, "--gateway", self.target, *options)


@click.command()
@click.argument("account")
@remote_options
@json_option
def command(*, account: str, remote: Remote, as_json: bool) -> None:
    request = api.GetBalanceRequest(account=account)
    response = remote.ask(lambda gateway: gateway.GetBalance, request)
    rows = {"total": response.balance.total_equity_usd, "age": "", "account": account}
    echo(response, as_json=as_json, rows=rows)


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    server = grpc.aio.server()
    scripted = Scripted()
    calls = {
        "GetBalance": grpc.unary_unary_rpc_method_handler(
            scripted.balance,
            request_deserializer=api.GetBalanceRequest.FromString,
            response_serializer=api.GetBalanceResponse.SerializeToString,
        )
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, calls),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield Gateway(f"127.0.0.1:{port}", scripted)
    await server.stop(None)


async def test_an_answer_is_told_in_aligned_rows_without_empty_ones(gateway: Gateway) -> None:
    result = await gateway.ask()
    assert result.exit_code == 0
    assert result.stdout == "total    12.5\naccount  main\n"


async def test_an_answer_is_told_as_json(gateway: Gateway) -> None:
    result = await gateway.ask("main", "--json")
    assert json.loads(result.stdout) == {"balance": {"totalEquityUsd": "12.5"}}


async def test_the_target_can_stand_in_the_environment(gateway: Gateway) -> None:
    result = await gateway.run("main", environ={"OKX_GATEWAY_TARGET": gateway.target})
    assert result.exit_code == 0


async def test_a_name_to_call_under_goes_with_the_call(gateway: Gateway) -> None:
    await gateway.ask("main", "--caller", "desk-7")
    await gateway.ask()
    assert gateway.scripted.callers == ["desk-7", UNNAMED]


@pytest.mark.parametrize("caller", ["Desk", "desk 7", "d\u00e9sk", "d\n"])
async def test_a_name_that_is_none_is_not_sent(gateway: Gateway, caller: str) -> None:
    result = await gateway.ask("main", "--caller", caller)
    assert result.exit_code == 2
    assert "--caller" in result.stderr
    assert gateway.scripted.callers == []


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: type(error).__name__)
async def test_every_error_is_told_with_its_reason_and_facts(
    gateway: Gateway, error: GatewayError
) -> None:
    gateway.scripted.failure = error
    result = await gateway.ask("main", "--json")
    assert result.exit_code == 1
    assert result.stdout == ""
    status = status_of(error)
    lines = result.stderr.splitlines()
    assert lines[:2] == [
        f"Error: {status.grpc_code.name}: {error.message}",
        f"  reason: {status.reason}",
    ]
    assert {f"  {key}: {value}" for key, value in error.metadata.items()} <= set(lines)


async def test_everything_wrong_with_a_request_is_told_field_by_field(gateway: Gateway) -> None:
    gateway.scripted.failure = errors.InvalidRequestError(
        [
            Violation("limit.price", "must be a multiple of 0.1", "0.15"),
            Violation("quantity", "is required"),
        ]
    )
    result = await gateway.ask()
    assert result.stderr.splitlines()[3:] == [
        "  limit.price: must be a multiple of 0.1, not '0.15'",
        "  quantity: is required",
    ]


async def test_people_learn_when_to_try_again(gateway: Gateway) -> None:
    gateway.scripted.failure = errors.BudgetExhaustedError("place_order:BTC-USDT", 1_200)
    result = await gateway.ask()
    assert result.stderr.splitlines()[-1] == "  retry after: 1200 ms"


async def test_an_error_without_details_is_told_with_where_it_came_from(gateway: Gateway) -> None:
    result = await gateway.ask("bare")
    assert result.exit_code == 1
    assert result.stderr == f"Error: PERMISSION_DENIED from {gateway.target}: not from here\n"


async def test_an_answer_is_waited_for_no_longer_than_the_deadline(gateway: Gateway) -> None:
    result = await asyncio.wait_for(gateway.ask("slow", "--deadline", "0.1"), 10)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: DEADLINE_EXCEEDED from {gateway.target}: ")


@pytest.mark.parametrize("deadline", ["0", "61", "soon"])
async def test_a_deadline_without_sense_is_not_taken(gateway: Gateway, deadline: str) -> None:
    result = await gateway.ask("main", "--deadline", deadline)
    assert result.exit_code == 2
    assert "--deadline" in result.stderr


def test_where_no_gateway_runs_people_are_asked_whether_one_does() -> None:
    with socket.socket() as taken:  # bound and not listening: nobody else can serve there
        taken.bind(("127.0.0.1", 0))
        target = f"127.0.0.1:{taken.getsockname()[1]}"
        result = CliRunner().invoke(command, ["main", "--gateway", target])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: UNAVAILABLE from {target}: ")
    assert result.stderr.endswith(" (is a gateway running there?)\n")
