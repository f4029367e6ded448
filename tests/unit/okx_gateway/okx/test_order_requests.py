"""Against a small server on loopback that stands in for OKX's REST side."""

import json
import time
from decimal import Decimal

import pytest

from okx_gateway.domain.errors import ExchangeUnavailableError
from okx_gateway.domain.order import OrderName, Placed, Refused
from okx_gateway.okx.amend_verdict import AmendTaken
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.exchange_client import ExchangeClient
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.order_list import ListedOrder, ListPage
from okx_gateway.okx.verdict import Absent, CancelTaken, InDoubt, NoEvidence, PlaceVerdict, Unsent
from tests.fakes.okx_http import OKX_MS, TAKEN, client_of, headers_of, says
from tests.fakes.orders import an_instrument, an_order
from tests.fakes.raw_http import raw_server, replies


async def test_every_answer_to_an_order_tells_the_time() -> None:
    clock = ExchangeClock()
    times = {"inTime": f"{OKX_MS}339", "outTime": f"{OKX_MS}340"}
    answer = says("0", TAKEN, **times)
    async with raw_server(answer) as server, client_of(server, clock=clock) as exchange:
        await exchange.place(an_order(), an_instrument(), expiry_ms=OKX_MS)
    assert clock.earliest_ms() - 2_000 < OKX_MS < clock.latest_ms() + 1
    assert clock.error_ms() < 1_000


async def test_an_order_is_written_once_and_lost_replies_leave_doubt() -> None:
    async with raw_server(replies(b"garbage\r\n\r\n")) as server, client_of(server) as exchange:
        placed = await exchange.place(an_order(), an_instrument(), expiry_ms=OKX_MS)
        assert isinstance(placed, InDoubt)
        assert len(server.requests) == 1
        cancelled = await exchange.cancel("main", an_instrument(), OrderName("a1"))
        assert isinstance(cancelled, InDoubt)
        seen = await exchange.look_up("main", "BTC-USDT", OrderName("a1"))
        assert isinstance(seen, NoEvidence)
    assert len(server.requests) == 3


async def test_without_a_connection_nothing_was_sent() -> None:
    async with raw_server(says("0")) as server:
        pass
    async with client_of(server) as exchange:
        placed = await exchange.place(an_order(), an_instrument(), expiry_ms=OKX_MS)
        assert isinstance(placed, Unsent)
        assert not placed.late
        cancelled = await exchange.cancel("main", an_instrument(), OrderName("a1"))
        assert isinstance(cancelled, Unsent)
        with pytest.raises(ExchangeUnavailableError):
            await exchange.balance("main", [])


async def test_a_cancel_names_the_order_as_it_was_named() -> None:
    async with raw_server(says("0", TAKEN)) as server, client_of(server) as exchange:
        taken = await exchange.cancel("main", an_instrument(), OrderName(exchange_order_id="77"))
    assert taken == CancelTaken("77", "a1", OKX_MS)
    [(head, body)] = server.requests
    assert head.startswith("POST /api/v5/trade/cancel-order ")
    assert json.loads(body) == {"instId": "BTC-USDT", "ordId": "77"}
    assert "exptime" not in headers_of(head)


async def test_an_order_is_looked_up_by_its_name() -> None:
    async with raw_server(says("51603")) as server, client_of(server) as exchange:
        assert await exchange.look_up("main", "BTC-USDT", OrderName("a1")) == Absent()
    path = "/api/v5/trade/order?instId=BTC-USDT&clOrdId=a1"
    assert server.requests[0][0].startswith(f"GET {path} HTTP/1.1")


async def place_two(exchange: ExchangeClient, **how: float) -> list[PlaceVerdict]:
    orders = [an_order("a1"), an_order("b1")]
    return await exchange.place_batch(
        orders, an_instrument(), expiry_ms=OKX_MS, write_before_s=how.get("write_before_s")
    )


async def test_a_batch_leaves_as_one_request_with_an_expiry_and_each_order_has_its_verdict() -> (
    None
):
    clock = ExchangeClock()
    times = {"inTime": f"{OKX_MS}339", "outTime": f"{OKX_MS}340"}
    refused = {"ordId": "", "clOrdId": "b1", "ts": "", "sCode": "51008", "sMsg": "no funds"}
    answer = says("2", refused, TAKEN, **times)
    async with raw_server(answer) as server, client_of(server, clock=clock) as exchange:
        first, second = await place_two(exchange)
    assert isinstance(first, Placed)
    assert second == Refused("51008", "no funds")
    [(head, body)] = server.requests
    assert head.startswith("POST /api/v5/trade/batch-orders ")
    assert headers_of(head)["exptime"] == str(OKX_MS)
    assert [row["clOrdId"] for row in json.loads(body)] == ["a1", "b1"]
    assert clock.error_ms() < 1_000


async def test_what_is_no_batch_of_one_account_and_instrument_is_not_sent() -> None:
    many = [an_order(f"a{n}") for n in range(21)]
    others = [an_order("a1"), an_order("b1", account="other")]
    elsewhere = [an_order("a1"), an_order("b1", instrument="ETH-USDT")]
    async with raw_server(says("0")) as server, client_of(server) as exchange:
        for orders in ([], [an_order()], many, others, elsewhere):
            with pytest.raises(ValueError, match="no batch"):
                await exchange.place_batch(orders, an_instrument(), expiry_ms=OKX_MS)
    assert server.requests == []


async def test_a_batch_without_an_answer_leaves_every_order_in_doubt() -> None:
    async with raw_server(replies(b"garbage\r\n\r\n")) as server, client_of(server) as exchange:
        assert [type(each) for each in await place_two(exchange)] == [InDoubt, InDoubt]
    assert len(server.requests) == 1


async def amend(exchange: ExchangeClient, write_before_s: float | None = None) -> object:
    return await exchange.amend(
        "main",
        an_instrument(),
        "77",
        quantity=Decimal("0.7"),
        price=None,
        amend_id="r1",
        expiry_ms=OKX_MS,
        write_before_s=write_before_s,
    )


async def test_an_amend_leaves_once_and_with_an_expiry() -> None:
    clock = ExchangeClock()
    times = {"inTime": f"{OKX_MS}339", "outTime": f"{OKX_MS}340"}
    answer = says("0", TAKEN | {"reqId": "r1"}, **times)
    async with raw_server(answer) as server, client_of(server, clock=clock) as exchange:
        taken = await amend(exchange)
    assert taken == AmendTaken("77", OKX_MS, OKX_MS * 1000 + 339, OKX_MS * 1000 + 340)
    [(head, body)] = server.requests
    assert head.startswith("POST /api/v5/trade/amend-order ")
    assert headers_of(head)["exptime"] == str(OKX_MS)
    assert json.loads(body) == {
        "instId": "BTC-USDT",
        "ordId": "77",
        "reqId": "r1",
        "cxlOnFail": False,
        "newSz": "0.7",
    }
    assert clock.error_ms() < 1_000


async def test_an_amend_without_an_answer_is_in_doubt() -> None:
    async with raw_server(replies(b"garbage\r\n\r\n")) as server, client_of(server) as exchange:
        assert isinstance(await amend(exchange), InDoubt)
    assert len(server.requests) == 1


async def page(
    exchange: ExchangeClient, endpoint: Endpoint, write_before_s: float | None = None
) -> object:
    return await exchange.orders_page(
        "main",
        endpoint,
        an_instrument(),
        after="99",
        begin_ms=5,
        end_ms=9,
        write_before_s=write_before_s,
    )


@pytest.mark.parametrize(
    ("endpoint", "path"),
    [
        (Endpoint.GET_ORDERS_PENDING, "/api/v5/trade/orders-pending?instId=BTC-USDT&limit=100"),
        (
            Endpoint.GET_ORDERS_HISTORY,
            "/api/v5/trade/orders-history?instId=BTC-USDT&limit=100&instType=SPOT&begin=5&end=9",
        ),
        (Endpoint.GET_FILLS, "/api/v5/trade/fills?instId=BTC-USDT&limit=100&begin=5&end=9"),
    ],
)
async def test_lists_are_read_page_by_page(endpoint: Endpoint, path: str) -> None:
    row = {"instId": "BTC-USDT", "ordId": "77", "clOrdId": "a1", "billId": "55"}
    async with raw_server(says("0", row)) as server, client_of(server) as exchange:
        seen = await page(exchange, endpoint)
    after = "55" if endpoint is Endpoint.GET_FILLS else "77"
    assert seen == ListPage((ListedOrder("a1", "77"),), after)
    assert server.requests[0][0].startswith(f"GET {path}&after=99 HTTP/1.1")


async def test_a_list_that_was_not_told_is_no_evidence() -> None:
    garbage = replies(b"garbage\r\n\r\n")
    async with raw_server(garbage) as server, client_of(server) as exchange:
        seen = await page(exchange, Endpoint.GET_FILLS)
    assert isinstance(seen, NoEvidence)
    assert not seen.late


async def test_what_is_held_up_is_not_written_and_said_to_be_late() -> None:
    late_s = time.monotonic() - 0.01
    instrument, name = an_instrument(), OrderName("a1")
    async with raw_server(says("0", TAKEN)) as server, client_of(server) as exchange:
        verdicts = [
            await exchange.place(an_order(), instrument, expiry_ms=OKX_MS, write_before_s=late_s),
            *await place_two(exchange, write_before_s=late_s),
            await amend(exchange, late_s),
            await exchange.cancel("main", an_instrument(), name, write_before_s=late_s),
            await exchange.look_up("main", "BTC-USDT", name, write_before_s=late_s),
            await page(exchange, Endpoint.GET_ORDERS_PENDING, late_s),
        ]
        assert server.requests == []
        soon_s = time.monotonic() + 5
        placed = await exchange.place(
            an_order(), instrument, expiry_ms=OKX_MS, write_before_s=soon_s
        )
    assert [type(each) for each in verdicts] == [Unsent] * 5 + [NoEvidence] * 2
    assert all(each.late for each in verdicts if isinstance(each, Unsent | NoEvidence))
    assert isinstance(placed, Placed)
