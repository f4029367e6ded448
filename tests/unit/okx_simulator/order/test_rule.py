from decimal import Decimal
from typing import Any

import pytest

from okx_simulator.error_code import RefusedError
from okx_simulator.market.listing import Listing
from okx_simulator.order.rule import AccountMode, read_order
from tests.support.trading_floor import listed

LISTING = Listing(1_795_363_200_000)
FUTURES = AccountMode("2", "net_mode", "cancel_maker")
SPOT = AccountMode("1", "net_mode", "cancel_maker")
HEDGED = AccountMode("2", "long_short_mode", "cancel_maker")
MULTI = AccountMode("3", "net_mode", "cancel_maker")
PORTFOLIO = AccountMode("4", "net_mode", "cancel_both")
PAIR = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit"}
PAIR |= {"px": "99000", "sz": "0.01"}
SWAP = PAIR | {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "sz": "1"}
OPTION = PAIR | {"instId": "BTC-USD-261225-100000-C", "tdMode": "cross", "px": "0.05", "sz": "1"}


def code_of(params: dict[str, Any], mode: AccountMode = FUTURES) -> str:
    with pytest.raises(RefusedError) as refused:
        read_order(params, mode, LISTING)
    return refused.value.code


@pytest.mark.parametrize(
    ("params", "code"),
    [
        (PAIR | {"instId": ""}, "50014"),
        (PAIR | {"instId": "BTC-XYZ"}, "51001"),
        (PAIR | {"tdMode": "money"}, "51000"),
        (PAIR | {"tdMode": None}, "50014"),
        (PAIR | {"side": "hold"}, "51000"),
        (PAIR | {"ordType": "gtc"}, "51000"),
        (PAIR | {"px": ""}, "51204"),
        (PAIR | {"px": "many"}, "51000"),
        (PAIR | {"px": "-1"}, "51000"),
        (PAIR | {"px": "99000.05"}, "51150"),
        (PAIR | {"sz": ""}, "50014"),
        (PAIR | {"sz": "0"}, "51000"),
        (PAIR | {"sz": "0.000009"}, "51020"),
        (PAIR | {"sz": "0.010000001"}, "51121"),
        (PAIR | {"sz": ["1"]}, "51000"),
        (SWAP | {"sz": "0.001"}, "51007"),
        (SWAP | {"sz": "0.015"}, "51121"),
        (SWAP | {"tdMode": "cash"}, "51000"),
        (SWAP | {"posSide": "long"}, "51000"),
        (PAIR | {"clOrdId": "with-dash"}, "51000"),
        (PAIR | {"clOrdId": "x" * 33}, "51000"),
        (PAIR | {"tag": "x" * 17}, "51000"),
        (PAIR | {"tgtCcy": "usd", "ordType": "market"}, "51000"),
        (PAIR | {"tradeQuoteCcy": "USDC"}, "51000"),
        (PAIR | {"reduceOnly": "maybe"}, "51000"),
        (PAIR | {"ordType": "fok", "stpMode": "cancel_both"}, "54036"),
        (PAIR | {"ordType": "optimal_limit_ioc"}, "51000"),
        (PAIR | {"ordType": "mmp"}, "51036"),
        (PAIR | {"tdMode": "spot_isolated"}, "51010"),
        (PAIR | {"instId": "OKB-USDT", "tdMode": "cross"}, "51010"),
        (PAIR | {"tdMode": "isolated"}, "50014"),
        (OPTION | {"px": ""}, "51175"),
        (OPTION | {"pxVol": "0.5"}, "51176"),
        (OPTION | {"ordType": "market"}, "51066"),
        (OPTION | {"ordType": "mmp"}, "51036"),
    ],
)
def test_each_rule_has_its_code(params: dict[str, Any], code: str) -> None:
    assert code_of(params) == code


@pytest.mark.parametrize(
    ("params", "mode", "code"),
    [
        (SWAP, SPOT, "51010"),
        (PAIR | {"tdMode": "cross"}, SPOT, "51010"),
        (SWAP, HEDGED, "51000"),
        (SWAP | {"tdMode": "isolated"}, MULTI, "50072"),
        (PAIR | {"tdMode": "isolated"}, PORTFOLIO, "50072"),
    ],
)
def test_rules_depend_on_the_account(params: dict[str, Any], mode: AccountMode, code: str) -> None:
    assert code_of(params, mode) == code


def test_what_clients_leave_empty_takes_its_default() -> None:
    empty = dict.fromkeys(("ccy", "clOrdId", "tag", "posSide", "tgtCcy", "stpMode", "px"), "")
    order = read_order(
        PAIR | empty | {"ordType": "market", "attachAlgoOrds": None, "sz": 100}, FUTURES, LISTING
    )
    assert (order.tgt_ccy, order.stp_mode, order.trade_quote_ccy) == (
        *("quote_ccy", "cancel_maker", "USDT"),
    )
    assert (order.sz, order.px, order.pos_side) == (Decimal(100), None, "")
    assert read_order(PAIR | {"ordType": "market", "side": "sell"}, FUTURES, LISTING).tgt_ccy == (
        "base_ccy"
    )


def test_trailing_zeros_do_not_matter() -> None:
    order = read_order(PAIR | {"sz": "0.0010000000", "px": "99000.00"}, FUTURES, LISTING)
    assert (order.sz, order.px) == (Decimal("0.001"), Decimal(99_000))


def test_tgt_ccy_means_nothing_on_a_limit_order() -> None:
    assert read_order(PAIR | {"tgtCcy": "quote_ccy"}, FUTURES, LISTING).tgt_ccy == ""


@pytest.mark.parametrize(
    ("td_mode", "mode", "inst_type"),
    [
        ("cash", FUTURES, "SPOT"),
        ("cross", FUTURES, "MARGIN"),
        ("isolated", FUTURES, "MARGIN"),
        ("cross", MULTI, "SPOT"),
        ("cash", MULTI, "SPOT"),
    ],
)
def test_a_pair_is_spot_or_margin_by_trade_mode(
    td_mode: str, mode: AccountMode, inst_type: str
) -> None:
    order = read_order(PAIR | {"tdMode": td_mode, "ccy": "USDT"}, mode, LISTING)
    assert order.instrument.inst_type == inst_type


def test_sockets_name_instruments_by_code() -> None:
    spot = listed(LISTING, "ETH-USDT")
    by_code = PAIR | {"instIdCode": spot.inst_id_code}
    assert read_order(by_code, FUTURES, LISTING, by_code=True).instrument is spot
    for code, wanted in ((None, "50014"), (1, "51001"), ("abc", "51001")):
        with pytest.raises(RefusedError) as refused:
            read_order(by_code | {"instIdCode": code}, FUTURES, LISTING, by_code=True)
        assert refused.value.code == wanted


def test_hedged_orders_name_their_side() -> None:
    order = read_order(SWAP | {"posSide": "short", "reduceOnly": True}, HEDGED, LISTING)
    assert (order.pos_side, order.reduce_only) == ("short", False)


def test_an_option_price_is_rounded_to_its_tick() -> None:
    assert read_order(OPTION | {"px": "0.05004"}, FUTURES, LISTING).px == Decimal("0.05")
    order = read_order(OPTION | {"px": "", "pxVol": "0.6"}, FUTURES, LISTING)
    assert (order.px_type, order.px_vol, order.px) == ("pxVol", "0.6", Decimal("0.6"))


def test_market_maker_orders_are_for_portfolio_margin() -> None:
    order = read_order(OPTION | {"ordType": "mmp", "stpMode": ""}, PORTFOLIO, LISTING)
    assert (order.ord_type, order.stp_mode) == ("mmp", "cancel_both")
