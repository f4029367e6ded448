import json
from typing import Any

from okx_simulator.request_log import PAGE_ENTRIES_MAX, LoggedRequest, RequestLog


def _arrive(log: RequestLog, params: object = None, target: str = "/x") -> LoggedRequest:
    return log.arrive(
        arrived_us=7, door="rest", method="POST", target=target, ip="10.0.0.1", params=params
    )


def _entries(log: RequestLog, since: int = 0, entries_max: int = 100) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = log.page(since, entries_max)["entries"]
    return entries


def test_an_entry_shows_what_arrived_before_it_is_answered() -> None:
    log = RequestLog()
    _arrive(log, {"instId": "BTC-USDT", "clOrdId": "a1", "sz": "2"}, "/api/v5/trade/order")
    assert _entries(log) == [
        {
            "number": 1,
            "arrived_us": 7,
            "answered_us": 0,
            "door": "rest",
            "method": "POST",
            "target": "/api/v5/trade/order",
            "ip": "10.0.0.1",
            "uid": "",
            "connection": "",
            "code": "",
            "fault": "",
            "orders": [
                {"inst_id": "BTC-USDT", "cl_ord_id": "a1", "ord_id": "", "size": "2", "code": ""}
            ],
        }
    ]


def test_an_answer_is_noted_per_order() -> None:
    log = RequestLog()
    entry = _arrive(log, [{"clOrdId": "a"}, {"clOrdId": "b"}])
    entry.uid = "u1"
    entry.answer("2", 9, [{"sCode": "0", "ordId": "77"}, {"sCode": "51008", "ordId": ""}])
    row = _entries(log)[0]
    assert (row["code"], row["answered_us"], row["uid"]) == ("2", 9, "u1")
    assert [(o["cl_ord_id"], o["ord_id"], o["code"]) for o in row["orders"]] == [
        ("a", "77", "0"),
        ("b", "", "51008"),
    ]


def test_rows_that_are_no_orders_are_ignored() -> None:
    entry = _arrive(RequestLog(), {"instId": "BTC-USDT"})
    for row in (["1", "2"], {"ordId": "77"}):
        entry.answer("0", 9, [row])
        assert (entry.orders[0].code, entry.orders[0].ord_id) == ("", "")


def test_words_that_were_not_asked_for_never_get_in() -> None:
    log = RequestLog()
    secret = {"apiKey": "planted1", "passphrase": "planted2", "sign": "planted3", "instId": "B"}
    _arrive(log, [secret])
    assert "planted" not in json.dumps(log.page(0, 10))


def test_long_words_are_cut() -> None:
    log = RequestLog()
    _arrive(log, {"clOrdId": "x" * 10_000}, "/" + "y" * 10_000)
    assert len(json.dumps(log.page(0, 1))) < 1000


def test_pages_follow_each_other_without_gap_or_overlap() -> None:
    log = RequestLog()
    for _ in range(7):
        _arrive(log)
    numbers, since = [], 0
    while page := log.page(since, 3)["entries"]:
        numbers += [row["number"] for row in page]
        since = log.page(since, 3)["next"]
    assert numbers == [1, 2, 3, 4, 5, 6, 7]
    assert log.page(since, 3) == {"entries": [], "next": 7, "last": 7, "lost": 0}


def test_what_fell_out_of_the_ring_is_counted() -> None:
    log = RequestLog(capacity=3)
    for _ in range(10):
        _arrive(log)
    page = log.page(2, 100)
    assert [row["number"] for row in page["entries"]] == [8, 9, 10]
    assert (page["lost"], page["last"]) == (5, 10)


def test_an_empty_log_has_an_empty_page() -> None:
    assert RequestLog().page(0, 5) == {"entries": [], "next": 0, "last": 0, "lost": 0}


def test_a_page_is_bounded() -> None:
    log = RequestLog()
    for _ in range(PAGE_ENTRIES_MAX + 5):
        _arrive(log)
    assert len(_entries(log, 0, 10**9)) == PAGE_ENTRIES_MAX


def test_at_most_a_batch_of_orders_is_kept() -> None:
    entry = _arrive(RequestLog(), [{"clOrdId": str(n)} for n in range(1000)])
    assert len(entry.orders) == 20


def test_params_of_any_shape_are_taken() -> None:
    shapes: list[object] = [None, "text", 5, [], [1, None], {}]
    for params in shapes:
        assert _arrive(RequestLog(), params).orders == []
