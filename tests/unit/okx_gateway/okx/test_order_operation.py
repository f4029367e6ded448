"""Against the examples of OKX's documentation and frames that users of OKX have captured."""

import json
from decimal import Decimal
from typing import Any

import pytest

from okx_gateway.domain.order import Limit, OrderName, Placed, Refused, TimeInForce
from okx_gateway.okx import code as codes
from okx_gateway.okx.amend_verdict import AmendTaken, verdict_on_amend
from okx_gateway.okx.batch_verdict import verdicts_on_batch
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.order_codec import amend_parameters, name_parameters, place_parameters
from okx_gateway.okx.order_operation import (
    is_about_the_code,
    is_about_the_socket,
    operation_arguments,
)
from okx_gateway.okx.reply import RawReply
from okx_gateway.okx.verdict import CancelTaken, InDoubt, verdict_on_cancel, verdict_on_place
from tests.fakes.orders import an_instrument, an_order

CODE = 10459
TIMES = {"inTime": "1695190491421339", "outTime": "1695190491423240"}


def answers(operation: str, code: str, *rows: dict[str, str], message: str = "") -> RawReply:
    envelope = {"id": "1512", "op": operation, "code": code, "msg": message, "data": rows, **TIMES}
    return RawReply(200, json.dumps(envelope).encode(), 0.0, 0.01)


def row(code: str, message: str, **named: str) -> dict[str, str]:
    ids = {"ordId": "", "clOrdId": "", "tag": "", "ts": "1695190491421", **named}
    return {**ids, "sCode": code, "sMsg": message, "subCode": ""}


def test_an_order_names_its_instrument_by_number_alone() -> None:
    order = an_order(
        "b15",
        quantity=Decimal(2),
        kind=Limit(Decimal("2.15"), TimeInForce.GOOD_TILL_CANCELLED),
    )
    assert operation_arguments([place_parameters(order, an_instrument())], CODE) == [
        {
            "instIdCode": CODE,
            "tdMode": "cash",
            "side": "buy",
            "ordType": "limit",
            "px": "2.15",
            "sz": "2",
            "clOrdId": "b15",
        }
    ]


def test_orders_of_a_batch_amends_and_cancels_do_so_too() -> None:
    orders = [place_parameters(an_order(name), an_instrument()) for name in ("a1", "b1")]
    amend = amend_parameters(
        "BTC-USDT", "12345689", quantity=Decimal(2), price=None, amend_id="b12344"
    )
    cancel = name_parameters("BTC-USDT", OrderName(exchange_order_id="2510789768709120"))
    both = operation_arguments(orders, CODE)
    assert [each["clOrdId"] for each in both] == ["a1", "b1"]
    assert operation_arguments([amend], CODE) == [
        {
            "instIdCode": CODE,
            "ordId": "12345689",
            "newSz": "2",
            "reqId": "b12344",
            "cxlOnFail": False,
        }
    ]
    assert operation_arguments([cancel], CODE) == [
        {"instIdCode": CODE, "ordId": "2510789768709120"}
    ]
    assert all(isinstance(each["instIdCode"], int) and "instId" not in each for each in both)


def test_every_operation_has_the_name_that_okx_gives_it() -> None:
    assert {each: each.limit.operation for each in Endpoint if each.limit.operation} == {
        Endpoint.PLACE_ORDER: "order",
        Endpoint.PLACE_ORDERS: "batch-orders",
        Endpoint.AMEND_ORDER: "amend-order",
        Endpoint.CANCEL_ORDER: "cancel-order",
    }


def test_an_answer_over_a_socket_is_judged_as_one_over_rest() -> None:
    taken = row("0", "Order successfully placed.", ordId="12345689", clOrdId="b15", tag="x")
    assert verdict_on_place(answers("order", "0", taken), "b15") == Placed(
        "12345689", 1695190491421, 1695190491421339, 1695190491423240
    )
    poor = row("51008", "Order failed. Insufficient USDT balance in account", clOrdId="b15")
    refused = verdict_on_place(answers("order", "1", poor), "b15")
    assert isinstance(refused, Refused)
    assert refused.code == "51008"
    other = row("0", "", ordId="1", clOrdId="b16")
    assert isinstance(verdict_on_place(answers("order", "0", other), "b15"), InDoubt)
    assert verdicts_on_batch(
        answers("batch-orders", "2", row("0", "", ordId="7", clOrdId="a1"), poor), ["a1", "b15"]
    ) == [Placed("7", 1695190491421, 1695190491421339, 1695190491423240), refused]


def test_amends_and_cancels_over_a_socket_are_judged_so_too() -> None:
    amended = row("0", "", ordId="12345689", reqId="b12344")
    judged = verdict_on_amend(answers("amend-order", "0", amended), "12345689", "b12344")
    assert isinstance(judged, AmendTaken)
    gone = answers("cancel-order", "0", row("0", "", ordId="2510789768709120"))
    name = OrderName(exchange_order_id="2510789768709120")
    assert isinstance(verdict_on_cancel(gone, name), CancelTaken)


def test_a_missing_number_is_known_for_what_it_is() -> None:
    captured: dict[str, Any] = json.loads(
        """{"id":"17697537","op":"batch-orders","code":"1","msg":"","data":[{"ordId":"",
        "clOrdId":"a1","sCode":"50014","sMsg":"Parameter instIdCode can not be empty.","tag":"",
        "ts":"1769753759051"}],"inTime":"1769753759050944","outTime":"1769753759051514"}"""
    )
    raw = RawReply(200, json.dumps(captured).encode(), 0.0, 0.01)
    [refused] = verdicts_on_batch(raw, ["a1"])
    assert isinstance(refused, Refused)
    assert is_about_the_code(refused)


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("51001", "Instrument ID does not exist", (True, False)),
        ("51000", "Parameter instIdCode error", (True, False)),
        ("51000", "Parameter sz error", (False, False)),
        ("50014", "Parameter px can not be empty", (False, False)),
        ("60011", "Please log in", (False, True)),
        ("60013", "Invalid args", (False, True)),
        ("51008", "Insufficient balance", (False, False)),
    ],
)
def test_refusals_of_the_way_are_told_from_those_of_the_order(
    code: str, message: str, expected: tuple[bool, bool]
) -> None:
    refused = Refused(code, message)
    assert (is_about_the_code(refused), is_about_the_socket(refused)) == expected


@pytest.mark.parametrize("code", sorted(codes.SOCKET_REFUSED))
def test_what_the_socket_itself_refuses_was_not_done(code: str) -> None:
    raw = answers("order", code, message="Invalid args")
    assert verdict_on_place(raw, "b15") == Refused(code, "Invalid args")
    event = {"event": "error", "code": code, "msg": "Invalid request", "connId": "a1", "id": "9"}
    raw = RawReply(200, json.dumps(event).encode(), 0.0, 0.01)
    assert verdict_on_place(raw, "b15") == Refused(code, "Invalid request")


@pytest.mark.parametrize("code", ["60014", "63999", "64007", "64008", "60099", ""])
def test_its_other_codes_leave_doubt(code: str) -> None:
    assert isinstance(verdict_on_place(answers("order", code), "b15"), InDoubt)
    assert isinstance(verdict_on_cancel(answers("cancel-order", code), OrderName("b15")), InDoubt)
    assert isinstance(verdict_on_amend(answers("amend-order", code), "7", "r1"), InDoubt)
