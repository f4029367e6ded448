from decimal import Decimal

import pytest

from okx_simulator.market.ticker import book_row, ticker_row
from tests.support.trading_floor import SPOT, Floor


@pytest.mark.parametrize(
    "inst_id", [SPOT, "BTC-USDT-SWAP", "BTC-USD-SWAP", "BTC-USD-261225-90000-C"]
)
def test_a_ticker_is_in_order(inst_id: str) -> None:
    floor = Floor()
    row = ticker_row(floor.exchange.desk, floor.instrument(inst_id))
    numbers = {name: Decimal(row[name]) for name in row if name not in ("instId", "instType")}
    assert numbers["bidPx"] < numbers["askPx"]
    assert numbers["low24h"] <= numbers["last"] <= numbers["high24h"]
    assert numbers["low24h"] <= numbers["open24h"] <= numbers["high24h"]
    assert all(number > 0 for number in numbers.values())
    assert row["ts"] == str(floor.clock.now_ms())


def test_volumes_are_in_base_and_quote() -> None:
    floor = Floor()
    spot = ticker_row(floor.exchange.desk, floor.instrument(SPOT))
    swap = ticker_row(floor.exchange.desk, floor.instrument("BTC-USDT-SWAP"))
    assert float(spot["volCcy24h"]) == pytest.approx(float(spot["vol24h"]) * 100_000, rel=0.1)
    assert float(swap["volCcy24h"]) == pytest.approx(float(swap["vol24h"]) / 100)


def test_a_trade_is_the_last_price() -> None:
    floor = Floor()
    order = floor.place("buy", "market", sz="0.002", tgtCcy="base_ccy")
    row = ticker_row(floor.exchange.desk, floor.instrument(SPOT))
    assert (row["last"], row["lastSz"]) == (order["fillPx"], "0.002")


def test_the_book_has_the_depth_asked_for_and_grows_a_number() -> None:
    floor = Floor()
    desk, spot = floor.exchange.desk, floor.instrument(SPOT)
    row = book_row(desk, spot, 5)
    assert [len(row[side]) for side in ("asks", "bids")] == [5, 5]
    assert all(len(level) == 4 and level[2] == "0" for level in row["asks"])
    assert len(book_row(desk, spot, 400)["bids"]) == 400
    floor.wait(0.2)
    assert book_row(desk, spot, 1)["seqId"] > row["seqId"]
