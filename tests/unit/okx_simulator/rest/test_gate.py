import json
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from okx_simulator.check import Keys, RestRequest, signature
from okx_simulator.limit.limits import Limits
from okx_simulator.rest.gate import Arrived, Reply, RestGate
from tests.support.trading_floor import MINE, SPOT, Floor, settings

ACCOUNT = settings(MINE)
KEY = ACCOUNT.keys[0]
ORDER = {"instId": SPOT, "tdMode": "cash", "side": "buy", "ordType": "limit"}
ORDER |= {"px": "96000", "sz": "0.01"}


class Door:
    """A gate with a floor behind it."""

    def __init__(self) -> None:
        self.floor = Floor(ACCOUNT)
        find = self.floor.exchange.market.listing.find
        self.gate = RestGate(self.floor.exchange, Keys((ACCOUNT,)), Limits("sliding", find=find))

    def call(
        self,
        method: str,
        target: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        is_signed: bool = True,
    ) -> Reply:
        """Send a request whose body is JSON unless it is bytes."""
        written = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body)
        raw = written if isinstance(written, bytes) else written.encode()
        moment = datetime.fromtimestamp(self.floor.clock.now_us() / 1e6, UTC)
        timestamp = moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        signed = {
            "ok-access-key": KEY.key,
            "ok-access-passphrase": KEY.passphrase,
            "ok-access-sign": signature(KEY.secret, f"{timestamp}{method}{target}".encode() + raw),
            "ok-access-timestamp": timestamp,
        }
        given = {"content-type": "application/json"} | (signed if is_signed else {})
        given |= dict(headers or {})
        parts = urlsplit(target)
        arrived = Arrived(
            RestRequest(method, target, raw, given, "127.0.0.1"),
            parts.path,
            dict(parse_qsl(parts.query)),
            self.floor.clock.now_us(),
            self.floor.clock.true_us(),
        )
        return self.gate.respond(arrived)


@pytest.fixture
def door() -> Door:
    return Door()


def test_public_data_need_no_key(door: Door) -> None:
    reply = door.call("GET", "/api/v5/public/time", is_signed=False)
    now = str(door.floor.clock.now_ms())
    assert (reply.status, reply.body) == (200, {"code": "0", "msg": "", "data": [{"ts": now}]})


def test_private_data_do(door: Door) -> None:
    reply = door.call("GET", "/api/v5/account/config", is_signed=False)
    assert (reply.status, reply.body["code"]) == (HTTPStatus.UNAUTHORIZED, "50103")
    reply = door.call("GET", "/api/v5/account/config")
    assert (reply.status, reply.body["data"][0]["uid"]) == (200, MINE)


def test_paths_that_okx_does_not_have(door: Door) -> None:
    reply = door.call("GET", "/api/v5/no/such")
    assert (reply.status, reply.body["code"]) == (HTTPStatus.NOT_FOUND, "404")
    reply = door.call("POST", "/api/v5/public/time", {})
    assert (reply.status, reply.body["code"]) == (HTTPStatus.METHOD_NOT_ALLOWED, "50115")


def test_an_order_is_acked_with_the_times_at_the_gate(door: Door) -> None:
    reply = door.call("POST", "/api/v5/trade/order", ORDER)
    assert (reply.status, reply.body["code"], reply.body["msg"]) == (200, "0", "")
    now_us = str(door.floor.clock.now_us())
    assert (reply.body["inTime"], reply.body["outTime"]) == (now_us, now_us)
    assert reply.body["data"][0]["sCode"] == "0"
    refused = door.call("POST", "/api/v5/trade/order", {**ORDER, "sz": "100"})
    assert (refused.status, refused.body["code"]) == (200, "1")


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (ORDER, {"content-type": "text/plain"}, "50006"),
        (ORDER, {"content-type": ""}, "50006"),
        (b"", {}, "50000"),
        (b"  ", {}, "50000"),
        (b"{", {}, "50002"),
        (b'"text"', {}, "50002"),
        ([ORDER], {}, "50002"),
        (b"[]", {}, "50002"),
    ],
)
def test_bodies_are_json_objects(door: Door, body: Any, headers: dict[str, str], code: str) -> None:
    reply = door.call("POST", "/api/v5/trade/order", body, headers)
    assert (reply.status, reply.body["code"]) == (HTTPStatus.BAD_REQUEST, code)


def test_a_content_type_may_have_parameters(door: Door) -> None:
    headers = {"content-type": "application/json; charset=utf-8"}
    assert door.call("POST", "/api/v5/trade/order", ORDER, headers).body["code"] == "0"


def test_a_get_needs_no_content_type(door: Door) -> None:
    reply = door.call("GET", "/api/v5/account/balance?ccy=BTC", headers={"content-type": ""})
    assert [detail["ccy"] for detail in reply.body["data"][0]["details"]] == ["BTC"]


@pytest.mark.parametrize("body", [[ORDER, 1], {}, [{}]])
def test_a_batch_is_a_list_of_objects(door: Door, body: Any) -> None:
    reply = door.call("POST", "/api/v5/trade/batch-orders", body)
    assert reply.body["code"] == ("50002" if body == [ORDER, 1] else "1")


def test_a_batch_that_is_too_long_is_refused_as_a_whole(door: Door) -> None:
    reply = door.call("POST", "/api/v5/trade/batch-orders", [ORDER] * 21)
    assert (reply.body["code"], reply.body["data"]) == ("51111", [])
    reply = door.call("POST", "/api/v5/trade/cancel-batch-orders", [{}] * 21)
    assert (reply.status, reply.body["code"]) == (HTTPStatus.BAD_REQUEST, "51406")


def test_a_deadline_counts_for_placing_and_amending_only(door: Door) -> None:
    past = str(door.floor.clock.now_ms() - 1)
    for path in ("order", "batch-orders", "amend-order", "amend-batch-orders"):
        body = [ORDER] if "batch" in path else ORDER
        reply = door.call("POST", f"/api/v5/trade/{path}", body, {"exptime": past})
        assert (reply.status, reply.body["code"], reply.body["data"]) == (200, "50036", [])
    reply = door.call("POST", "/api/v5/trade/cancel-order", ORDER, {"exptime": past})
    assert reply.body["data"][0]["sCode"] == "51407"
    future = str(door.floor.clock.now_ms() + 1)
    assert door.call("POST", "/api/v5/trade/order", ORDER, {"exptime": future}).body["code"] == "0"


def test_limits_refuse_with_429(door: Door) -> None:
    replies = [door.call("GET", "/api/v5/account/config") for _ in range(6)]
    assert [reply.status for reply in replies] == [200] * 5 + [HTTPStatus.TOO_MANY_REQUESTS]
    assert replies[-1].body["code"] == "50011"
    door.floor.wait(2.1)
    assert door.call("GET", "/api/v5/account/config").status == 200


def test_a_batch_over_a_limit_is_refused_order_by_order(door: Door) -> None:
    order = {**ORDER, "sz": "0.00001"}
    for _ in range(14):
        assert door.call("POST", "/api/v5/trade/batch-orders", [order] * 20).body["code"] == "0"
    other = {**order, "instId": "ETH-USDT", "px": "3900", "sz": "0.001"}
    mixed = [*[order] * 19, other]
    assert door.call("POST", "/api/v5/trade/batch-orders", mixed).body["code"] == "0"
    reply = door.call("POST", "/api/v5/trade/batch-orders", [order, order, other])
    assert reply.body["code"] == "2"
    assert [row["sCode"] for row in reply.body["data"]] == ["0", "50011", "0"]


def test_refusals_of_an_endpoint_have_their_status(door: Door) -> None:
    reply = door.call("GET", "/api/v5/market/ticker")
    assert (reply.status, reply.body["code"]) == (HTTPStatus.BAD_REQUEST, "50014")
    reply = door.call("GET", "/api/v5/market/ticker?instId=NO-SUCH")
    assert (reply.status, reply.body["code"]) == (200, "51001")
