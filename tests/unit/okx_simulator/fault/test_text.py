import json
from random import Random
from typing import Any

import pytest

from okx_simulator.fault.rule import read_rule
from okx_simulator.fault.text import BAD_GATEWAY_HTML, coded_ack, garbled, truncated, wrong_id

TEXT = json.dumps({"code": "0", "data": [{"ordId": "1"}]})


def test_half_of_an_answer_is_no_json() -> None:
    assert TEXT.startswith(truncated(TEXT))
    with pytest.raises(ValueError, match=r"."):
        json.loads(truncated(TEXT))


def test_garbled_text_is_never_json_and_repeats_with_the_seed() -> None:
    for seed in range(200):
        text = garbled(TEXT, Random(seed))
        assert len(text) == len(TEXT)
        assert text == garbled(TEXT, Random(seed))
        with pytest.raises(ValueError, match=r"."):
            json.loads(text)


def test_an_answer_may_bear_the_id_of_no_request() -> None:
    assert wrong_id({"id": "1512", "op": "order", "code": "0"}) == {
        "id": "1512x",
        "op": "order",
        "code": "0",
    }


def test_the_bad_gateway_is_html() -> None:
    assert "502 Bad Gateway" in BAD_GATEWAY_HTML


def test_a_code_stands_on_top_or_in_every_row() -> None:
    orders: list[dict[str, Any]] = [{"clOrdId": "a", "tag": "t"}, {"clOrdId": 5}]
    on_top = coded_ack(read_rule({"kind": "code_after", "code": "50026"}, "x"), orders, 17)
    assert (on_top.code, list(on_top.rows)) == ("50026", [])
    assert on_top.message
    rule = read_rule({"kind": "code_after", "code": "50011", "in_rows": True}, "x")
    in_rows = coded_ack(rule, orders, 17)
    assert in_rows.code == "1"
    assert [(row["clOrdId"], row["sCode"], row["ts"]) for row in in_rows.rows] == [
        ("a", "50011", "17"),
        ("", "50011", "17"),
    ]
    assert coded_ack(rule, (), 17).code == "50011"
