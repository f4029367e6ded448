"""How does the command line call a gateway?  Touches the network through grpc.aio."""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click
import grpc
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from okx_gateway.api.v1.gateway_service_pb2_grpc import GatewayServiceStub
from okx_gateway.cli.channel import ChannelOptions, channel_options
from okx_gateway.domain.errors import InvalidRequestError
from okx_gateway.edge.caller import HEADER, caller_name

if TYPE_CHECKING:
    from grpc.aio import UnaryUnaryMultiCallable

    from okx_gateway.api.v1.gateway_service_pb2_grpc import GatewayServiceAsyncStub

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")
_EXIT_REFUSED = 1
_DEFAULT_TARGET = "127.0.0.1:50051"


def _caller(_: click.Context, __: click.Parameter, given: str) -> str:
    try:
        return caller_name([(HEADER, given)]) if given else ""
    except InvalidRequestError as error:
        raise click.BadParameter(error.violations[0].description) from None


target_option = click.option(
    "--gateway",
    "target",
    default=lambda: os.environ.get("OKX_GATEWAY_TARGET", _DEFAULT_TARGET),
    show_default=f"OKX_GATEWAY_TARGET or {_DEFAULT_TARGET}",
    metavar="HOST:PORT",
    help="Where the gateway serves gRPC.",
)
_caller_option = click.option(
    "--caller",
    default="",
    callback=_caller,
    metavar="NAME",
    help="Name to call under. An order's id belongs to the name that used it first.",
)
_deadline_option = click.option(
    "--deadline",
    "deadline_s",
    type=click.FloatRange(0.05, 60),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the answer.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")


def stub_of(channel: grpc.aio.Channel) -> "GatewayServiceAsyncStub":
    """The calls of GatewayService over `channel`."""
    return GatewayServiceStub(channel)


@dataclass(frozen=True, slots=True)
class Remote:
    """A gateway, by what name to call it, and how long to wait for its answer."""

    target: str
    channel: ChannelOptions
    caller: str
    deadline_s: float

    def ask(
        self,
        choose: "Callable[[GatewayServiceAsyncStub], UnaryUnaryMultiCallable[_Request, _Response]]",
        request: _Request,
    ) -> _Response:
        """Make the call that `choose` picks; an error ends the program, told to a person."""
        try:
            return asyncio.run(self._ask(choose, request))
        except grpc.aio.AioRpcError as error:
            raise CallFailed(error, self.target) from None

    async def _ask(
        self,
        choose: "Callable[[GatewayServiceAsyncStub], UnaryUnaryMultiCallable[_Request, _Response]]",
        request: _Request,
    ) -> _Response:
        named = [(HEADER, self.caller)] if self.caller else []
        metadata = [*named, *self.channel.metadata()]
        async with self.channel.open(self.target) as channel:
            call = choose(stub_of(channel))
            return await call(request, timeout=self.deadline_s, metadata=metadata)


def remote_options(command: Callable[..., None]) -> Callable[..., None]:
    """Options that say which gateway to ask and how; `command` gets them as `remote`."""

    @target_option
    @channel_options
    @_caller_option
    @_deadline_option
    @wraps(command)
    def with_remote(
        *, target: str, channel: ChannelOptions, caller: str, deadline_s: float, **given: Any
    ) -> None:
        command(remote=Remote(target, channel, caller, deadline_s), **given)

    return with_remote


class CallFailed(click.ClickException):
    """A call that ended with an error, and everything the gateway said of it."""

    exit_code = _EXIT_REFUSED

    def __init__(self, error: grpc.aio.AioRpcError, target: str) -> None:
        super().__init__("\n".join(describe(error, target)))


def describe(error: grpc.aio.AioRpcError, target: str) -> list[str]:
    """Tell an error in lines: code and message, the reason, then every detail."""
    status = rpc_status.from_call(error)
    if status is None:
        hint = " (is a gateway running there?)" if _unreachable(error) else ""
        return [f"{error.code().name} from {target}: {error.details()}{hint}"]
    lines = [f"{error.code().name}: {status.message}"]
    for packed in status.details:
        info = error_details_pb2.ErrorInfo()
        bad_request = error_details_pb2.BadRequest()
        retry = error_details_pb2.RetryInfo()
        if packed.Unpack(info):
            lines.append(f"  reason: {info.reason}")
            lines.extend(f"  {key}: {value}" for key, value in sorted(info.metadata.items()))
        elif packed.Unpack(bad_request):
            lines.extend(
                f"  {each.field}: {each.description}" for each in bad_request.field_violations
            )
        elif packed.Unpack(retry):
            lines.append(f"  retry after: {retry.retry_delay.ToMilliseconds()} ms")
    return lines


def _unreachable(error: grpc.aio.AioRpcError) -> bool:
    return error.code() is grpc.StatusCode.UNAVAILABLE


def echo(message: Message, *, as_json: bool, rows: Mapping[str, str]) -> None:
    """Print an answer: as JSON, or as the named rows that are not empty."""
    if as_json:
        click.echo(json_format.MessageToJson(message))
        return
    width = max(map(len, rows))
    for name, value in rows.items():
        if value:
            click.echo(f"{name:<{width}}  {value}")
