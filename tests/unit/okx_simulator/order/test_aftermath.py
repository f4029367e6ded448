from okx_simulator.event import AccountUpdated, BalanceAndPosition, PositionUpdated
from tests.support.trading_floor import MINE, OTHER, SPOT, SWAP, Floor


def told(floor: Floor, kind: type) -> list[object]:
    return [event for event in floor.events if isinstance(event, kind)]


def test_an_operation_is_told_once() -> None:
    floor = Floor()
    floor.place("buy", "market", sz="500000")
    assert told(floor, AccountUpdated) == [AccountUpdated(MINE, ("BTC", "USDT"))]
    (event,) = told(floor, BalanceAndPosition)
    assert isinstance(event, BalanceAndPosition)
    assert event.row["eventType"] == "filled"
    assert {balance["ccy"] for balance in event.row["balData"]} == {"BTC", "USDT"}
    fills = floor.get("/trade/fills")
    assert len(fills) > 1
    assert {trade["tradeId"] for trade in event.row["trades"]} == {row["tradeId"] for row in fills}
    assert told(floor, PositionUpdated) == []


def test_freezing_is_told_as_a_change_of_balance() -> None:
    floor = Floor()
    floor.move(SPOT, 100_000)
    order = floor.place("buy", "limit", px="96000")
    assert told(floor, AccountUpdated) == [AccountUpdated(MINE, ("USDT",))]
    floor.exchange.cancel(MINE, [{"instId": SPOT, "ordId": order["ordId"]}])
    assert len(told(floor, AccountUpdated)) == 2
    assert told(floor, BalanceAndPosition) == []


def test_positions_are_told_until_they_are_gone() -> None:
    floor = Floor()
    floor.place("buy", "market", instId=SWAP, tdMode="cross", sz="2")
    floor.place("sell", "market", instId=SWAP, tdMode="cross", sz="2")
    rows = [event.row for event in floor.events if isinstance(event, PositionUpdated)]
    assert [row["pos"] for row in rows] == ["2", "0"]
    assert rows[0]["posId"] == rows[1]["posId"]
    assert rows[0]["mgnRatio"] != ""


def test_both_sides_of_a_trade_are_told() -> None:
    floor = Floor()
    floor.move(SPOT, 100_000)
    floor.place("buy", "limit", uid=OTHER, px="100000", sz="0.5")
    floor.events.clear()
    floor.place("sell", "limit", px="100000", sz="0.5")
    assert {event.uid for event in floor.events if isinstance(event, BalanceAndPosition)} == {
        *(MINE, OTHER),
    }
