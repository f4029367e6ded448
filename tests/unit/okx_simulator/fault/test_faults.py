from collections.abc import Mapping
from typing import Any

import pytest

from okx_simulator.fault.faults import NO_FAULT, RULES_MAX, Faults, Plan
from okx_simulator.fault.rule import FaultError, Kind, Occasion, read_rule

REST = Occasion("rest", "POST", "/api/v5/trade/order", uid="u1")
SOCKET = Occasion("ws", "op", "order", uid="u1", url="private")
PUSH = Occasion("ws", "push", "tickers", url="public", is_push=True)


def _faults(*written: Mapping[str, Any], seed: int = 1) -> Faults:
    return Faults(seed, [read_rule(one, f"fault-{n}") for n, one in enumerate(written)])


def _kinds(plans: list[Plan]) -> list[Kind | None]:
    return [plan.fault.kind if plan.fault else None for plan in plans]


def test_without_rules_nothing_happens() -> None:
    assert Faults(1).decide(REST) is NO_FAULT


def test_a_rule_strikes_as_often_as_it_is_likely() -> None:
    faults = _faults({"kind": "drop_after", "probability": 0.25})
    struck = sum(faults.decide(REST).strikes(Kind.DROP_AFTER) for _ in range(4000))
    assert 900 < struck < 1100
    assert faults.rows()["hits"] == {"drop_after": struck}


def test_the_same_seed_strikes_the_same_requests() -> None:
    rule = {"kind": "drop_after", "probability": 0.5}
    first, second, other = _faults(rule), _faults(rule), _faults(rule, seed=2)
    drawn = [_kinds([faults.decide(REST) for _ in range(64)]) for faults in (first, second, other)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_rule_is_not_changed_by_another() -> None:
    rule = {"name": "a", "kind": "drop_after", "probability": 0.5}
    noise = {"name": "b", "kind": "latency_before", "wait": {"low_ms": 1, "high_ms": 9}}
    alone = _kinds([_faults(rule).decide(REST) for _ in range(1)])
    faults, both = _faults(rule), _faults(noise, rule)
    assert alone == _kinds([_faults(noise, rule).decide(REST)])
    assert [faults.decide(REST).fault for _ in range(50)] == [
        both.decide(REST).fault for _ in range(50)
    ]


def test_a_count_bounds_the_hits() -> None:
    faults = _faults({"kind": "html_after", "count": 2})
    plans = [faults.decide(REST) for _ in range(5)]
    assert _kinds(plans) == [Kind.HTML_AFTER, Kind.HTML_AFTER, None, None, None]


def test_the_first_rule_that_spoils_wins_and_only_it_is_counted() -> None:
    faults = _faults({"kind": "drop_after"}, {"kind": "truncated"})
    assert faults.decide(REST).strikes(Kind.DROP_AFTER)
    assert faults.rows()["hits"] == {"drop_after": 1}


def test_waits_add_up_and_side_effects_go_along() -> None:
    faults = _faults(
        {"kind": "latency_before", "wait": {"fixed_ms": 5}},
        {"kind": "latency_before", "wait": {"fixed_ms": 7}},
        {"kind": "latency_after", "wait": {"fixed_ms": 3}},
        {"kind": "clock_offset", "offset_ms": -40_000},
        {"kind": "code_after", "code": "50004"},
    )
    plan = faults.decide(REST)
    assert (plan.wait_before_ms, plan.wait_after_ms) == (12, 3)
    assert [effect.offset_ms for effect in plan.side_effects] == [-40_000]
    assert plan.strikes(Kind.CODE_AFTER, Kind.CODE_BEFORE)
    assert plan.names == ("fault-0", "fault-1", "fault-2", "fault-3", "fault-4")


def test_waits_on_the_way_are_decided_apart_from_what_strikes_on_arrival() -> None:
    faults = _faults(
        {"kind": "latency_on_way", "wait": {"fixed_ms": 5}},
        {"kind": "latency_on_way", "wait": {"fixed_ms": 7}, "count": 1},
        {"kind": "latency_on_way", "wait": {"fixed_ms": 9}, "match": {"path": "/elsewhere"}},
        {"kind": "drop_after"},
    )
    assert faults.concern_ways
    assert faults.decide_way(REST) == (12, ("fault-0", "fault-1"))
    assert faults.decide_way(REST) == (5, ("fault-0",))
    assert faults.decide(REST).names == ("fault-3",)
    assert faults.rows()["hits"] == {"latency_on_way": 3, "drop_after": 1}
    assert not _faults({"kind": "latency_before", "wait": {"fixed_ms": 1}}).concern_ways


def test_a_late_delivery_draws_its_wait() -> None:
    plan = _faults({"kind": "late", "wait": {"low_ms": 100, "high_ms": 200}}).decide(REST)
    assert plan.is_late
    assert 100 <= plan.late_ms <= 200


@pytest.mark.parametrize(
    "kind", ["stall", "notice", "lose_push", "repeat_push", "lose_answer", "wrong_id"]
)
def test_faults_of_sockets_spare_rest(kind: str) -> None:
    assert _faults({"kind": kind}).decide(REST) is NO_FAULT


@pytest.mark.parametrize(
    "kind", ["html_before", "html_after", "lose_push", "repeat_push", "latency_on_way"]
)
def test_faults_of_rest_and_of_pushes_spare_socket_requests(kind: str) -> None:
    assert _faults({"kind": kind, "wait": {"fixed_ms": 1}}).decide(SOCKET) is NO_FAULT


def test_pushes_are_struck_by_their_own_kinds() -> None:
    faults = _faults(
        {"kind": "drop_after"}, {"kind": "lose_push", "count": 1}, {"kind": "stall", "pong": True}
    )
    assert faults.concern_pushes
    struck = [faults.decide_push(PUSH), faults.decide_push(PUSH)]
    assert [rule.kind for rule in struck if rule] == [Kind.LOSE_PUSH, Kind.STALL]
    assert not _faults({"kind": "drop_after"}).concern_pushes
    assert _faults({"kind": "drop_after"}).decide_push(PUSH) is None


def test_rules_can_be_put_replaced_and_removed_at_any_time() -> None:
    faults = _faults({"name": "a", "kind": "truncated"})
    faults.decide(REST)
    faults.put(read_rule({"name": "b", "kind": "drop_before"}, ""))
    assert [row["name"] for row in faults.rows()["faults"]] == ["a", "b"]
    assert faults.remove("a")
    assert not faults.remove("a")
    assert faults.decide(REST).strikes(Kind.DROP_BEFORE)
    faults.replace([])
    assert faults.decide(REST) is NO_FAULT
    assert faults.rows() == {"faults": [], "hits": {"truncated": 1, "drop_before": 1}}


def test_rows_show_a_rule_as_it_was_written_with_its_hits() -> None:
    faults = _faults({"kind": "code_before", "code": "50013", "match": {"uid": "u1"}})
    faults.decide(REST)
    assert faults.rows()["faults"] == [
        {
            "name": "fault-0",
            "kind": "code_before",
            "code": "50013",
            "match": {"uid": "u1"},
            "hits": 1,
        }
    ]


def test_the_number_of_rules_is_bounded() -> None:
    rules = [read_rule({"name": f"r{n}", "kind": "garbled"}, "") for n in range(RULES_MAX + 1)]
    faults = Faults(1, rules[:-1])
    with pytest.raises(FaultError):
        faults.put(rules[-1])
    with pytest.raises(FaultError):
        faults.replace(rules)
    faults.put(rules[0])
    assert len(faults.rows()["faults"]) == RULES_MAX
