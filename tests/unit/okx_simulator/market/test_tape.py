from decimal import Decimal

from tests.support.trading_floor import SPOT, Floor


def test_the_tape_is_newest_first_and_reads_back() -> None:
    floor = Floor()
    tape, spot = floor.exchange.desk.tape, floor.instrument(SPOT)
    found = list(tape.newest_first(spot, 100))
    ids = [trade.trade_id for trade in found]
    assert len(ids) == 100
    assert ids == sorted(set(ids), reverse=True)
    older = list(tape.newest_first(spot, 50, ids[49]))
    assert older == found[50:]


def test_strangers_trade_at_the_touch() -> None:
    floor = Floor()
    tape, spot = floor.exchange.desk.tape, floor.instrument(SPOT)
    market = floor.exchange.market
    for trade in tape.newest_first(spot, 20):
        quote = market.quote_at(spot, trade.at_ms)
        assert trade.px == (quote.ask if trade.taker_buys else quote.bid)
        assert trade.sz > 0


def test_trades_of_accounts_are_on_the_tape() -> None:
    floor = Floor()
    floor.wait(10)
    order = floor.place("buy", "market", sz="0.001", tgtCcy="base_ccy")
    tape, spot = floor.exchange.desk.tape, floor.instrument(SPOT)
    latest = tape.latest(spot)
    assert str(latest.trade_id) == order["tradeId"]
    assert (latest.sz, latest.taker_buys) == (Decimal("0.001"), True)
    row = next(tape.newest_first(spot, 1)).row(SPOT)
    assert row == {
        "instId": SPOT,
        "tradeId": order["tradeId"],
        "px": order["fillPx"],
        "sz": "0.001",
        "side": "buy",
        "source": "0",
        "ts": str(floor.clock.now_ms()),
    }
    floor.wait(30)
    assert tape.latest(spot).trade_id > latest.trade_id


def test_trade_ids_never_repeat() -> None:
    floor = Floor()
    tape, now_us = floor.exchange.desk.tape, floor.clock.now_us()
    assert [tape.next_id(now_us), tape.next_id(now_us), tape.next_id(now_us - 5)] == [
        *(now_us, now_us + 1, now_us + 2),
    ]
