from random import Random
from statistics import median
from typing import Any

import pytest

from okx_simulator.fault.rule import (
    WAIT_MS_MAX,
    FaultError,
    Kind,
    Match,
    Occasion,
    Wait,
    read_rule,
)

ORDER = Occasion("rest", "POST", "/api/v5/trade/order", uid="u1", inst_ids=("BTC-USDT",))
SOCKET_ORDER = Occasion("ws", "op", "order", uid="u1", url="private")
PUSH = Occasion("ws", "push", "tickers", url="public", is_push=True)


def test_a_rule_reads_all_its_words() -> None:
    written = {
        "name": "lost",
        "kind": "late",
        "probability": 0.5,
        "count": 3,
        "match": {"path": "/api/v5/trade/*", "uid": "u1"},
        "wait": {"fixed_ms": 20},
    }
    rule = read_rule(written, "unused")
    assert (rule.name, rule.kind, rule.probability, rule.count) == ("lost", Kind.LATE, 0.5, 3)
    assert rule.match == Match(path="/api/v5/trade/*", uid="u1")
    assert rule.wait.draw_ms(Random(1)) == 20
    assert rule.written == written


def test_only_a_kind_is_needed() -> None:
    rule = read_rule({"kind": "drop_after"}, "fault-1")
    assert (rule.name, rule.probability, rule.count, rule.match) == ("fault-1", 1.0, None, Match())


@pytest.mark.parametrize(
    "written",
    [
        None,
        [],
        {},
        {"kind": "gremlin"},
        {"kind": "late"},
        {"kind": "latency_before"},
        {"kind": "latency_on_way"},
        {"kind": "code_after"},
        {"kind": "code_after", "code": "abc"},
        {"kind": "drop_after", "probability": 1.1},
        {"kind": "drop_after", "probability": "1"},
        {"kind": "drop_after", "count": -1},
        {"kind": "drop_after", "count": True},
        {"kind": "drop_after", "name": ""},
        {"kind": "drop_after", "name": "x" * 65},
        {"kind": "drop_after", "match": {"planet": "mars"}},
        {"kind": "drop_after", "match": {"uid": 5}},
        {"kind": "drop_after", "sigma": 1},
        {"kind": "stall", "pong": "yes"},
        {"kind": "clock_offset", "offset_ms": "40"},
        {"kind": "late", "wait": {"fixed_ms": -1}},
        {"kind": "late", "wait": {"fixed_ms": "nan"}},
        {"kind": "late", "wait": {"days": 1}},
        {"kind": "late", "wait": 5},
    ],
)
def test_what_cannot_be_read_is_refused(written: Any) -> None:
    with pytest.raises(FaultError):
        read_rule(written, "fault-1")


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({}, True),
        ({"door": "rest"}, True),
        ({"door": "ws"}, False),
        ({"method": "POST"}, True),
        ({"method": "GET"}, False),
        ({"path": "/api/v5/trade/order"}, True),
        ({"path": "/api/v5/trade/*"}, True),
        ({"path": "/api/v5/account/*"}, False),
        ({"op": "order"}, False),
        ({"op": "order", "path": "/api/v5/trade/order"}, True),
        ({"uid": "u1"}, True),
        ({"uid": "u2"}, False),
        ({"inst_id": "BTC-*"}, True),
        ({"inst_id": "ETH-*"}, False),
        ({"url": "private"}, False),
        ({"channel": "tickers"}, False),
    ],
)
def test_a_match_picks_requests(*, match: dict[str, str], fits: bool) -> None:
    assert Match(**match).fits(ORDER) is fits


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({"op": "order"}, True),
        ({"op": "*-orders"}, False),
        ({"path": "/api/v5/trade/order"}, False),
        ({"op": "order", "path": "/api/v5/trade/order"}, True),
        ({"url": "private"}, True),
        ({"url": "public"}, False),
    ],
)
def test_a_match_picks_socket_operations(*, match: dict[str, str], fits: bool) -> None:
    assert Match(**match).fits(SOCKET_ORDER) is fits


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({}, True),
        ({"channel": "tick*"}, True),
        ({"channel": "books"}, False),
        ({"op": "order"}, False),
        ({"url": "public"}, True),
    ],
)
def test_a_match_picks_pushes(*, match: dict[str, str], fits: bool) -> None:
    assert Match(**match).fits(PUSH) is fits


def test_waits_follow_their_distribution() -> None:
    random = Random(5)
    even = [Wait(low_ms=10, high_ms=20).draw_ms(random) for _ in range(500)]
    assert all(10 <= ms <= 20 for ms in even)
    assert 14 < median(even) < 16
    skewed = [Wait(median_ms=100, sigma=1).draw_ms(random) for _ in range(2000)]
    assert 90 < median(skewed) < 110
    assert sum(skewed) / len(skewed) > 130


def test_no_wait_is_longer_than_the_bound() -> None:
    assert Wait(low_ms=1e12, high_ms=1e12).draw_ms(Random(1)) == WAIT_MS_MAX
