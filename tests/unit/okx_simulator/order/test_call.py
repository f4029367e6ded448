from typing import Any

import pytest

from okx_simulator.error_code import RefusedError
from okx_simulator.order.call import read_exp_time
from tests.support.trading_floor import MINE, SPOT, Floor, settings


@pytest.fixture
def floor() -> Floor:
    floor = Floor()
    floor.move(SPOT, 100_000)
    return floor


def named(order: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"instId": SPOT, "ordId": order["ordId"], **more}


def test_the_ack_names_the_order(floor: Floor) -> None:
    ack = floor.ack(floor.order(px="99000", clOrdId="b15", tag="x"))
    (row,) = ack.rows
    assert (ack.code, ack.message) == ("0", "")
    assert (row["sCode"], row["clOrdId"], row["tag"], row["subCode"]) == ("0", "b15", "x", "")
    assert row["ordId"].isdigit()
    assert row["ts"] == str(floor.clock.now_ms())


def test_a_refusal_repeats_what_was_asked(floor: Floor) -> None:
    ack = floor.ack(floor.order(px="99000", sz="100", clOrdId="b16"))
    (row,) = ack.rows
    assert (ack.code, ack.message) == ("1", "All operations failed")
    assert (row["ordId"], row["clOrdId"], row["sCode"]) == ("", "b16", "51008")
    assert row["sMsg"] == "Order failed. Insufficient USDT balance in account"


def test_a_batch_answers_in_order(floor: Floor) -> None:
    good = floor.order(px="99000")
    ack = floor.ack(good, {**good, "sz": "0"}, good)
    assert ack.code == "2"
    assert [row["sCode"] for row in ack.rows] == ["0", "51000", "0"]


def test_batches_are_bounded(floor: Floor) -> None:
    assert floor.ack(*[floor.order(px="99000")] * 21).code == "51111"
    assert floor.exchange.cancel(MINE, [{}] * 21).code == "51406"
    assert floor.exchange.amend(MINE, [{}] * 21).code == "51501"
    assert floor.exchange.account(MINE).orders.pending == {}


def test_a_client_id_is_unique_while_pending_only(floor: Floor) -> None:
    order = floor.place("buy", "limit", px="99000", clOrdId="same")
    assert floor.refused("buy", "limit", px="99000", clOrdId="same") == "51016"
    floor.exchange.cancel(MINE, [named(order)])
    again = floor.place("buy", "market", sz="100", clOrdId="same")
    assert again["state"] == "filled"
    third = floor.place("buy", "market", sz="100", clOrdId="same")
    (latest,) = floor.get("/trade/order", instId=SPOT, clOrdId="same")
    assert latest["ordId"] == third["ordId"]


def test_a_client_id_occurs_once_in_a_batch_though_its_order_is_done(floor: Floor) -> None:
    market = floor.order("buy", "market", sz="100", clOrdId="twice")
    assert [row["sCode"] for row in floor.ack(market, market).rows] == ["0", "51016"]


def test_cancelling(floor: Floor) -> None:
    order = floor.place("buy", "limit", px="99000", clOrdId="c1")
    ack = floor.exchange.cancel(MINE, [{"instId": SPOT, "ordId": order["ordId"], "clOrdId": "x"}])
    assert ack.rows[0]["clOrdId"] == "c1"
    assert floor.look(order["ordId"])["cancelSource"] == "1"
    codes = {
        "51400": named(order),
        "51407": {"instId": SPOT},
        "51001": {"instId": "NO-SUCH", "ordId": "1"},
        "50014": {"ordId": "1"},
    }
    for code, params in codes.items():
        assert floor.exchange.cancel(MINE, [params]).rows[0]["sCode"] == code


def test_an_order_is_not_found_under_another_instrument(floor: Floor) -> None:
    order = floor.place("buy", "limit", px="99000")
    ack = floor.exchange.cancel(MINE, [{"instId": "ETH-USDT", "ordId": order["ordId"]}])
    assert ack.rows[0]["sCode"] == "51400"


def test_amending(floor: Floor) -> None:
    order = floor.place("buy", "limit", px="99000", sz="0.01")
    change = named(order, newSz="0.02", newPx="98000", reqId="r1")
    (row,) = floor.exchange.amend(MINE, [change]).rows
    assert (row["sCode"], row["reqId"], row["ordId"]) == ("0", "r1", order["ordId"])
    push = floor.pushes(order["ordId"])[-1]
    assert (push["amendResult"], push["reqId"], push["sz"], push["px"]) == (
        *("0", "r1", "0.02", "98000"),
    )
    assert floor.detail("USDT")["ordFrozen"] == "1960"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "51500"),
        ({"newSz": "0.000000001"}, "51121"),
        ({"newSz": "0.000001"}, "51020"),
        ({"newPx": "0.05"}, "51150"),
        ({"newPx": "200000"}, "51006"),
        ({"newPxUsd": "1"}, "51000"),
        ({"newPx": "1", "newPxVol": "1"}, "51176"),
        ({"newSz": "100"}, "51502"),
        ({"newSz": "1000"}, "51203"),
        ({"newSz": "0.02", "reqId": "not-a-word"}, "51000"),
    ],
)
def test_what_cannot_be_amended(floor: Floor, change: dict[str, str], code: str) -> None:
    order = floor.place("buy", "limit", px="99000")
    assert floor.exchange.amend(MINE, [named(order, **change)]).rows[0]["sCode"] == code
    assert floor.look(order["ordId"])["sz"] == "0.01"
    assert floor.detail("USDT")["ordFrozen"] == "990"


def test_a_failed_amend_cancels_if_asked_to(floor: Floor) -> None:
    order = floor.place("buy", "limit", px="99000")
    change = named(order, newSz="100", cxlOnFail=True, reqId="r2")
    assert floor.exchange.amend(MINE, [change]).rows[0]["sCode"] == "51502"
    failed, canceled = floor.pushes(order["ordId"])[-2:]
    assert (failed["amendResult"], failed["code"], failed["reqId"]) == ("1", "51502", "r2")
    assert canceled["state"] == "canceled"


def test_a_size_that_is_filled_already_fills_the_order(floor: Floor) -> None:
    order = floor.place("buy", "limit", px="99000", sz="9")
    floor.move(SPOT, 98_999.9)
    part = floor.look(order["ordId"])["accFillSz"]
    floor.exchange.amend(MINE, [named(order, newSz="0.00001")])
    done = floor.look(order["ordId"])
    assert (done["state"], done["accFillSz"]) == ("filled", part)


def test_an_amended_price_can_take(floor: Floor) -> None:
    order = floor.place("buy", "limit", px="99000")
    floor.exchange.amend(MINE, [named(order, newPx="100500")])
    assert floor.look(order["ordId"])["state"] == "filled"
    shy = floor.place("buy", "post_only", px="99000")
    ack = floor.exchange.amend(MINE, [named(shy, newPx="100500")])
    assert ack.rows[0]["sCode"] == "51511"
    assert floor.look(shy["ordId"])["px"] == "99000"


def test_an_order_is_amended_once_in_a_batch(floor: Floor) -> None:
    order = floor.place("buy", "limit", px="99000")
    ack = floor.exchange.amend(MINE, [named(order, newSz="0.02"), named(order, newSz="0.03")])
    assert [row["sCode"] for row in ack.rows] == ["0", "51512"]
    done = floor.place("buy", "market", sz="100")
    assert floor.exchange.amend(MINE, [named(done, newSz="200")]).rows[0]["sCode"] == "51503"


def test_attached_prices_are_amended(floor: Floor) -> None:
    attached = [{"tpTriggerPx": "110000", "tpOrdPx": "-1", "slTriggerPx": "90000", "slOrdPx": "-1"}]
    order = floor.place("buy", "limit", px="99000", attachAlgoOrds=attached)
    name = order["attachAlgoOrds"][0]["attachAlgoId"]
    change = {"attachAlgoId": name, "newTpTriggerPx": "0", "newSlTriggerPx": "91000"}
    floor.exchange.amend(MINE, [named(order, attachAlgoOrds=[change])])
    (one,) = floor.look(order["ordId"])["attachAlgoOrds"]
    assert (one["tpTriggerPx"], one["slTriggerPx"], one["attachAlgoId"]) == ("", "91000", name)
    unknown = named(order, attachAlgoOrds=[{"attachAlgoId": "1"}])
    assert floor.exchange.amend(MINE, [unknown]).rows[0]["sCode"] == "51527"


def test_a_deadline_is_checked_on_arrival_and_by_the_engine(floor: Floor) -> None:
    now_us = floor.clock.now_us()
    assert read_exp_time("", now_us) is None
    assert read_exp_time(str(now_us // 1_000), now_us) == now_us // 1_000
    for raw, code in ((str(now_us // 1_000 - 1), "50036"), ("soon", "51000")):
        with pytest.raises(RefusedError) as refused:
            read_exp_time(raw, now_us)
        assert refused.value.code == code
    late_ms = floor.clock.now_ms() - 1
    order = floor.place("buy", "limit", px="99000")
    ack = floor.ack(floor.order(px="99000"), exp_ms=late_ms)
    assert ack.rows[0]["sCode"] == "50037"
    change = named(order, newSz="0.02")
    ack = floor.exchange.amend(MINE, [change], exp_ms=late_ms)
    assert ack.rows[0]["sCode"] == "50037"
    assert floor.look(order["ordId"])["sz"] == "0.01"


def test_elements_over_a_limit_are_refused_one_by_one(floor: Floor) -> None:
    order = floor.order(px="99000")
    ack = floor.ack(order, order, refusals=("50011", None))
    assert [row["sCode"] for row in ack.rows] == ["50011", "0"]


def test_portfolio_margin_takes_all_of_a_batch_or_none() -> None:
    floor = Floor(settings(account_level="4"))
    floor.move(SPOT, 100_000)
    good = floor.order(px="99000")
    ack = floor.ack(good, {**good, "sz": "100"}, good)
    assert [row["sCode"] for row in ack.rows] == ["54004", "51008", "54004"]
    assert floor.exchange.account(MINE).orders.pending == {}
    assert floor.detail("USDT")["ordFrozen"] == "0"
    assert floor.ack(good, good).code == "0"


def test_portfolio_margin_counts_a_batch_together() -> None:
    floor = Floor(settings(account_level="4"))
    floor.move(SPOT, 100_000)
    half = floor.order(px="99000", sz="6")
    assert [row["sCode"] for row in floor.ack(half, half).rows] == ["54004", "51008"]
