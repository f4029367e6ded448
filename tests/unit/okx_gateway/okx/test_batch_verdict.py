from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_gateway.domain.order import Placed, Refused
from okx_gateway.okx.batch_verdict import verdicts_on_batch
from okx_gateway.okx.reply import RawReply
from okx_gateway.okx.verdict import InDoubt
from tests.fakes.okx_replies import HTML, answer, odd, raw, row, some_codes


def batch(*rows: dict[str, Any], code: str = "2") -> RawReply:
    return raw(answer(code, *rows, inTime="1695190491421339", outTime="1695190491423240"))


def test_each_order_of_a_batch_is_judged_by_its_own_row_wherever_it_stands() -> None:
    reply = batch(
        row("51008", "", clOrdId="b", sMsg="no funds"),
        row(order_id="3", clOrdId="c"),
        row("51149", "", clOrdId="d"),
        row(order_id="1", clOrdId="a"),
    )
    times = (1695190491421, 1695190491421339, 1695190491423240)
    a, b, c, d = verdicts_on_batch(reply, ["a", "b", "c", "d"])
    assert (a, c) == (Placed("1", *times), Placed("3", *times))
    assert b == Refused("51008", "no funds")
    assert isinstance(d, InDoubt)


def test_a_whole_batch_is_placed_or_refused() -> None:
    both = (row(order_id="1", clOrdId="a"), row(order_id="2", clOrdId="b"))
    for code in ("0", "2"):
        placed = verdicts_on_batch(batch(*both, code=code), ["a", "b"])
        assert [type(each) for each in placed] == [Placed, Placed]
    none = (row("51008", "", clOrdId="a"), row("54004", "", clOrdId="b"))
    refused = verdicts_on_batch(batch(*none, code="1"), ["a", "b"])
    assert refused == [Refused("51008", ""), Refused("54004", "")]


@pytest.mark.parametrize(("code", "status"), [("50011", 429), ("50113", 401), ("51000", 400)])
def test_a_batch_that_was_turned_away_as_a_whole_is_refused_for_all(code: str, status: int) -> None:
    reply = raw({"code": code, "msg": "why"}, status)
    assert verdicts_on_batch(reply, ["a", "b"]) == [Refused(code, "why")] * 2


PLACED_A = row(order_id="1", clOrdId="a")
PLACED_B = row(order_id="2", clOrdId="b")


@pytest.mark.parametrize(
    ("reply", "in_doubt"),
    [
        (batch(PLACED_A), "ab"),  # one row: some of one is no success
        (batch(PLACED_A, code="0"), "b"),
        (batch(PLACED_A, PLACED_B, PLACED_B), "b"),
        (batch(PLACED_A, PLACED_B, row(order_id="3", clOrdId="b")), "b"),
        (batch(PLACED_A, row("51008", "", clOrdId="b"), row("51008", "", clOrdId="b")), "b"),
        (batch(row("50011", "", clOrdId="a"), code="50011"), "b"),
        (batch(PLACED_A, row(order_id="2", clOrdId="")), "b"),
        (batch(row(order_id="1", clOrdId=""), row(order_id="2", clOrdId="")), "ab"),
        (batch(PLACED_A, row(order_id="1", clOrdId="b")), "ab"),
        (batch(PLACED_A, PLACED_B, row(order_id="3", clOrdId="c")), "ab"),
        (batch(row("51008", "", clOrdId="a"), row("51008", "", clOrdId="c")), "ab"),
        (batch(PLACED_A, row(order_id="2", clOrdId=5)), "ab"),
        (batch(PLACED_A, row(order_id=2, clOrdId="b")), "ab"),
        (batch(PLACED_A, row("51008", "9", clOrdId="b")), "b"),
        (batch(PLACED_A, row("", "2", clOrdId="b")), "b"),
        (batch(PLACED_A, PLACED_B, code="1"), "ab"),
        (batch(PLACED_A, PLACED_B, code="50004"), "ab"),
        (batch(row("51008", "", clOrdId="a"), PLACED_B, code="50004"), "ab"),
        (batch(code="0"), "ab"),
        (batch(code="1"), "ab"),
        (batch(code="50013"), "ab"),
        (raw(answer("0", PLACED_A, PLACED_B), 400), "ab"),
        (raw(answer("2", PLACED_A, PLACED_B), 202), "ab"),
        (raw(answer("0", PLACED_A, PLACED_B), 502), "ab"),
        (raw({"code": "50013", "msg": ""}, 429), "ab"),
        (raw(HTML), "ab"),
    ],
)
def test_what_is_not_one_plain_answer_to_an_order_of_a_batch_leaves_it_in_doubt(
    reply: RawReply, in_doubt: str
) -> None:
    verdicts = dict(zip("ab", verdicts_on_batch(reply, ["a", "b"]), strict=True))
    assert "".join(each for each in "ab" if isinstance(verdicts[each], InDoubt)) == in_doubt


@given(
    top=some_codes | odd,
    status=st.sampled_from([200, 201, 400, 429, 500]),
    rows=st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "sCode": some_codes | odd,
                "ordId": st.sampled_from(["", "1", "2", "3"]) | odd,
                "clOrdId": st.sampled_from(["", "a", "b", "c", "another"]) | odd,
            },
        ),
        max_size=4,
    ),
)
def test_no_mixture_of_rows_yields_a_false_end(top: Any, status: int, rows: list[Any]) -> None:
    ids = ["a", "b", "c"]
    verdicts = verdicts_on_batch(raw({"code": top, "msg": "", "data": rows}, status), ids)
    assert len(verdicts) == len(ids)
    for client_order_id, judged in zip(ids, verdicts, strict=True):
        own = [each for each in rows if each.get("clOrdId") == client_order_id]
        if isinstance(judged, Placed):
            assert (status, len(own), own[0]["sCode"]) == (200, 1, "0")
            assert str(top) in ("0", "2")
            assert own[0]["ordId"] == judged.exchange_order_id
            assert [each.get("ordId") for each in rows].count(judged.exchange_order_id) == 1
        if isinstance(judged, Refused):
            assert status < 500
            assert (own[0].get("sCode") or str(top) if own else str(top)) == "51008"
            assert own or not rows
    placed = [each.exchange_order_id for each in verdicts if isinstance(each, Placed)]
    assert len(set(placed)) == len(placed)
