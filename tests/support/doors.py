"""The two doors of the gateway behind one face: a request message in, an answer or a status out."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

import aiohttp
import grpc
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from okx_gateway.api.v1 import gateway_service_pb2 as api

_RESPONSES: dict[str, type[Message]] = {
    "PlaceOrder": api.PlaceOrderResponse,
    "CancelOrder": api.CancelOrderResponse,
    "AmendOrder": api.AmendOrderResponse,
    "GetOrder": api.GetOrderResponse,
    "GetBalance": api.GetBalanceResponse,
    "GetTicker": api.GetTickerResponse,
}
_VERBS = {"CancelOrder": "cancel", "AmendOrder": "amend"}


class RefusedError(Exception):
    """A call that ended with an error, as both doors tell it."""

    def __init__(
        self,
        status: status_pb2.Status,
        *,
        http_status: int | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(status.message)
        self.http_status = http_status
        self.code = next(each.name for each in grpc.StatusCode if each.value[0] == status.code)
        self.retry_after_s = retry_after_s
        self.reason, self.metadata, self.fields = "", dict[str, str](), set[str]()
        self.quota, self.retry_ms = "", 0
        for packed in status.details:
            info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            retry, quota = error_details_pb2.RetryInfo(), error_details_pb2.QuotaFailure()
            if packed.Unpack(info):
                self.reason = info.reason.removeprefix("ERROR_REASON_")
                self.metadata = dict(info.metadata)
            elif packed.Unpack(bad):
                self.fields = {each.field for each in bad.field_violations}
            elif packed.Unpack(retry):
                self.retry_ms = retry.retry_delay.ToMilliseconds()
            elif packed.Unpack(quota):
                self.quota = quota.violations[0].subject


class Door(Protocol):
    """One way in."""

    async def call(
        self,
        name: str,
        request: Message,
        *,
        deadline_s: float = 5.0,
        traceparent: str = "",
        caller: str = "",
    ) -> Any:
        """The answer; raises RefusedError."""

    def stream(self, instruments: list[str]) -> AsyncIterator[api.StreamTickerResponse]:
        """Events of StreamTicker; raises RefusedError."""


@dataclass
class GrpcDoor:
    channel: grpc.aio.Channel

    async def call(
        self,
        name: str,
        request: Message,
        *,
        deadline_s: float = 5.0,
        traceparent: str = "",
        caller: str = "",
    ) -> Any:
        method: Any = self.channel.unary_unary(
            f"/okx_gateway.api.v1.GatewayService/{name}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=_RESPONSES[name].FromString,
        )
        try:
            return await method(
                request,
                timeout=deadline_s,
                metadata=list(_headers(traceparent, caller).items()),
            )
        except grpc.aio.AioRpcError as error:
            status = rpc_status.from_call(error)
            if status is None:
                raise
            raise RefusedError(status) from None

    async def stream(self, instruments: list[str]) -> AsyncIterator[api.StreamTickerResponse]:
        method: Any = self.channel.unary_stream(
            "/okx_gateway.api.v1.GatewayService/StreamTicker",
            request_serializer=api.StreamTickerRequest.SerializeToString,
            response_deserializer=api.StreamTickerResponse.FromString,
        )
        call = method(api.StreamTickerRequest(instruments=instruments))
        try:
            async for event in call:
                yield event
        except grpc.aio.AioRpcError as error:
            status = rpc_status.from_call(error)
            if status is None:
                raise
            raise RefusedError(status) from None
        finally:
            call.cancel()


@dataclass
class RestDoor:
    session: aiohttp.ClientSession

    async def call(
        self,
        name: str,
        request: Message,
        *,
        deadline_s: float = 5.0,
        traceparent: str = "",
        caller: str = "",
    ) -> Any:
        document = json_format.MessageToDict(request)
        account = document.pop("account", "")
        orders = f"/v1/accounts/{account}/orders"
        method, path = ("POST", orders) if name == "PlaceOrder" else ("GET", "")
        if name == "GetBalance":
            path = f"/v1/accounts/{account}/balance"
        elif name != "PlaceOrder":
            path = f"{orders}/{document.pop('clientOrderId', '')}"
            if "exchangeOrderId" in document:
                path = f"/v1/accounts/{account}/exchangeOrders/{document.pop('exchangeOrderId')}"
        if name in _VERBS:
            method, path = "POST", f"{path}:{_VERBS[name]}"
        elif method == "GET":
            path = f"{path}?{urlencode(document, doseq=True)}"
        headers = _headers(traceparent, caller)
        headers["x-deadline-ms"] = str(int(deadline_s * 1000))
        body = json.dumps(document) if method == "POST" else None
        if body is not None:
            headers["content-type"] = "application/json"
        async with self.session.request(method, path, data=body, headers=headers) as response:
            answer = await response.json()
            if response.status == 200:
                return json_format.ParseDict(answer, _RESPONSES[name]())
            raise _refused(answer, response)

    async def stream(self, instruments: list[str]) -> AsyncIterator[api.StreamTickerResponse]:
        query = urlencode({"instruments": instruments}, doseq=True)
        async with self.session.get(f"/v1/tickers:stream?{query}") as response:
            if response.status != 200:
                raise _refused(await response.json(), response)
            async for line in response.content:
                if line.startswith(b"data: "):
                    yield json_format.Parse(line[6:], api.StreamTickerResponse())


def _headers(traceparent: str, caller: str) -> dict[str, str]:
    headers = {"traceparent": traceparent, "x-caller": caller}
    return {name: value for name, value in headers.items() if value}


def _refused(answer: dict[str, Any], response: aiohttp.ClientResponse) -> RefusedError:
    retry = response.headers.get("retry-after")
    status = json_format.ParseDict(answer, status_pb2.Status())
    return RefusedError(
        status, http_status=response.status, retry_after_s=int(retry) if retry else None
    )
