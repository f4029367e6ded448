"""What does the edge know of a call besides its message?  Pure."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message

from okx_gateway.access.policy import OrderLimits
from okx_gateway.domain.deadline import Deadline
from okx_gateway.edge.rest.message_json import json_of_message


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the RPC's name, who says to call, and until when the answer is of use.

    The deadline is None for a stream that its caller did not bound. `account` is the one that the
    call was permitted for, empty before that and where it is about none; `limits` hold there.
    """

    method: str
    caller: str
    deadline: Deadline | None
    account: str = ""
    limits: OrderLimits | None = None


class StreamEvent:
    """One message of a stream, encoded at most once for all who are told it; nobody changes it."""

    __slots__ = ("_json", "_proto", "message")

    def __init__(self, message: Message) -> None:
        self.message = message
        self._proto: bytes | None = None
        self._json: bytes | None = None

    @property
    def proto(self) -> bytes:
        """The message as protobuf writes it."""
        if self._proto is None:
            self._proto = self.message.SerializeToString()
        return self._proto

    @property
    def json(self) -> bytes:
        """The message as JSON in UTF-8."""
        if self._json is None:
            self._json = json_of_message(self.message)
        return self._json


UnaryCall = Callable[[Any, Call], Awaitable[Message]]
StreamCall = Callable[[Any, Call], AsyncGenerator[StreamEvent, None]]


class RpcCalls(Protocol):
    """The calls of a service by RPC name; both gRPC and REST answer from these.

    A call raises a GatewayError, never anything else that a caller could have caused.
    """

    @property
    def descriptor(self) -> ServiceDescriptor:
        """The service, as its proto file has it."""

    @property
    def unary(self) -> Mapping[str, UnaryCall]:
        """Calls with one answer."""

    @property
    def stream(self) -> Mapping[str, StreamCall]:
        """Calls that answer with a stream."""
