from collections.abc import Callable
from decimal import Decimal
from functools import reduce
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.domain.errors import InvalidRequestError
from okx_gateway.domain.order import (
    Amend,
    AmendOutcome,
    AttachedExit,
    Cancel,
    CancelOutcome,
    Market,
    NewOrder,
    NewValues,
    OrderName,
    Placed,
    PositionSide,
    SelfTradePrevention,
    Side,
    TargetCurrency,
    TimeInForce,
    TradeMode,
    TriggerPriceType,
)
from okx_gateway.edge import translate
from okx_gateway.usecases.place_order import PlaceAnswer
from tests.fakes.messages import MS, a_request, shown
from tests.fakes.orders import an_order

TIME = "2023-11-14T22:13:20.123Z"


def ordered(**changes: Any) -> NewOrder:
    request = a_request(**changes)
    translate.check(request)
    return translate.new_order(request, request.account)


def wrong(request: Message) -> list[str]:
    """The fields that break a rule."""
    with pytest.raises(InvalidRequestError) as invalid:
        translate.check(request)
    return [violation.field for violation in invalid.value.violations]


def test_the_least_that_an_order_needs() -> None:
    assert ordered() == an_order()


def test_every_field_of_an_order_is_translated() -> None:
    order = ordered(
        side="SIDE_SELL",
        trade_mode="TRADE_MODE_ISOLATED",
        limit=None,
        market={"target_currency": "TARGET_CURRENCY_QUOTE"},
        position_side="POSITION_SIDE_SHORT",
        reduce_only=True,
        margin_currency="USDT",
        self_trade_prevention="SELF_TRADE_PREVENTION_CANCEL_BOTH",
        take_profit={"trigger_price": "31000"},
        stop_loss={
            "trigger_price": "29000",
            "trigger_price_type": "TRIGGER_PRICE_TYPE_MARK",
            "order_price": "28990.5",
        },
        tag="desk7",
    )
    assert order == an_order(
        side=Side.SELL,
        trade_mode=TradeMode.ISOLATED,
        kind=Market(TargetCurrency.QUOTE),
        position_side=PositionSide.SHORT,
        reduce_only=True,
        margin_currency="USDT",
        self_trade_prevention=SelfTradePrevention.CANCEL_BOTH,
        take_profit=AttachedExit(Decimal(31000), TriggerPriceType.LAST, None),
        stop_loss=AttachedExit(Decimal(29000), TriggerPriceType.MARK, Decimal("28990.5")),
        tag="desk7",
    )


@pytest.mark.parametrize(
    ("path", "meanings", "beside"),
    [
        ("side", Side, {}),
        ("trade_mode", TradeMode, {}),
        ("position_side", PositionSide, {}),
        ("self_trade_prevention", SelfTradePrevention, {}),
        ("limit.time_in_force", TimeInForce, {}),
        ("market.target_currency", TargetCurrency, {"limit": None, "market": {}}),
        ("stop_loss.trigger_price_type", TriggerPriceType, {"stop_loss": {"trigger_price": "1"}}),
    ],
)
def test_every_value_of_an_enum_has_its_meaning(path: str, meanings: Any, beside: Any) -> None:
    request = a_request(**beside)
    *outer, leaf = path.split(".")
    holder: Any = reduce(getattr, outer, request)
    values = holder.DESCRIPTOR.fields_by_name[leaf].enum_type.values
    for value, meaning in zip(values[1:], meanings, strict=True):
        assert value.name.endswith(f"_{meaning.name}")
        setattr(holder, leaf, value.number)
        part: Any = translate.new_order(request, request.account)
        for step in outer:
            part = part.kind if step in {"limit", "market"} else getattr(part, step)
        assert getattr(part, leaf) is meaning


def test_an_exit_that_was_not_given_is_none() -> None:
    order = ordered(market={}, limit=None)
    assert (order.take_profit, order.stop_loss) == (None, None)
    assert order.kind == Market(None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"account": None}, "account"),
        ({"account": "Main"}, "account"),
        ({"account": "main\n"}, "account"),
        ({"client_order_id": "a-1"}, "client_order_id"),
        ({"client_order_id": "a" * 33}, "client_order_id"),
        ({"client_order_id": "\u0663"}, "client_order_id"),
        ({"instrument": "btc-usdt"}, "instrument"),
        ({"instrument": "BTC-USDT\n"}, "instrument"),
        ({"side": None}, "side"),
        ({"side": 9}, "side"),
        ({"trade_mode": None}, "trade_mode"),
        *(({"quantity": text}, "quantity") for text in ("", "0", "0.0", "-1", "1e3", "01", "1.")),
        *(({"quantity": text}, "quantity") for text in ("NaN", "1\n", "\u0663", "9" * 19)),
        ({"limit": {"price": "1e3", "time_in_force": 1}}, "limit.price"),
        ({"limit": {"price": "1"}}, "limit.time_in_force"),
        ({"limit": None}, "kind"),
        ({"position_side": 7}, "position_side"),
        ({"margin_currency": "usdt"}, "margin_currency"),
        ({"self_trade_prevention": 9}, "self_trade_prevention"),
        ({"take_profit": {"trigger_price": "0"}}, "take_profit.trigger_price"),
        ({"stop_loss": {"trigger_price": "1", "order_price": "-1"}}, "stop_loss.order_price"),
        ({"tag": "a" * 17}, "tag"),
    ],
)
def test_each_rule_of_the_proto_names_its_field(changes: dict[str, Any], field: str) -> None:
    assert wrong(a_request(**changes)) == [field]


def test_everything_wrong_is_told_at_once() -> None:
    request = a_request(account="X", side=None, quantity="0", limit=None)
    assert sorted(wrong(request)) == ["account", "kind", "quantity", "side"]


def test_a_rule_over_two_fields_names_the_one_it_is_about() -> None:
    limit = {"price": "1", "time_in_force": "TIME_IN_FORCE_FILL_OR_KILL"}
    request = a_request(limit=limit, self_trade_prevention="SELF_TRADE_PREVENTION_CANCEL_BOTH")
    with pytest.raises(InvalidRequestError) as invalid:
        translate.check(request)
    [violation] = invalid.value.violations
    assert violation.field == "self_trade_prevention"
    assert violation.description.startswith("must not be")


def test_what_was_given_is_quoted_up_to_a_bound() -> None:
    with pytest.raises(InvalidRequestError) as invalid:
        translate.check(a_request(quantity="9" * 500))
    assert invalid.value.violations[0].value == "9" * 64


def test_an_element_of_a_list_is_named_by_its_place() -> None:
    request = api.StreamTickerRequest(instruments=["BTC-USDT", "x"])
    assert wrong(request) == ["instruments[1]"]
    assert wrong(api.StreamTickerRequest()) == ["instruments"]
    assert wrong(api.GetBalanceRequest(account="main", currencies=["BTC", "BTC"])) == ["currencies"]


def amended(**fields: str) -> api.AmendOrderRequest:
    return api.AmendOrderRequest(**{"new_price": "1", **fields})


@pytest.mark.parametrize("kind", [api.CancelOrderRequest, api.GetOrderRequest, amended])
def test_an_order_is_named_by_exactly_one_id(kind: Callable[..., Any]) -> None:
    ours = kind(account="main", client_order_id="a1")
    translate.check(ours)
    assert translate.order_name(ours) == OrderName("a1")
    theirs = kind(account="main", exchange_order_id="77", instrument="BTC-USDT")
    translate.check(theirs)
    assert translate.order_name(theirs) == OrderName(exchange_order_id="77")
    assert wrong(kind(account="main")) == ["order_id"]
    assert wrong(kind(account="main", exchange_order_id="77")) == ["instrument"]


def test_an_amend_asks_for_a_new_quantity_a_new_price_or_both() -> None:
    which = {"account": "main", "client_order_id": "a1"}
    for given_, quantity, price in (
        ({"new_quantity": "0.50"}, Decimal("0.5"), None),
        ({"new_price": "30000.1"}, None, Decimal("30000.1")),
        ({"new_quantity": "1", "new_price": "2"}, Decimal(1), Decimal(2)),
    ):
        request = api.AmendOrderRequest(**which, **given_)
        translate.check(request)
        assert translate.new_values(request) == NewValues(quantity, price)
    assert wrong(api.AmendOrderRequest(**which)) == ["new_quantity"]
    for amount in ("0", "-1", "1e3", "+1", "1.", "٣"):
        request = api.AmendOrderRequest(**which, new_quantity=amount, new_price=amount)
        assert wrong(request) == ["new_quantity", "new_price"]


@pytest.mark.parametrize("outcome", AmendOutcome)
def test_every_outcome_of_an_amend_has_its_name(outcome: AmendOutcome) -> None:
    assert shown(translate.amend_response(Amend(outcome, "a1", "77", MS))) == {
        "outcome": f"AMEND_OUTCOME_{outcome.name}",
        "client_order_id": "a1",
        "exchange_order_id": "77",
        "update_time": TIME,
    }


@given(st.binary(max_size=200))
def test_whatever_parses_is_either_refused_or_an_order(content: bytes) -> None:
    try:
        request = api.PlaceOrderRequest.FromString(content)
    except Exception:  # noqa: BLE001  # protobuf's own error: not our concern here
        return
    try:
        translate.check(request)
    except InvalidRequestError:
        return
    assert translate.new_order(request, request.account).quantity > 0


def test_an_order_that_was_placed() -> None:
    placed = Placed("77", MS, 1_700_000_000_123_456, 1_700_000_000_124_000)
    assert shown(translate.place_response(an_order(), PlaceAnswer(placed, replayed=True))) == {
        "outcome": "ORDER_OUTCOME_PLACED",
        "client_order_id": "a1",
        "exchange_order_id": "77",
        "place_time": TIME,
        "exchange_receive_time": "2023-11-14T22:13:20.123456Z",
        "exchange_send_time": "2023-11-14T22:13:20.124Z",
        "replayed": True,
    }


def test_times_that_are_not_known_are_left_out() -> None:
    answer = PlaceAnswer(Placed("77", 0), replayed=False)
    message = translate.place_response(an_order(), answer)
    assert set(shown(message)) == {"outcome", "client_order_id", "exchange_order_id"}


@pytest.mark.parametrize("outcome", CancelOutcome)
def test_every_outcome_of_a_cancel_has_its_name(outcome: CancelOutcome) -> None:
    assert shown(translate.cancel_response(Cancel(outcome, "a1", "77", MS))) == {
        "outcome": f"CANCEL_OUTCOME_{outcome.name}",
        "client_order_id": "a1",
        "exchange_order_id": "77",
        "update_time": TIME,
    }
