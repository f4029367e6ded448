from datetime import UTC, datetime
from decimal import Decimal

import pytest

from okx_simulator.event import InstrumentsUpdated
from okx_simulator.market.funding import next_funding_ms, rate_at
from tests.support.trading_floor import MINE, SPOT, SWAP, Floor, settings

EXPIRY_S = datetime(2026, 11, 27, 8, tzinfo=UTC).timestamp()
FUTURE, OPTION = "BTC-USDT-261127", "BTC-USD-261127-90000-C"


@pytest.fixture
def floor() -> Floor:
    floor = Floor()
    floor.move(SPOT, 100_000)
    return floor


def until(floor: Floor, moment_s: float) -> None:
    floor.wait(moment_s - floor.clock.now_us() / 1e6)


def test_silence_cancels_all_orders(floor: Floor) -> None:
    order = floor.place("buy", "limit", px="96000")
    floor.post("/trade/cancel-all-after", timeOut="10")
    floor.wait(9.9)
    assert floor.look(order["ordId"])["state"] == "live"
    floor.wait(0.2)
    assert floor.look(order["ordId"])["cancelSource"] == "20"


def test_a_timer_of_a_tag_cancels_orders_of_that_tag(floor: Floor) -> None:
    tagged = floor.place("buy", "limit", px="96000", tag="bot")
    other = floor.place("buy", "limit", px="96000")
    floor.post("/trade/cancel-all-after", timeOut="10", tag="bot")
    floor.wait(11)
    assert floor.look(tagged["ordId"])["state"] == "canceled"
    assert floor.look(other["ordId"])["state"] == "live"


def test_funding_is_paid_on_the_hour(floor: Floor) -> None:
    floor.place("buy", "market", instId=SWAP, tdMode="cross", sz="10")
    due_ms = next_funding_ms(floor.clock.now_ms())
    before = floor.cash("USDT")
    until(floor, due_ms / 1_000 + 0.1)
    rate = rate_at(floor.exchange.market, floor.instrument(SWAP), due_ms)
    paid = floor.cash("USDT") - before
    assert paid == -Decimal("0.1") * floor.mark(SWAP) * rate
    (position,) = floor.get("/account/positions")
    assert Decimal(position["fundingFee"]) == paid
    (bill,) = floor.get("/account/bills", type="8")
    assert (bill["subType"], Decimal(bill["balChg"])) == ("173" if paid < 0 else "174", paid)
    floor.wait(1)
    assert floor.cash("USDT") - before == paid


def test_a_future_is_settled_at_its_expiry(floor: Floor) -> None:
    future = {"instId": FUTURE, "tdMode": "cross"}
    floor.place("buy", "market", sz="1", **future)
    rests = floor.place("buy", "limit", px="96000", sz="1", **future)
    stop = {**future, "side": "sell", "sz": "1", "ordType": "conditional"}
    floor.post("/trade/order-algo", **stop, slTriggerPx="50000", slOrdPx="-1")
    until(floor, EXPIRY_S + 0.1)
    assert floor.exchange.market.listing.find(FUTURE) is None
    assert floor.look(rests["ordId"])["cancelSource"] == "7"
    assert floor.get("/account/positions") == []
    assert floor.get("/trade/orders-algo-pending", ordType="conditional") == []
    assert InstrumentsUpdated("FUTURES") in floor.events
    assert floor.get("/account/bills", type="3")
    assert floor.detail("USDT")["frozenBal"] == "0"
    assert floor.refused("buy", "limit", px="96000", sz="1", **future) == "51001"


def test_an_option_pays_what_it_is_worth_at_its_expiry(floor: Floor) -> None:
    option = {"instId": OPTION, "tdMode": "cross"}
    floor.place("buy", "limit", px="0.15", sz="10", **option)
    before = floor.cash("BTC")
    until(floor, EXPIRY_S + 0.1)
    gained = floor.cash("BTC") - before
    index = floor.exchange.market.quote(floor.instrument("BTC-USD-SWAP")).index
    assert float(gained) == pytest.approx(0.1 * (1 - 90_000 / float(index)), abs=1e-4)
    assert floor.get("/account/positions") == []


def test_an_isolated_position_is_liquidated_when_its_margin_is_gone(floor: Floor) -> None:
    floor.post("/account/set-leverage", instId=SWAP, lever="10", mgnMode="isolated")
    floor.place("buy", "market", instId=SWAP, tdMode="isolated", sz="10")
    start = floor.cash("USDT")
    floor.move(SWAP, 92_000)
    assert len(floor.get("/account/positions")) == 1
    floor.move(SWAP, 90_200)
    assert floor.get("/account/positions") == []
    (closing, *_) = floor.get("/trade/orders-history", instType="SWAP")
    assert closing["category"] == "full_liquidation"
    assert floor.get("/account/positions-history")[0]["type"] == "3"
    assert floor.cash("USDT") > start


def test_a_cross_position_is_backed_by_the_whole_balance() -> None:
    floor = Floor(settings(balances={"USDT": 2_000}))
    floor.move(SWAP, 100_000)
    floor.place("buy", "market", instId=SWAP, tdMode="cross", sz="5")
    floor.place("buy", "limit", instId=SWAP, tdMode="cross", px="59000", sz="0.01")
    floor.move(SWAP, 70_000)
    assert len(floor.get("/account/positions")) == 1
    floor.move(SWAP, 60_200)
    assert floor.get("/account/positions") == []
    assert floor.exchange.account(MINE).orders.pending == {}


def test_all_currencies_back_positions_in_multi_currency_mode() -> None:
    floor = Floor(settings(account_level="3", balances={"BTC": 1}))
    floor.move(SWAP, 100_000)
    order = floor.place("buy", "market", instId=SWAP, tdMode="cross", sz="100")
    assert order["state"] == "filled"
    floor.move(SWAP, 80_000)
    assert len(floor.get("/account/positions")) == 1
    floor.move(SWAP, 50_080)
    assert floor.get("/account/positions") == []
