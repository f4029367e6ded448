"""See also the tests of the verdicts, which rest on this."""

import pytest

from okx_gateway.okx.order_reply import Told, envelope, envelope_about_one, told_of_one, told_of_row
from okx_gateway.okx.reply import UnreadableReplyError
from tests.fakes.okx_replies import HTML, ID, answer, raw, row

TIMES = {"inTime": "1695190491421339", "outTime": "1695190491423240"}


def test_the_row_of_an_order_wins_over_the_envelope() -> None:
    told = told_of_one(raw(answer("1", row("51008", "", sMsg="no funds"), **TIMES)))
    assert told == Told(
        code="51008",
        message="no funds",
        client_order_id=ID,
        exchange_order_id="",
        amend_id="",
        at_ms=1695190491421,
        receive_us=1695190491421339,
        send_us=1695190491423240,
    )


def test_without_a_row_the_envelope_speaks() -> None:
    told = told_of_one(raw({"code": "50011", "msg": "Too Many Requests"}, 429))
    assert (told.code, told.message) == ("50011", "Too Many Requests")
    assert (told.exchange_order_id, told.at_ms, told.receive_us) == ("", 0, None)


@pytest.mark.parametrize(
    ("inner", "outer", "agree"),
    [
        ("0", "0", True),
        ("0", "1", False),
        ("0", "50004", False),
        ("51008", "0", True),
        ("51008", "1", True),
        ("51008", "2", True),
        ("51008", "51008", True),
        ("51008", "50004", False),
    ],
)
def test_a_row_within_an_envelope_that_contradicts_it_proves_nothing(
    inner: str, outer: str, *, agree: bool
) -> None:
    reply = raw(answer(outer, row(inner)))
    if agree:
        assert told_of_one(reply).code == inner
    else:
        with pytest.raises(UnreadableReplyError, match=f"code {inner} within code {outer}"):
            told_of_one(reply)


def test_some_of_several_is_a_success_and_some_of_one_is_none() -> None:
    both = envelope(raw(answer("2", row(), row("51008", ""))))
    assert told_of_row(both, both.rows[0]).code == "0"
    with pytest.raises(UnreadableReplyError):
        told_of_one(raw(answer("2", row())))


def test_success_needs_a_row() -> None:
    with pytest.raises(UnreadableReplyError):
        told_of_one(raw(answer("0")))


def test_two_rows_are_no_answer_about_one_order() -> None:
    two = raw(answer("0", row(), row()))
    assert len(envelope(two).rows) == 2
    for read in (told_of_one, envelope_about_one):
        with pytest.raises(UnreadableReplyError, match="more than one row"):
            read(two)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (answer("0", row()), 201),
        (answer("0", row()), 400),
        (answer("2", row(), row()), 400),
        (answer("51008"), 500),
        (answer("51008"), 503),
        (HTML, 200),
    ],
)
def test_what_http_contradicts_proves_nothing(body: object, status: int) -> None:
    with pytest.raises(UnreadableReplyError, match=f"HTTP {status}"):
        envelope(raw(body, status))
