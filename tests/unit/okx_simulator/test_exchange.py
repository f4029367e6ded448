from decimal import Decimal

import pytest

from okx_simulator.event import BookUpdated, CandleUpdated, TickerUpdated, TradeHappened
from tests.support.trading_floor import SPOT, Floor


def test_time_moves_the_market_in_steps() -> None:
    floor = Floor()
    step = floor.exchange.market.step
    floor.wait(0.09)
    assert floor.exchange.market.step == step
    floor.wait(0.02)
    assert floor.exchange.market.step == step + 1
    names = {one.inst_id for one in floor.exchange.market.listing.all()}
    for kind in (TickerUpdated, BookUpdated, CandleUpdated):
        assert {event.inst_id for event in floor.events if isinstance(event, kind)} == names


def test_trades_of_strangers_are_told_step_by_step() -> None:
    floor = Floor()
    for _ in range(20):
        floor.wait(0.1)
    told = [
        event.row["tradeId"]
        for event in floor.events
        if isinstance(event, TradeHappened) and event.inst_id == SPOT
    ]
    tape = floor.exchange.desk.tape.newest_first(floor.instrument(SPOT), len(told))
    assert told == [str(trade.trade_id) for trade in tape][::-1]
    assert len(told) > 2


def test_a_long_pause_does_not_flood_the_listeners() -> None:
    floor = Floor()
    floor.wait(3_600)
    told = [event for event in floor.events if isinstance(event, TradeHappened)]
    assert len([event for event in told if event.inst_id == SPOT]) <= 50


def test_the_same_seed_makes_the_same_market() -> None:
    rows = []
    for seed in (1, 1, 2):
        floor = Floor(seed=seed)
        floor.wait(100)
        rows.append(floor.get("/market/ticker", instId=SPOT))
    assert rows[0] == rows[1] != rows[2]


def test_a_moved_price_matches_at_once() -> None:
    floor = Floor()
    floor.move(SPOT, 100_000)
    order = floor.place("sell", "limit", px="104000")
    floor.move(SPOT, 104_001)
    assert floor.look(order["ordId"])["state"] == "filled"
    with pytest.raises(ValueError, match="underlying"):
        floor.exchange.move_price(floor.instrument("BTC-USD-261225-90000-C"), Decimal(1))


def test_a_clock_set_back_does_no_harm() -> None:
    floor = Floor()
    floor.move(SPOT, 100_000)
    first = floor.place("buy", "market", sz="100")
    floor.wait(-60)
    second = floor.place("buy", "market", sz="100")
    assert int(second["ordId"]) > int(first["ordId"])
    assert int(second["tradeId"]) > int(first["tradeId"])
    assert floor.get("/market/trades", instId=SPOT)
