import json
from typing import Any

import pytest

from okx_simulator.websocket.message import (
    Login,
    Malformed,
    Message,
    Operation,
    Ping,
    Subscribe,
    read_message,
)


def _read(**frame: Any) -> Message:
    return read_message(json.dumps(frame))


def test_ping_is_plain_text() -> None:
    assert read_message("ping") == Ping()


def test_a_subscription_keeps_its_arguments_in_order() -> None:
    args = [{"channel": "tickers", "instId": "A"}, {"channel": "books5", "instId": "B"}]
    assert _read(op="subscribe", args=args) == Subscribe("", tuple(args), ends=False)
    assert _read(id="7", op="unsubscribe", args=args) == Subscribe("7", tuple(args), ends=True)


def test_an_order_operation_keeps_id_args_and_expiry() -> None:
    args = [{"instIdCode": 10459, "sz": "1"}]
    message = _read(id="b15", op="order", args=args, expTime="1597026383085")
    assert message == Operation("b15", "order", tuple(args), "1597026383085")
    assert _read(id=15, op="order", args=args) == Operation("15", "order", tuple(args), "")


def test_only_batches_take_several_orders() -> None:
    two = [{"sz": "1"}, {"sz": "2"}]
    for op in ("batch-orders", "batch-cancel-orders", "batch-amend-orders"):
        assert isinstance(_read(id="1", op=op, args=two), Operation)
    for op in ("order", "cancel-order", "amend-order", "mass-cancel"):
        assert _read(id="1", op=op, args=two) == Malformed("1", "60013", "Invalid args", op)


@pytest.mark.parametrize("args", [None, [], {}, "text", [1], [{}, None]])
def test_an_order_operation_without_objects_is_60013(args: Any) -> None:
    assert _read(id="1", op="batch-orders", args=args) == Malformed(
        "1", "60013", "Invalid args", "batch-orders"
    )


def test_an_order_operation_without_an_id_is_60013() -> None:
    assert _read(op="order", args=[{"sz": "1"}]) == Malformed("", "60013", "Invalid args", "order")


@pytest.mark.parametrize("request_id", ["a-b", "x" * 33, "é", True, 1.5, [1]])
def test_an_id_is_up_to_32_letters_and_digits(request_id: Any) -> None:
    message = _read(id=request_id, op="subscribe", args=[{"channel": "status"}])
    assert isinstance(message, Malformed)
    assert message.code == "60012"


def test_an_unknown_op_is_60019() -> None:
    assert _read(id="1", op="conquer", args=[{}]) == Malformed("1", "60019", "Invalid op: conquer")


def test_what_cannot_be_read_is_quoted_back() -> None:
    text = '{"op": "subscribe", "argss":[{ "channel" : "tickers"}]}'
    assert read_message(text) == Malformed("", "60012", f"Invalid request: {text}")
    for broken in ("{", "[]", "5", '"ping"', '{"op": 5}', "PING", ""):
        assert read_message(broken) == Malformed("", "60012", f"Invalid request: {broken}")


def test_a_quotation_is_bounded() -> None:
    message = read_message("x" * 60_000)
    assert isinstance(message, Malformed)
    assert len(message.message) < 1100


def test_a_login_has_one_argument() -> None:
    assert _read(op="login", args=[{"apiKey": "k"}]) == Login({"apiKey": "k"})
    message = _read(op="login", args=[{"passphrase": "planted"}, {"passphrase": "planted"}])
    assert message == Malformed("", "60012", "Invalid request: ")
