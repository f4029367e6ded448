from typing import Any

import pytest

from okx_simulator.account.accounts_file import DEFAULT_ACCOUNTS
from okx_simulator.clock import Clock
from okx_simulator.error_code import RefusedError
from okx_simulator.exchange import Exchange
from okx_simulator.limit.limits import Limits
from okx_simulator.websocket.message import Operation
from okx_simulator.websocket.operation import OrderOperations, answer

UID = DEFAULT_ACCOUNTS[0].uid


class _Desk:
    """An exchange, its limits and the operations on them."""

    def __init__(self) -> None:
        self.exchange = Exchange(1, Clock(), DEFAULT_ACCOUNTS)
        limits = Limits("sliding", find=self.exchange.market.listing.find)
        self.operations = OrderOperations(self.exchange, limits)

    def order(self, inst_id: str = "BTC-USDT", **words: Any) -> dict[str, Any]:
        instrument = self.exchange.market.listing.find(inst_id)
        assert instrument is not None
        order = {"instIdCode": instrument.inst_id_code, "tdMode": "cash", "side": "buy"}
        return order | {"ordType": "limit", "px": "99000", "sz": "0.001"} | words


@pytest.fixture
def desk() -> _Desk:
    return _Desk()


def _operation(op: str, *args: dict[str, Any], exp_time: str = "") -> Operation:
    return Operation("7", op, args, exp_time)


def test_orders_are_named_by_the_code_whatever_name_they_say(desk: _Desk) -> None:
    order = desk.order("ETH-USDT", instId="BTC-USDT")
    named = desk.operations.named(_operation("order", order))
    assert [one["instId"] for one in named] == ["ETH-USDT"]


@pytest.mark.parametrize("code", [None, "10459", 1.5, True, -1])
def test_a_code_that_is_none_names_nothing(desk: _Desk, code: Any) -> None:
    named = desk.operations.named(_operation("order", desk.order(instIdCode=code)))
    assert [one["instId"] for one in named] == [""]


def test_orders_refused_by_a_limit_are_answered_among_the_others(desk: _Desk) -> None:
    orders = [desk.order(clOrdId=name) for name in ("a", "b")]
    ack = desk.operations.carry_out(_operation("batch-orders", *orders), UID, [None, "50061"], None)
    assert (ack.code, [row["sCode"] for row in ack.rows]) == ("2", ["0", "50061"])
    assert [row["clOrdId"] for row in ack.rows] == ["a", "b"]


def test_both_doors_charge_the_same_window(desk: _Desk) -> None:
    operation = _operation("order", desk.order())
    named = desk.operations.named(operation)
    for _ in range(60):
        assert desk.operations.charge(operation, named, UID, "ip", 1) == [None]
    assert desk.operations.charge(operation, named, UID, "ip", 1) == ["50011"]
    other = _operation("cancel-order", desk.order())
    assert desk.operations.charge(other, named, UID, "ip", 1) == [None]


@pytest.mark.parametrize(("exp_time", "code"), [("1", "50036"), ("soon", "51000")])
def test_a_deadline_that_passed_as_it_arrives_is_refused(
    desk: _Desk, exp_time: str, code: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        desk.operations.admit(_operation("order", desk.order(), exp_time=exp_time), [None])
    assert refused.value.code == code


def test_an_operation_whose_orders_are_all_over_a_limit_is_refused(desk: _Desk) -> None:
    operation = _operation("batch-orders", desk.order(), desk.order())
    with pytest.raises(RefusedError) as refused:
        desk.operations.admit(operation, ["50061", "50011"])
    assert refused.value.code == "50061"
    assert desk.operations.admit(operation, [None, "50011"]) is None


def test_a_deadline_that_passes_on_the_way_is_refused_by_the_engine(desk: _Desk) -> None:
    assert desk.operations.admit(_operation("order", desk.order()), [None]) is None
    ack = desk.operations.carry_out(_operation("order", desk.order()), UID, [None], 1)
    assert [row["sCode"] for row in ack.rows] == ["50037"]


def test_mass_cancel_answers_as_its_rest_endpoint_does(desk: _Desk) -> None:
    args = {"instType": "OPTION", "instFamily": "BTC-USD"}
    ack = desk.operations.carry_out(_operation("mass-cancel", args), UID, [None], None)
    # Only accounts with market maker protection may.
    assert (ack.code, list(ack.rows)) == ("51411", [])


def test_an_answer_names_the_operation_and_its_times(desk: _Desk) -> None:
    operation = _operation("order", desk.order(clOrdId="a"))
    ack = desk.operations.carry_out(operation, UID, [None], None)
    frame = answer(operation, ack, 5, 9)
    assert (frame["id"], frame["op"], frame["code"], frame["msg"]) == ("7", "order", "0", "")
    assert (frame["inTime"], frame["outTime"]) == ("5", "9")
