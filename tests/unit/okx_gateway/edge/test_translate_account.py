import time
from dataclasses import replace

import pytest

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.domain.balance_event import BalanceChange, BalanceSnapshot
from okx_gateway.domain.market_notice import Heartbeat
from okx_gateway.domain.order import (
    Conflict,
    NotPlaced,
    OrderState,
    Outcome,
    Placed,
    Refused,
    Side,
)
from okx_gateway.domain.order_event import (
    Liquidity,
    NumberedChange,
    OrderChange,
    OrdersGap,
    OrdersGapReason,
    OrdersSnapshot,
    Resumed,
    Stale,
)
from okx_gateway.edge import translate_account
from okx_gateway.usecases.get_balance import DatedBalance
from okx_gateway.usecases.get_order import OrderAnswer
from tests.fakes.exchange import EMPTY_BALANCE
from tests.fakes.live_orders import a_fill
from tests.fakes.messages import BALANCE, MS, ORDER, shown

TIME = "2023-11-14T22:13:20.123Z"
FILL = a_fill("77", "9", fill_ms=MS)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("state", OrderState)
def test_an_order_as_okx_holds_it(side: Side, state: OrderState) -> None:
    order = replace(ORDER, side=side, state=state, cancel_source="1")
    told = shown(translate_account.order_response("main", OrderAnswer(Placed("77", MS), order)))
    assert told.pop("age")
    assert told == {
        "outcome": "ORDER_OUTCOME_PLACED",
        "order": {
            "account": "main",
            "client_order_id": "a1",
            "exchange_order_id": "77",
            "instrument": "BTC-USDT",
            "side": f"SIDE_{side.name}",
            "state": f"ORDER_STATE_{state.name}",
            "price": "30000.1",
            "quantity": "0.5",
            "filled_quantity": "0.1",
            "average_price": "30001",
            "fee": "-0.001",
            "fee_currency": "USDT",
            "tag": "desk7",
            "cancel_source": "1",
            "place_time": TIME,
            "update_time": TIME,
        },
    }


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (None, {"outcome": "ORDER_OUTCOME_IN_DOUBT", "resolve_time": TIME}),
        (Conflict("side"), {"outcome": "ORDER_OUTCOME_IN_DOUBT"}),
        (NotPlaced(), {"outcome": "ORDER_OUTCOME_NOT_PLACED"}),
        (
            Refused("51008", "no funds"),
            {
                "outcome": "ORDER_OUTCOME_REFUSED",
                "okx_code": "51008",
                "okx_message": "no funds",
            },
        ),
    ],
)
def test_what_became_of_an_order_that_okx_does_not_have(
    outcome: Outcome | None, told: dict[str, str]
) -> None:
    assert shown(translate_account.order_response("main", OrderAnswer(outcome, None, MS))) == told


def test_a_balance_says_how_old_it_is() -> None:
    message = translate_account.balance_response(DatedBalance(BALANCE, time.monotonic() - 1.5, MS))
    assert 1.5 <= message.age.ToNanoseconds() / 1e9 < 3
    assert shown(message.balance) == {
        "total_equity_usd": "8",
        "adjusted_equity_usd": "9",
        "currencies": [
            {
                "currency": "USDT",
                "cash": "1",
                "available": "2",
                "frozen": "3",
                "equity": "4",
                "equity_usd": "5",
                "liability": "6",
                "unrealised_profit": "-7",
                "update_time": TIME,
            }
        ],
        "update_time": TIME,
    }
    assert message.receive_time.ToMilliseconds() == MS


def test_a_balance_is_never_younger_than_now() -> None:
    dated = DatedBalance(EMPTY_BALANCE, time.monotonic() + 5, MS)
    assert translate_account.balance_response(dated).age.ToMilliseconds() == 0


def test_how_old_an_answer_may_be_is_said_or_not() -> None:
    request = api.GetBalanceRequest()
    assert translate_account.max_age_s(request) is None
    request.max_age.FromMilliseconds(1_500)
    assert translate_account.max_age_s(request) == 1.5
    request.max_age.FromMilliseconds(0)
    assert translate_account.max_age_s(request) == 0


@pytest.mark.parametrize("liquidity", [*Liquidity, None])
def test_a_change_of_an_order_has_its_token(liquidity: Liquidity | None) -> None:
    fill = replace(FILL, liquidity=liquidity)
    change = OrderChange(ORDER, fill, recovered=True, receive_ms=MS)
    message = translate_account.order_event_response("main", NumberedChange(change, "a1-7"))
    told = shown(message)
    assert told["resume_token"] == "a1-7"
    assert told["change"].pop("order")["account"] == "main"
    assert told["change"].pop("fill") == {
        "trade_id": "9",
        "price": "100",
        "quantity": "1",
        "fee": "-0.001",
        "fee_currency": "BTC",
        "fill_time": TIME,
        **({"liquidity": f"LIQUIDITY_{liquidity.name}"} if liquidity else {}),
    }
    assert told["change"] == {"recovered": True, "receive_time": TIME}


def test_a_change_without_a_trade_has_none() -> None:
    change = OrderChange(ORDER, None, recovered=False, receive_ms=MS)
    message = translate_account.order_event_response("main", NumberedChange(change, "a1-8"))
    assert not message.change.HasField("fill")


def test_a_change_is_made_once_for_all_its_readers() -> None:
    numbered = NumberedChange(OrderChange(ORDER, FILL, recovered=False, receive_ms=MS), "a1-9")
    first, second = (translate_account.order_event_response("main", numbered) for _ in range(2))
    assert first is second


def test_a_snapshot_of_open_orders() -> None:
    snapshot = OrdersSnapshot((ORDER, ORDER), last=True, token="a1-3")
    message = translate_account.order_event_response("main", snapshot)
    assert [each.exchange_order_id for each in message.snapshot.orders] == ["77", "77"]
    assert (message.snapshot.last, message.resume_token) == (True, "a1-3")


@pytest.mark.parametrize("reason", OrdersGapReason)
def test_every_gap_has_its_reason(reason: OrdersGapReason) -> None:
    told = shown(translate_account.order_event_response("main", OrdersGap(reason, MS)))
    assert told == {
        "gap": {"reason": f"ORDERS_GAP_REASON_{reason.name}", "detect_time": TIME},
    }


def test_what_is_told_of_a_stream_itself() -> None:
    events = (Stale(MS), Resumed(MS), Heartbeat(MS))
    told = [
        {"stale": {"detect_time": TIME}},
        {"resumed": {"resume_time": TIME}},
        {"heartbeat": {"send_time": TIME}},
    ]
    assert [shown(translate_account.order_event_response("main", each)) for each in events] == told
    assert [shown(translate_account.balance_event_response(each)) for each in events] == told


def test_a_balance_and_what_changes_in_it() -> None:
    message = translate_account.balance_event_response(BalanceSnapshot(BALANCE, MS))
    assert shown(message)["receive_time"] == TIME
    assert shown(message)["balance"]["total_equity_usd"] == "8"
    change = BalanceChange(
        total_equity_usd="3",
        adjusted_equity_usd="",
        currencies=BALANCE.currencies,
        update_ms=MS,
        receive_ms=MS,
    )
    told = shown(translate_account.balance_event_response(change))
    assert told["change"].pop("currencies")[0]["currency"] == "USDT"
    assert told == {
        "change": {"total_equity_usd": "3", "update_time": TIME},
        "receive_time": TIME,
    }
