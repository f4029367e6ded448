"""How does a request that places or changes orders get to OKX, once, and what is then known?

Over the account's WebSocket where one takes it, or else over REST. Both are answered in the same
shape, and judged alike.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from okx_gateway import metric
from okx_gateway.domain.instrument import Instrument
from okx_gateway.domain.order import Placed, Refused
from okx_gateway.okx import order_codec
from okx_gateway.okx.amend_verdict import AmendTaken, AmendVerdict
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.last_write import LastWrite
from okx_gateway.okx.order_operation import operation_arguments
from okx_gateway.okx.order_sockets import OrderSocket, OrderSockets
from okx_gateway.okx.reply import RawReply
from okx_gateway.okx.rest_client import ReplyLostError, RequestNotSentError
from okx_gateway.okx.signed_requests import SignedRequests
from okx_gateway.okx.verdict import (
    CancelVerdict,
    InDoubt,
    PlaceVerdict,
    TurnedAway,
    Unsent,
)
from okx_gateway.trace_step import annotate, step

_TIMEOUT_S = 3.0
_V = TypeVar("_V", bound=PlaceVerdict | AmendVerdict | CancelVerdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """A request about `orders` of one account on one instrument, each with OKX's parameters.

    OKX drops it after `expiry_ms` of its clock, where it heeds that, and it is not written after
    `write_before_s` of our monotonic clock.
    """

    endpoint: Endpoint
    account: str
    instrument: Instrument
    orders: Sequence[Mapping[str, Any]]
    expiry_ms: int | None = None
    write_before_s: float | None = None


class OrderWriter:
    """Writes requests; without `sockets` over REST alone."""

    def __init__(
        self, requests: SignedRequests, clock: ExchangeClock, sockets: OrderSockets | None
    ) -> None:
        self._requests = requests
        self._clock = clock
        self._sockets = sockets
        self.last_write = LastWrite()

    async def write(
        self, request: OrderRequest, judge: Callable[[RawReply], Sequence[_V]]
    ) -> list[_V | Unsent | TurnedAway | InDoubt]:
        """Write `request` once; one verdict for each order, by `judge` where OKX answers."""
        sent_ms = self._clock.earliest_ms()
        verdicts = await self._written(request, judge)
        for each in verdicts:
            self.last_write.note(request.account, each, sent_ms=sent_ms)
        return verdicts

    async def _written(
        self, request: OrderRequest, judge: Callable[[RawReply], Sequence[_V]]
    ) -> list[_V | Unsent | TurnedAway | InDoubt]:
        over_socket = None
        try:
            over_socket = await self._over_socket(request)
            raw = over_socket or await self._over_rest(request)
        except RequestNotSentError as error:
            return [Unsent(str(error), late=error.late)] * len(request.orders)
        except ReplyLostError as error:
            return [InDoubt(str(error))] * len(request.orders)
        verdicts = judge(raw)
        for each in verdicts:
            self._learn(raw, each)
        if over_socket is None:
            return list(verdicts)
        return [self._unless_turned_away(request, each) for each in verdicts]

    async def _over_socket(self, request: OrderRequest) -> RawReply | None:
        """What OKX answers over a socket; None where nothing was written and REST is to be taken.

        Raises:
            RequestNotSentError: Nothing was written, and REST is not to be taken.
            ReplyLostError: It may have been written; there is no answer.
        """
        if self._sockets is None:
            return None
        socket, why_not = self._sockets.choose(request.account, request.instrument)
        if socket is not None:
            try:
                return await self._operate(socket, request)
            except RequestNotSentError as error:
                if error.late or self._sockets.is_only:
                    raise
                why_not = "not_taken"
            except ReplyLostError:
                self._sockets.gave_no_answer(request.account, socket)
                raise
        elif self._sockets.is_only:
            raise RequestNotSentError(f"no socket takes it: {why_not}")
        _tell(request, "rest", why_not)
        return None

    async def _operate(self, socket: OrderSocket, request: OrderRequest) -> RawReply:
        _tell(request, "socket", "")
        until_s = math.inf if request.write_before_s is None else request.write_before_s
        with step("send", **{"okx.endpoint": request.endpoint.name}):
            return await socket.operate(
                request.endpoint.limit.operation,
                operation_arguments(request.orders, request.instrument.socket_code),
                expiry_ms=request.expiry_ms,
                write_before_s=until_s,
                timeout_s=_TIMEOUT_S,
            )

    async def _over_rest(self, request: OrderRequest) -> RawReply:
        several = request.endpoint is Endpoint.PLACE_ORDERS
        return await self._requests.send(
            request.endpoint,
            account=request.account,
            body=order_codec.body_of(request.orders if several else request.orders[0]),
            expiry_ms=request.expiry_ms,
            timeout_s=_TIMEOUT_S,
            write_before_s=request.write_before_s,
        )

    def _unless_turned_away(self, request: OrderRequest, judged: _V) -> _V | TurnedAway:
        """What a socket has answered, where it is not about the socket itself."""
        if self._sockets is None or not isinstance(judged, Refused):
            return judged
        if not self._sockets.turns_away(request.account, request.instrument, judged):
            return judged
        return TurnedAway(f"its socket answers {judged.code} {judged.message}")

    def _learn(self, raw: RawReply, judged: object) -> None:
        """Take OKX's time from an answer that was believed."""
        if not isinstance(judged, Placed | AmendTaken):
            return
        if judged.receive_us and judged.send_us:
            self._clock.learn(
                sent_s=raw.sent_s,
                received_s=raw.received_s,
                earliest_ms=judged.receive_us / 1000,
                latest_ms=judged.send_us / 1000,
            )


def _tell(request: OrderRequest, way: str, because: str) -> None:
    annotate(**{"okx_gateway.order.way": way})
    metric.routed(request.endpoint.name.lower(), way, because)
