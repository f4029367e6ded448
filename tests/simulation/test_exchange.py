"""The exchange that the gateway is judged by does what OKX documents, at its most awkward."""

import json
import random
from typing import Any

from tests.simulation.exchange import Exchange, Habits, Request, SlidingWindow
from tests.simulation.virtual_loop import VirtualLoop

SECOND_US = 1_000_000
FAR_MS = "1900000000000"


class Desk:
    """Sends requests to an exchange and keeps the answers."""

    def __init__(self, **habits: Any) -> None:
        self.loop = VirtualLoop(random.Random(1), shuffled=False)
        settings = {"queue_us": 0, "shows_after_us": 0, "fills_resting": 0.0, **habits}
        settings.setdefault("cancels_resting", 0.0)
        self.exchange = Exchange(self.loop, random.Random(1), Habits(**settings))
        self.answers: list[tuple[int, dict[str, Any]]] = []

    def run_until(self, us: int) -> None:
        self.loop.at_us(us, lambda: None)
        self.loop.run(lambda: self.loop.now_us >= us)

    def post(self, path: str, body: Any, **headers: str) -> dict[str, Any]:
        request = Request("POST", path, json.dumps(body).encode(), {"expTime": FAR_MS, **headers})
        return self.answer(request)

    def get(self, path: str) -> dict[str, Any]:
        return self.answer(Request("GET", path, b"", {}))

    def answer(self, request: Request) -> dict[str, Any]:
        found: list[dict[str, Any]] = []
        self.exchange.receive(request, lambda status, envelope: found.append(envelope))
        self.loop.run(lambda: bool(found))
        return found[0]

    def place(self, client_id: str = "a", **changes: Any) -> dict[str, Any]:
        answer = self.post("/api/v5/trade/order", order(client_id, **changes))
        row: dict[str, Any] = answer["data"][0]
        return row

    def look_up(self, client_id: str = "a") -> dict[str, Any]:
        return self.get(f"/api/v5/trade/order?instId=BTC-USDT&clOrdId={client_id}")


def order(client_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "instId": "BTC-USDT",
        "clOrdId": client_id,
        "side": "buy",
        "tdMode": "cash",
        "ordType": "limit",
        "sz": "1",
        "px": "2",
        **changes,
    }


def test_an_id_is_unique_among_pending_orders_alone() -> None:
    desk = Desk()
    assert desk.place()["sCode"] == "0"
    assert desk.place()["sCode"] == "51016"
    assert desk.place("b", ordType="market")["sCode"] == "0"
    assert desk.place("b", ordType="market")["sCode"] == "0"
    assert len(desk.exchange.named("b")) == 2


def test_an_expiry_is_checked_on_arrival_or_in_the_engine() -> None:
    now_ms = str(Desk().exchange.clock_us() // 1000)
    arrival = Desk(queue_us=SECOND_US)
    assert arrival.post("/api/v5/trade/order", order("a"), expTime=now_ms)["data"][0]["ordId"]
    engine = Desk(queue_us=SECOND_US, checks_expiry_on_arrival=False, checks_expiry_in_engine=True)
    late = engine.post("/api/v5/trade/order", order("a"), expTime=now_ms)
    assert late["data"][0]["sCode"] == "50037"
    arrival.run_until(2 * SECOND_US)
    past = arrival.post("/api/v5/trade/order", order("b"), expTime=now_ms)
    assert past["data"][0]["sCode"] == "50036"


def test_an_order_shows_a_while_after_it_exists() -> None:
    desk = Desk(shows_after_us=SECOND_US)
    assert desk.place()["sCode"] == "0"
    assert desk.look_up()["code"] == "51603"
    desk.run_until(2 * SECOND_US)
    assert desk.look_up()["data"][0]["state"] == "live"


def test_a_cancel_of_what_is_not_there_says_neither_finished_nor_absent() -> None:
    desk = Desk()
    named = {"instId": "BTC-USDT", "clOrdId": "a"}
    assert desk.post("/api/v5/trade/cancel-order", named)["data"][0]["sCode"] == "51400"
    desk.place()
    assert desk.post("/api/v5/trade/cancel-order", named)["data"][0]["sCode"] == "0"
    desk.run_until(SECOND_US)
    assert desk.look_up()["data"][0]["state"] == "canceled"
    assert desk.post("/api/v5/trade/cancel-order", named)["data"][0]["sCode"] == "51400"


def test_a_cancelled_order_is_forgotten_after_two_hours() -> None:
    desk = Desk()
    desk.place(ordType="limit")
    desk.post("/api/v5/trade/cancel-order", {"instId": "BTC-USDT", "clOrdId": "a"})
    desk.run_until(7_100 * SECOND_US)
    assert desk.look_up()["code"] == "0"
    assert len(desk.get("/api/v5/trade/orders-history?instType=SPOT")["data"]) == 1
    desk.run_until(7_300 * SECOND_US)
    assert desk.look_up()["code"] == "51603"
    assert desk.get("/api/v5/trade/orders-history?instType=SPOT")["data"] == []


def test_lists_tell_pending_past_and_traded_orders_apart() -> None:
    desk = Desk()
    desk.place("a")
    desk.place("b", ordType="market")
    for path, ids in (("orders-pending", ["a"]), ("orders-history", ["b"]), ("fills", ["b"])):
        rows = desk.get(f"/api/v5/trade/{path}?instType=SPOT")["data"]
        assert [row["clOrdId"] for row in rows] == ids


def test_a_batch_is_answered_order_by_order() -> None:
    desk = Desk()
    desk.place("a")
    answer = desk.post("/api/v5/trade/batch-orders", [order("a"), order("b")])
    assert answer["code"] == "2"
    assert [row["sCode"] for row in answer["data"]] == ["51016", "0"]


def test_an_amend_takes_effect_after_its_answer() -> None:
    desk = Desk()
    row = desk.place()
    wanted = {"instId": "BTC-USDT", "ordId": row["ordId"], "newPx": "3"}
    assert desk.post("/api/v5/trade/amend-order", wanted)["data"][0]["sCode"] == "0"
    desk.run_until(SECOND_US)
    assert desk.look_up()["data"][0]["px"] == "3"


def test_more_than_the_limit_is_refused_and_noted() -> None:
    desk = Desk(limits={"GET /api/v5/trade/order": 2})
    assert [desk.look_up()["code"] for _ in range(3)] == ["51603", "51603", "50011"]
    assert len(desk.exchange.over_limit) == 1
    desk.run_until(2 * SECOND_US)
    assert desk.look_up()["code"] == "51603"


def test_a_batch_of_one_counts_as_a_single_order() -> None:
    desk = Desk(limits={"POST /api/v5/trade/order": 1, "POST /api/v5/trade/batch-orders": 9})
    assert desk.post("/api/v5/trade/batch-orders", [order("a")])["code"] == "0"
    assert desk.post("/api/v5/trade/order", order("b"))["code"] == "50011"


def test_a_window_is_half_open() -> None:
    window = SlidingWindow()
    assert window.take(0, 1, 1)
    assert not window.take(1_999_999, 1, 1)
    assert window.take(2_000_000, 1, 1)


def test_a_signature_is_good_for_thirty_seconds() -> None:
    desk = Desk()
    request = Request(
        "GET", "/api/v5/public/time", b"", {"OK-ACCESS-TIMESTAMP": "2023-01-01T00:00:00.000Z"}
    )
    assert desk.answer(request)["code"] == "50102"
