import json
from decimal import Decimal
from typing import Any

import pytest

from okx_gateway.domain.instrument import InstrumentType
from okx_gateway.domain.order import (
    AttachedExit,
    Limit,
    Market,
    NewOrder,
    Order,
    OrderName,
    OrderState,
    PositionSide,
    SelfTradePrevention,
    Side,
    TargetCurrency,
    TimeInForce,
    TradeMode,
    TriggerPriceType,
)
from okx_gateway.okx.order_codec import (
    amend_parameters,
    body_of,
    first_difference,
    name_parameters,
    order_from_row,
    place_parameters,
)
from okx_gateway.okx.reply import UnreadableReplyError
from tests.fakes.orders import an_instrument, an_order

# OKX docs, "Order details", the example of a response.
DETAILS: dict[str, Any] = json.loads("""{
    "accFillSz": "0.00192834", "algoClOrdId": "", "algoId": "", "attachAlgoClOrdId": "",
    "attachAlgoOrds": [], "avgPx": "51858", "cTime": "1708587373361", "cancelSource": "",
    "cancelSourceReason": "", "category": "normal", "ccy": "", "clOrdId": "",
    "fee": "-0.00000192834", "feeCcy": "BTC", "fillPx": "51858", "fillSz": "0.00192834",
    "fillTime": "1708587373361", "instId": "BTC-USDT", "instType": "SPOT",
    "isTpLimit": "false", "lever": "", "linkedAlgoOrd": {"algoId": ""},
    "ordId": "680800019749904384", "ordType": "market", "pnl": "0", "posSide": "net",
    "px": "", "pxType": "", "pxUsd": "", "pxVol": "", "quickMgnType": "", "rebate": "0",
    "rebateCcy": "USDT", "reduceOnly": "false", "side": "buy", "slOrdPx": "",
    "slTriggerPx": "", "slTriggerPxType": "", "source": "", "state": "filled", "stpId": "",
    "stpMode": "", "sz": "100", "tag": "", "tdMode": "cash", "tgtCcy": "quote_ccy",
    "tpOrdPx": "", "tpTriggerPx": "", "tpTriggerPxType": "", "tradeId": "744876980",
    "uTime": "1708587373362"
}""")


def written(order: NewOrder, kind: InstrumentType = InstrumentType.SPOT) -> dict[str, Any]:
    parameters = json.loads(body_of(place_parameters(order, an_instrument(kind))))
    assert isinstance(parameters, dict)
    return parameters


BASIS = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "clOrdId": "a1"}


@pytest.mark.parametrize(
    ("time_in_force", "order_type"),
    [
        (TimeInForce.GOOD_TILL_CANCELLED, "limit"),
        (TimeInForce.POST_ONLY, "post_only"),
        (TimeInForce.FILL_OR_KILL, "fok"),
        (TimeInForce.IMMEDIATE_OR_CANCEL, "ioc"),
    ],
)
def test_a_limit_order_has_its_price_and_its_type(
    time_in_force: TimeInForce, order_type: str
) -> None:
    order = an_order(kind=Limit(Decimal("2.15"), time_in_force), quantity=Decimal("2.00"))
    assert written(order) == BASIS | {"ordType": order_type, "px": "2.15", "sz": "2"}


@pytest.mark.parametrize(
    ("target", "unit"),
    [
        (None, "base_ccy"),
        (TargetCurrency.BASE, "base_ccy"),
        (TargetCurrency.QUOTE, "quote_ccy"),
    ],
)
@pytest.mark.parametrize("side", Side)
def test_a_market_order_on_spot_says_its_unit_and_may_not_be_shrunk(
    side: Side, target: TargetCurrency | None, unit: str
) -> None:
    assert written(an_order(kind=Market(target), side=side)) == BASIS | {
        "side": side.value,
        "ordType": "market",
        "sz": "0.5",
        "tgtCcy": unit,
        "banAmend": True,
    }


@pytest.mark.parametrize("kind", [each for each in InstrumentType if each.name != "SPOT"])
def test_a_market_order_elsewhere_has_neither(kind: InstrumentType) -> None:
    # OKX docs, "Place order": tgtCcy and banAmend are only applicable to SPOT market orders.
    order = an_order(kind=Market(), trade_mode=TradeMode.CROSS)
    assert written(order, kind) == BASIS | {"tdMode": "cross", "ordType": "market", "sz": "0.5"}


def test_every_option_has_its_parameter() -> None:
    order = an_order(
        trade_mode=TradeMode.ISOLATED,
        side=Side.SELL,
        position_side=PositionSide.LONG,
        reduce_only=True,
        margin_currency="USDT",
        self_trade_prevention=SelfTradePrevention.CANCEL_TAKER,
        tag="desk7",
        take_profit=AttachedExit(Decimal("31000.0")),
        stop_loss=AttachedExit(Decimal(29000), TriggerPriceType.MARK, Decimal("28990.5")),
    )
    assert written(order, InstrumentType.SWAP) == {
        "instId": "BTC-USDT",
        "tdMode": "isolated",
        "side": "sell",
        "clOrdId": "a1",
        "sz": "0.5",
        "ordType": "limit",
        "px": "30000.1",
        "posSide": "long",
        "reduceOnly": True,
        "ccy": "USDT",
        "stpMode": "cancel_taker",
        "tag": "desk7",
        "attachAlgoOrds": [
            {
                "tpTriggerPx": "31000",
                "tpTriggerPxType": "last",
                "tpOrdPx": "-1",
                "slTriggerPx": "29000",
                "slTriggerPxType": "mark",
                "slOrdPx": "28990.5",
            }
        ],
    }


def test_only_the_exits_that_were_given_are_attached() -> None:
    order = an_order(stop_loss=AttachedExit(Decimal(29000), TriggerPriceType.INDEX))
    assert written(order)["attachAlgoOrds"] == [
        {"slTriggerPx": "29000", "slTriggerPxType": "index", "slOrdPx": "-1"}
    ]


def test_amounts_are_text_without_an_exponent() -> None:
    tiny = Limit(Decimal("1E-9"), TimeInForce.GOOD_TILL_CANCELLED)
    body = body_of(place_parameters(an_order(kind=tiny, quantity=Decimal("1E+3")), an_instrument()))
    assert b'"px":"0.000000001"' in body
    assert b'"sz":"1000"' in body


def test_the_id_of_okx_is_preferred_to_name_an_order() -> None:
    assert name_parameters("BTC-USDT", OrderName("a1")) == {"instId": "BTC-USDT", "clOrdId": "a1"}
    assert name_parameters("BTC-USDT", OrderName("a1", "77")) == {
        "instId": "BTC-USDT",
        "ordId": "77",
    }


def test_details_are_read() -> None:
    assert order_from_row(DETAILS) == Order(
        client_order_id="",
        exchange_order_id="680800019749904384",
        instrument="BTC-USDT",
        side=Side.BUY,
        state=OrderState.FILLED,
        price="",
        quantity="100",
        filled_quantity="0.00192834",
        average_price="51858",
        fee="-0.00000192834",
        fee_currency="BTC",
        tag="",
        cancel_source="",
        place_ms=1708587373361,
        update_ms=1708587373362,
    )


@pytest.mark.parametrize(
    ("state", "meaning"),
    [
        ("live", OrderState.LIVE),
        ("partially_filled", OrderState.PARTIALLY_FILLED),
        ("filled", OrderState.FILLED),
        ("canceled", OrderState.CANCELLED),
        ("mmp_canceled", OrderState.CANCELLED),
    ],
)
def test_a_source_of_cancelling_is_told_of_cancelled_orders_only(
    state: str, meaning: OrderState
) -> None:
    order = order_from_row(DETAILS | {"state": state, "cancelSource": "1"})
    assert order.state is meaning
    assert order.cancel_source == ("1" if meaning is OrderState.CANCELLED else "")


def test_a_state_that_okx_adds_is_told_as_another() -> None:
    assert order_from_row(DETAILS | {"state": "rebased"}).state is OrderState.OTHER


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": ""},
        {"state": None},
        {"side": "BUY"},
        {"side": ""},
        {"ordId": ""},
        {"ordId": 680800019749904384},
        {"sz": 100},
        {"cTime": "soon"},
        {"uTime": 1708587373362},
    ],
)
def test_details_that_are_not_as_documented_are_not_read(wrong: dict[str, object]) -> None:
    with pytest.raises(UnreadableReplyError):
        order_from_row(DETAILS | wrong)


LIMIT = {
    "instId": "BTC-USDT",
    "side": "buy",
    "tdMode": "cash",
    "sz": "0.5",
    "ordType": "limit",
    "px": "30000.1",
    "posSide": "net",
    "cTime": "1708587373361",
    "uTime": "1708587373361",
}


@pytest.mark.parametrize("change", [{}, {"sz": "0.50"}, {"px": "30000.10"}, {"posSide": ""}])
def test_the_same_order_has_no_difference_however_it_is_written(change: dict[str, str]) -> None:
    assert first_difference(an_order(), LIMIT | change, sent=True) == ""


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"instId": "ETH-USDT", "side": "sell"}, "instrument"),
        ({"side": "sell"}, "side"),
        ({"tdMode": "cross"}, "trade_mode"),
        ({"sz": "0.51"}, "quantity"),
        ({"sz": ""}, "quantity"),
        ({"sz": None}, "quantity"),
        ({"sz": "NaN"}, "quantity"),
        ({"ordType": "market"}, "kind"),
        ({"px": "30000.2"}, "price"),
        ({"px": ""}, "price"),
        ({"posSide": "long"}, "position_side"),
    ],
)
def test_the_first_difference_is_named(change: dict[str, Any], field: str) -> None:
    assert first_difference(an_order(), LIMIT | change, sent=True) == field


@pytest.mark.parametrize("change", [{"sz": "0.51"}, {"px": "30000.2"}])
def test_what_an_amend_changes_tells_no_order_apart_that_was_changed(
    change: dict[str, Any],
) -> None:
    changed = LIMIT | {"uTime": "1708587373362"}
    assert first_difference(an_order(), changed | change, sent=True) == ""
    assert first_difference(an_order(), changed | change | {"side": "sell"}, sent=True) == "side"
    # Where it is not known that ours was ever sent, they are all that there is to go by.
    assert first_difference(an_order(), changed | change, sent=False) in ("quantity", "price")


def test_a_market_order_has_no_price_to_differ_in() -> None:
    order = an_order(kind=Market(TargetCurrency.QUOTE), quantity=Decimal(100))
    assert first_difference(order, DETAILS, sent=True) == ""
    assert first_difference(order, DETAILS | {"ordType": "limit"}, sent=True) == "kind"


def test_a_position_side_has_to_be_there_where_it_was_ordered() -> None:
    order = an_order(position_side=PositionSide.LONG)
    assert first_difference(order, LIMIT | {"posSide": "long"}, sent=True) == ""
    assert first_difference(order, LIMIT, sent=True) == "position_side"


@pytest.mark.parametrize(
    ("quantity", "price", "changed"),
    [
        (Decimal("1.50"), None, {"newSz": "1.5"}),
        (None, Decimal("30000.10"), {"newPx": "30000.1"}),
        (Decimal(2), Decimal("1E+2"), {"newSz": "2", "newPx": "100"}),
    ],
)
def test_an_amend_names_the_new_values_and_never_lets_its_failure_cancel(
    quantity: Decimal | None, price: Decimal | None, changed: dict[str, str]
) -> None:
    parameters = amend_parameters("BTC-USDT", "77", quantity=quantity, price=price, amend_id="r1")
    named = {"instId": "BTC-USDT", "ordId": "77", "reqId": "r1", "cxlOnFail": False}
    assert json.loads(body_of(parameters)) == named | changed
