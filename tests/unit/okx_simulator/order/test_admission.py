import pytest

from okx_simulator.order import admission
from tests.support.trading_floor import INVERSE, OTHER, SPOT, SWAP, Floor, settings

OPTION = "BTC-USD-261225-100000-C"


@pytest.fixture
def floor() -> Floor:
    floor = Floor()
    floor.move(SPOT, 100_000)
    return floor


def test_prices_outside_the_band_are_refused_or_moved(floor: Floor) -> None:
    assert floor.refused("buy", "limit", px="106000") == "51006"
    assert floor.refused("sell", "limit", px="94000") == "51006"
    moved = floor.place("sell", "limit", px="94000", pxAmendType="1")
    assert moved["px"] == "95000"
    assert floor.place("sell", "limit", px="106000")["state"] == "live"
    assert floor.place("buy", "limit", px="50000")["state"] == "live"


def test_option_prices_in_usd_and_volatility_become_coins(floor: Floor) -> None:
    option = {"instId": OPTION, "tdMode": "cross", "sz": "1"}
    in_usd = floor.place("buy", "limit", pxUsd="1000", **option)
    assert (in_usd["px"], in_usd["pxType"], in_usd["pxUsd"]) == ("0.01", "pxUsd", "1000")
    by_volatility = floor.place("buy", "limit", pxVol="0.3", **option)
    assert 0 < float(by_volatility["px"]) < float(floor.mark(OPTION))


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"instId": SWAP, "tdMode": "cross", "ordType": "market", "sz": "20001"}, "51202"),
        ({"instId": SWAP, "tdMode": "cross", "px": "99000", "sz": "100000001"}, "51101"),
        ({"px": "99000", "sz": "9999999999.1"}, "51005"),
        ({"px": "99000", "sz": "300"}, "51203"),
        ({"ordType": "market", "sz": "1000001"}, "51201"),
        ({"px": "99000", "sz": "20"}, "51008"),
        ({"side": "sell", "px": "101000", "sz": "11"}, "51008"),
        ({"ordType": "market", "side": "sell", "sz": "1500000", "tgtCcy": "quote_ccy"}, "51201"),
        ({"instId": SWAP, "tdMode": "cross", "px": "99000", "sz": "4900"}, "51008"),
    ],
)
def test_sizes_and_funds_are_checked(floor: Floor, given: dict[str, str], code: str) -> None:
    ack = floor.ack(floor.order(**given))
    assert ack.rows[0]["sCode"] == code
    assert floor.detail("USDT")["frozenBal"] == floor.detail("BTC")["frozenBal"] == "0"


def test_a_position_has_a_largest_size_at_its_leverage() -> None:
    floor = Floor(settings(balances={"USDT": 10_000_000}))
    floor.move(SWAP, 100_000)
    floor.post("/account/set-leverage", instId=SWAP, lever="100", mgnMode="cross")
    large = {"instId": SWAP, "tdMode": "cross", "px": "99000", "sz": "6000"}
    assert floor.refused("buy", "limit", **large) == "51004"
    floor.post("/account/set-leverage", instId=SWAP, lever="20", mgnMode="cross")
    assert floor.place("buy", "limit", **large)["state"] == "live"


def test_margin_is_a_share_of_the_worth(floor: Floor) -> None:
    floor.post("/account/set-leverage", instId=SWAP, lever="10", mgnMode="cross")
    floor.place("buy", "limit", instId=SWAP, tdMode="cross", px="99000", sz="10")
    assert floor.detail("USDT")["ordFrozen"] == "990"
    floor.place("sell", "limit", instId=INVERSE, tdMode="cross", px="101000", sz="303")
    assert floor.detail("BTC")["ordFrozen"] == "0.1"


def test_closing_orders_need_no_margin(floor: Floor) -> None:
    swap = {"instId": SWAP, "tdMode": "cross"}
    floor.place("buy", "market", sz="5", **swap)
    floor.place("sell", "limit", px="101000", sz="5", **swap)
    assert floor.detail("USDT")["ordFrozen"] == "0"


def test_in_long_short_mode_closing_needs_a_position() -> None:
    floor = Floor(settings(position_mode="long_short_mode"))
    floor.move(SWAP, 100_000)
    swap = {"instId": SWAP, "tdMode": "cross"}
    assert floor.refused("sell", "market", posSide="long", sz="1", **swap) == "51169"
    floor.place("buy", "market", posSide="long", sz="3", **swap)
    floor.place("sell", "market", posSide="short", sz="2", **swap)
    positions = {row["posSide"]: row["pos"] for row in floor.get("/account/positions")}
    assert positions == {"long": "3", "short": "2"}
    floor.place("sell", "limit", posSide="long", px="101000", sz="2", **swap)
    assert floor.refused("sell", "limit", posSide="long", px="101000", sz="2", **swap) == "51112"
    floor.place("buy", "market", posSide="short", sz="2", **swap)
    assert [row["posSide"] for row in floor.get("/account/positions")] == ["long"]


def test_pending_orders_are_bounded(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "PENDING_PER_INSTRUMENT_MAX", 2)
    monkeypatch.setattr(admission, "PENDING_MAX", 3)
    floor.place("buy", "limit", px="96000")
    first = floor.place("buy", "limit", px="96000")
    assert floor.refused("buy", "limit", px="96000") == "51102"
    floor.place("buy", "limit", instId="ETH-USDT", px="3900")
    assert floor.refused("buy", "limit", instId="ETH-USDT", px="3900") == "51174"
    assert floor.place("buy", "limit", uid=OTHER, px="96000")["state"] == "live"
    floor.exchange.cancel("1", [{"instId": SPOT, "ordId": first["ordId"]}])
    assert floor.place("buy", "limit", px="96000")["state"] == "live"


def test_a_market_order_shrinks_to_the_funds_unless_forbidden() -> None:
    floor = Floor(settings(balances={"USDT": 1_000}))
    floor.move(SPOT, 100_000)
    slightly_more = {"sz": "0.0101", "tgtCcy": "base_ccy"}
    assert floor.refused("buy", "market", banAmend=True, **slightly_more) == "51008"
    order = floor.place("buy", "market", **slightly_more)
    assert order["state"] == "filled"
    assert 0.0099 < float(order["sz"]) < 0.0101
    assert 0 <= floor.cash("USDT") < 1
    assert floor.refused("buy", "market", sz="1", tgtCcy="base_ccy") == "51008"


def test_a_market_order_never_spends_more_than_there_is() -> None:
    floor = Floor(settings(balances={"USDT": 900_000, "BTC": 5}))
    floor.move(SPOT, 100_000)
    floor.ack(floor.order("buy", "market", sz="8.99", tgtCcy="base_ccy"))
    assert floor.cash("USDT") >= 0
    floor.ack(floor.order("sell", "market", sz="499999", tgtCcy="quote_ccy"))
    assert floor.cash("BTC") >= 0


def test_multi_currency_margin_counts_everything_in_usd() -> None:
    floor = Floor(settings(account_level="3", balances={"BTC": 1, "USDT": 0}))
    floor.move(SWAP, 100_000)
    swap = {"instId": SWAP, "tdMode": "cross", "px": "99000"}
    assert floor.place("buy", "limit", sz="100", **swap)["state"] == "live"
    assert floor.refused("buy", "limit", sz="300", **swap) == "51008"
    assert floor.refused("buy", "limit", px="99000") == "51008"
