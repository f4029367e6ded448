import pytest

from okx_simulator.order import history
from okx_simulator.order.history import ARCHIVE_KEPT_MS, HISTORY_KEPT_MS
from tests.support.trading_floor import MINE, SPOT, Floor

HOUR_S = 3_600


@pytest.fixture
def floor() -> Floor:
    floor = Floor()
    floor.move(SPOT, 100_000)
    return floor


def names(floor: Floor, path: str = "/trade/orders-history") -> set[str]:
    return {row["clOrdId"] for row in floor.get(path, instType="SPOT")}


def test_an_unfilled_order_is_forgotten_two_hours_after_its_end(floor: Floor) -> None:
    order = floor.place("buy", "limit", px="50000", clOrdId="c")
    floor.exchange.cancel(MINE, [{"instId": SPOT, "ordId": order["ordId"]}])
    floor.wait(2 * HOUR_S - 1)
    assert names(floor) == {"c"}
    floor.wait(2)
    assert names(floor) == set()
    orders = floor.exchange.account(MINE).orders
    assert orders.find(order["ordId"], "", floor.clock.now_ms()) is None
    assert orders.find("", "c", floor.clock.now_ms()) is None


def test_a_filled_order_is_kept_a_week_and_archived_for_three_months(floor: Floor) -> None:
    floor.place("buy", "market", sz="100", clOrdId="f")
    floor.wait(HISTORY_KEPT_MS / 1_000 - 1)
    assert names(floor) == {"f"}
    floor.wait(2)
    assert names(floor) == set()
    assert names(floor, "/trade/orders-history-archive") == {"f"}
    floor.wait((ARCHIVE_KEPT_MS - HISTORY_KEPT_MS) / 1_000)
    assert names(floor, "/trade/orders-history-archive") == set()


def test_what_was_never_filled_is_not_archived(floor: Floor) -> None:
    floor.place("buy", "post_only", px="101000", clOrdId="p")
    assert names(floor) == {"p"}
    assert names(floor, "/trade/orders-history-archive") == set()


def test_pending_orders_are_never_forgotten(floor: Floor) -> None:
    order = floor.place("buy", "limit", px="20000", clOrdId="old")
    floor.wait(100 * 24 * HOUR_S)
    orders = floor.exchange.account(MINE).orders
    found = orders.find("", "old", floor.clock.now_ms())
    assert found is not None
    assert str(found.ord_id) == order["ordId"]


def test_the_exchange_id_wins_over_the_clients(floor: Floor) -> None:
    first = floor.place("buy", "limit", px="50000", clOrdId="a")
    floor.place("buy", "limit", px="50000", clOrdId="b")
    orders, now_ms = floor.exchange.account(MINE).orders, floor.clock.now_ms()
    found = orders.find(first["ordId"], "b", now_ms)
    assert found is not None
    assert found.asked.cl_ord_id == "a"
    assert orders.find("no-number", "b", now_ms) is None
    assert orders.find("1", "b", now_ms) is None


def test_memory_is_bounded(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "CLOSED_MAX", 2)
    placed = [floor.place("buy", "market", sz="100", clOrdId=f"m{n}") for n in range(3)]
    assert names(floor) == {"m1", "m2"}
    orders, now_ms = floor.exchange.account(MINE).orders, floor.clock.now_ms()
    assert orders.find("", "m0", now_ms) is None
    assert orders.find(placed[0]["ordId"], "", now_ms) is None
