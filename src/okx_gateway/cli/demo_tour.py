"""What does the demo show?  Real calls over gRPC and REST, each checked before it is shown."""

import asyncio
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import aiohttp
import grpc
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from okx_gateway import app
from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from okx_gateway.cli.gateway_client import describe, stub_of
from okx_gateway.cli.trade import balance_table

if TYPE_CHECKING:
    from okx_gateway.api.v1.gateway_service_pb2_grpc import GatewayServiceAsyncStub

_INSTRUMENTS = ("BTC-USDT", "ETH-USDT", "SOL-USDT", "BTC-USDT-SWAP", "ETH-USDT-SWAP")
_DEADLINE_S = 5.0
_TICKER_WAIT_S = 15.0
_SPANS_WAIT_S = 2.0
# Far enough from the market to rest, within OKX's price band.
_BELOW_MARKET = Decimal("0.97")


class DemoFailedError(Exception):
    """Something was not as promised; says what."""


class DemoTour:
    """The calls, one after the other; `spans` receives the gateway's own."""

    def __init__(
        self, console: Console, gateway: app.Gateway, account: str, spans: InMemorySpanExporter
    ) -> None:
        self._console = console
        self._gateway = gateway
        self._account = account
        self._spans = spans
        self._last_prices: dict[str, str] = {}

    async def show(self) -> None:
        """Show everything.

        Raises:
            DemoFailedError: Something was not as promised.
        """
        target = str(self._gateway.grpc)
        async with (
            grpc.aio.insecure_channel(target) as channel,
            aiohttp.ClientSession(f"http://{self._gateway.rest}", trust_env=False) as rest,
        ):
            stub = stub_of(channel)
            try:
                await self._balance(stub)
                await self._tickers(stub)
                await self._limit_order(stub, rest)
                market_order_id = await self._market_order_twice(stub)
                await self._bad_request(stub)
                await self._trace(market_order_id)
            except grpc.aio.AioRpcError as error:
                raise DemoFailedError("\n".join(describe(error, target))) from error

    def _title(self, text: str) -> None:
        self._console.print(f"\n[bold]{text}[/]")

    async def _balance(self, stub: "GatewayServiceAsyncStub") -> None:
        self._title("GetBalance over gRPC")
        request = api.GetBalanceRequest(account=self._account)
        response = await stub.GetBalance(request, timeout=_DEADLINE_S)
        _require(len(response.balance.currencies) > 0, "the account holds nothing")
        self._console.print(balance_table(response))

    async def _tickers(self, stub: "GatewayServiceAsyncStub") -> None:
        self._title("StreamTicker over gRPC: five instruments in one stream")
        seen: dict[str, Any] = {}
        stream = stub.StreamTicker(api.StreamTickerRequest(instruments=_INSTRUMENTS))
        try:
            async with asyncio.timeout(_TICKER_WAIT_S):
                async for event in stream:
                    if event.HasField("ticker"):
                        seen[event.ticker.instrument] = event.ticker
                    if len(seen) == len(_INSTRUMENTS):
                        break
        except TimeoutError:
            raise DemoFailedError(f"only {sorted(seen)} had a ticker") from None
        finally:
            stream.cancel()
        table = Table("instrument", "last", "bid", "ask", "24 h volume")
        for name in _INSTRUMENTS:
            ticker = seen[name]
            self._last_prices[name] = ticker.last_price
            table.add_row(
                name, ticker.last_price, ticker.bid_price, ticker.ask_price, ticker.volume_24h
            )
        self._console.print(table)

    async def _limit_order(
        self, stub: "GatewayServiceAsyncStub", rest: aiohttp.ClientSession
    ) -> None:
        self._title("PlaceOrder over REST: a limit order that rests")
        last = Decimal(self._last_prices["BTC-USDT"])
        order = {
            "clientOrderId": uuid.uuid4().hex,
            "instrument": "BTC-USDT",
            "side": "SIDE_BUY",
            "tradeMode": "TRADE_MODE_CASH",
            "quantity": "0.001",
            "limit": {
                "price": f"{(last * _BELOW_MARKET).quantize(Decimal('0.1'))}",
                "timeInForce": "TIME_IN_FORCE_GOOD_TILL_CANCELLED",
            },
        }
        orders = f"/v1/accounts/{self._account}/orders"
        self._console.print(f"POST {orders} {order}")
        placed = await _json(rest, "POST", orders, order)
        self._console.print(placed)
        _require(placed["outcome"] == "ORDER_OUTCOME_PLACED", "the order was not placed")
        self._title("GetOrder over REST")
        found = await _json(rest, "GET", f"{orders}/{order['clientOrderId']}", None)
        self._console.print(found["order"])
        _require(found["order"]["state"] == "ORDER_STATE_LIVE", "the order does not rest")
        self._title("CancelOrder over gRPC")
        cancel = api.CancelOrderRequest(
            account=self._account, client_order_id=str(order["clientOrderId"])
        )
        cancelled = await stub.CancelOrder(cancel, timeout=_DEADLINE_S)
        self._console.print(api.CancelOutcome.Name(cancelled.outcome))

    async def _market_order_twice(self, stub: "GatewayServiceAsyncStub") -> str:
        self._title("PlaceOrder over gRPC: a market order, then the same call again")
        request = api.PlaceOrderRequest(
            account=self._account,
            client_order_id=uuid.uuid4().hex,
            instrument="BTC-USDT",
            side=order_pb2.SIDE_BUY,
            trade_mode=order_pb2.TRADE_MODE_CASH,
            quantity="50",
            market=order_pb2.MarketOrder(target_currency=order_pb2.TARGET_CURRENCY_QUOTE),
        )
        before = await self._available(stub)
        first = await stub.PlaceOrder(request, timeout=_DEADLINE_S)
        once = await self._available(stub)
        again = await stub.PlaceOrder(request, timeout=_DEADLINE_S)
        twice = await self._available(stub)
        table = Table("", "exchange order id", "replayed", "USDT available")
        table.add_row("before", "", "", before)
        table.add_row("first call", first.exchange_order_id, str(first.replayed), once)
        table.add_row("second call", again.exchange_order_id, str(again.replayed), twice)
        self._console.print(table)
        _require(once != before, "the market order did not fill")
        _require(again.replayed and twice == once, "the second call was not a replay")
        return request.client_order_id

    async def _available(self, stub: "GatewayServiceAsyncStub") -> str:
        request = api.GetBalanceRequest(account=self._account, currencies=["USDT"])
        response = await stub.GetBalance(request, timeout=_DEADLINE_S)
        return response.balance.currencies[0].available

    async def _bad_request(self, stub: "GatewayServiceAsyncStub") -> None:
        self._title("A bad request: everything wrong with it at once, nothing sent")
        request = api.PlaceOrderRequest(
            account=self._account,
            client_order_id="not/an/id",
            instrument="BTC-USDT",
            side=order_pb2.SIDE_BUY,
            trade_mode=order_pb2.TRADE_MODE_CASH,
            quantity="1e3",
        )
        try:
            await stub.PlaceOrder(request, timeout=_DEADLINE_S)
        except grpc.aio.AioRpcError as error:
            self._console.print("\n".join(describe(error, str(self._gateway.grpc))))
        else:
            raise DemoFailedError("a bad request was taken")

    async def _trace(self, client_order_id: str) -> None:
        self._title("The trace of the market order")
        trace = await self._spans_of(client_order_id)
        children: dict[int, list[ReadableSpan]] = {}
        for span in trace:
            children.setdefault(span.parent.span_id if span.parent else 0, []).append(span)
        for root in children.get(0, []):
            tree = Tree(_label(root))
            _grow(tree, root, children)
            self._console.print(tree)

    async def _spans_of(self, client_order_id: str) -> list[ReadableSpan]:
        """All spans of the first call that placed this order."""
        for _ in range(int(_SPANS_WAIT_S / 0.05)):
            ended = self._spans.get_finished_spans()
            roots = [
                span
                for span in ended
                if (span.attributes or {}).get("okx_gateway.client_order_id") == client_order_id
            ]
            if roots:
                trace_id = _id_of(roots[0])
                return sorted(
                    (span for span in ended if _id_of(span) == trace_id),
                    key=lambda span: span.start_time or 0,
                )
            await asyncio.sleep(0.05)
        raise DemoFailedError("the order left no trace")


def _grow(tree: Tree, span: ReadableSpan, children: dict[int, list[ReadableSpan]]) -> None:
    context = span.get_span_context()
    for child in children.get(context.span_id if context else -1, []):
        _grow(tree.add(_label(child)), child, children)


def _label(span: ReadableSpan) -> str:
    duration_ms = ((span.end_time or 0) - (span.start_time or 0)) / 1_000_000
    facts = ", ".join(f"{key}={value!s}" for key, value in sorted((span.attributes or {}).items()))
    return f"[cyan]{span.name}[/] {duration_ms:.2f} ms  [dim]{facts}[/]"


def _id_of(span: ReadableSpan) -> int:
    context = span.get_span_context()
    return context.trace_id if context else 0


def _require(condition: bool, failure: str) -> None:  # noqa: FBT001  # reads as an assertion
    if not condition:
        raise DemoFailedError(failure)


async def _json(
    rest: aiohttp.ClientSession, method: str, path: str, body: dict[str, Any] | None
) -> dict[str, Any]:
    async with rest.request(method, path, json=body) as response:
        answer: dict[str, Any] = await response.json()
        _require(response.ok, f"{method} {path} was answered {response.status}: {answer}")
        return answer
