import json
from typing import Any

import pytest

from okx_gateway.domain.instrument import InstrumentType
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.order_list import (
    ListedOrder,
    ListPage,
    ListVerdict,
    page_parameters,
    verdict_on_page,
)
from okx_gateway.okx.reply import RawReply
from okx_gateway.okx.verdict import NoEvidence
from tests.fakes.orders import an_instrument

PENDING, HISTORY = Endpoint.GET_ORDERS_PENDING, Endpoint.GET_ORDERS_HISTORY
FILLS = Endpoint.GET_FILLS
SPOT = an_instrument()


def order(order_id: str, client_order_id: str = "", **more: Any) -> dict[str, Any]:
    return {"instId": "BTC-USDT", "ordId": order_id, "clOrdId": client_order_id, **more}


def judged(
    *rows: Any, endpoint: Endpoint = PENDING, after: str = "", code: str = "0", status: int = 200
) -> ListVerdict:
    body = json.dumps({"code": code, "msg": "told", "data": list(rows)}).encode()
    return verdict_on_page(RawReply(status, body, 0.0, 0.1), endpoint, SPOT, after=after)


def test_finished_orders_are_asked_for_by_type_and_time_and_pending_ones_by_neither() -> None:
    swap = an_instrument(InstrumentType.SWAP)
    every = {"instId": "BTC-USDT-SWAP", "limit": "100"}
    timed = {"begin": "5", "end": "9"}
    asked = {
        endpoint: page_parameters(endpoint, swap, after="", begin_ms=5, end_ms=9)
        for endpoint in (PENDING, HISTORY, FILLS)
    }
    assert asked == {
        PENDING: every,
        HISTORY: {**every, "instType": "SWAP", **timed},
        FILLS: {**every, **timed},
    }


def test_the_next_page_is_asked_for_by_what_the_one_before_it_told() -> None:
    page = judged(order("9", "a"), order("7", "b"))
    assert page == ListPage((ListedOrder("a", "9"), ListedOrder("b", "7")), "7")
    asked = page_parameters(PENDING, SPOT, after="7", begin_ms=0, end_ms=0)
    assert asked["after"] == "7"


def test_fills_go_on_by_their_own_id() -> None:
    fills = (order("7", "b", billId="305"), order("7", "b", billId="304"))
    assert judged(*fills, endpoint=FILLS) == ListPage((ListedOrder("b", "7"),) * 2, "304")
    assert isinstance(judged(*fills, endpoint=FILLS, after="305"), NoEvidence)


@pytest.mark.parametrize("after", ["", "7"])
def test_a_list_ends_with_an_empty_page(after: str) -> None:
    assert judged(after=after) == ListPage((), "")


def test_a_list_goes_on_below_the_least_id_of_a_page() -> None:
    page = judged(order("7"), order("9"), order("8"))
    assert isinstance(page, ListPage)
    assert page.after == "7"


def test_a_page_that_does_not_go_on_tells_nothing() -> None:
    assert isinstance(judged(order("6"), order("7"), after="7"), NoEvidence)
    assert isinstance(judged(order("10"), after="9"), NoEvidence)
    assert isinstance(judged(order("9"), after="10"), ListPage)


@pytest.mark.parametrize(
    "rows",
    [
        [{"instId": "ETH-USDT", "ordId": "1", "clOrdId": "a"}],
        [{"ordId": "1", "clOrdId": "a"}],
        [order("")],
        [order("x1")],
        [order("-1")],
        [order("9" * 33)],
        [order("1", clOrdId=None)],
        [{"instId": "BTC-USDT", "ordId": 1, "clOrdId": "a"}],
        ["1"],
    ],
)
def test_a_row_that_is_not_of_this_list_spoils_the_page(rows: list[Any]) -> None:
    assert isinstance(judged(order("2", "b"), *rows), NoEvidence)


@pytest.mark.parametrize("status", [201, 206, 301, 400, 401, 404, 429, 500, 503])
def test_only_http_200_counts(status: int) -> None:
    assert judged(status=status) == NoEvidence(f"HTTP {status}")


@pytest.mark.parametrize("code", ["1", "2", "50011", "51000", "51603"])
def test_only_success_counts(code: str) -> None:
    assert judged(code=code) == NoEvidence(f"code {code} told", code)


def test_a_body_that_cannot_be_read_tells_nothing() -> None:
    reply = RawReply(200, b"<html>", 0.0, 0.1)
    assert isinstance(verdict_on_page(reply, PENDING, SPOT, after=""), NoEvidence)
