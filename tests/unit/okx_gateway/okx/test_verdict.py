import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_gateway.domain.order import OrderName, OrderState, Placed, Refused
from okx_gateway.okx import code as codes
from okx_gateway.okx.verdict import (
    Absent,
    CancelNeedsLook,
    CancelTaken,
    Found,
    InDoubt,
    NoEvidence,
    absence_is_proven,
    verdict_on_cancel,
    verdict_on_lookup,
    verdict_on_place,
)
from tests.fakes.okx_replies import HTML, ID, answer, odd, raw, row, some_codes

NAME = OrderName(client_order_id=ID)

# OKX docs, "Order details", the example of a response, shortened.
ORDER = {
    "accFillSz": "0.00192834",
    "avgPx": "51858",
    "cTime": "1708587373361",
    "cancelSource": "",
    "clOrdId": ID,
    "fee": "-0.00000192834",
    "feeCcy": "BTC",
    "instId": "BTC-USDT",
    "instType": "SPOT",
    "ordId": "680800019749904384",
    "ordType": "market",
    "px": "",
    "side": "buy",
    "state": "filled",
    "sz": "100",
    "tdMode": "cash",
    "uTime": "1708587373362",
}


def test_an_accepted_order_is_placed_with_the_times_of_okx() -> None:
    times = {"inTime": "1695190491421339", "outTime": "1695190491423240"}
    placed = verdict_on_place(raw(answer("0", row(), **times)), ID)
    assert placed == Placed("312269865356374016", 1695190491421, 1695190491421339, 1695190491423240)


@pytest.mark.parametrize("code", sorted(codes.PROVES_ABSENCE))
def test_what_turns_an_order_away_is_a_refusal_in_a_row_and_in_the_envelope(code: str) -> None:
    refused = Refused(code, "why")
    in_row = answer("1", row(code, "", sMsg="why"))
    assert verdict_on_place(raw(in_row), ID) == refused
    assert verdict_on_place(raw({"code": code, "msg": "why"}), ID) == refused
    status = 429 if code in codes.THROTTLED else 401
    assert verdict_on_place(raw({"code": int(code), "msg": "why"}, status), ID) == refused


@pytest.mark.parametrize(
    "code",
    [
        *("50001", "50004", "50013", "50026", "50042", "50071", "51011", "51016", "51054"),
        *("51149", "51412", "51603", "64007", "1", "2", "99999", "?"),
    ],
)
def test_what_leaves_doubt_is_doubt_in_a_row_and_in_the_envelope(code: str) -> None:
    for status in (200, 400, 429):
        assert isinstance(verdict_on_place(raw(answer("1", row(code, "")), status), ID), InDoubt)
        assert isinstance(verdict_on_place(raw({"code": code, "msg": ""}, status), ID), InDoubt)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (HTML, 200),
        (HTML, 404),
        (HTML, 502),
        (b"", 200),
        (answer("51008"), 500),
        (answer("0", row()), 503),
        (answer("0", row()), 400),
        (answer("0", row()), 302),
        (answer("0"), 200),
        (answer("0", {}), 200),
        (answer("0", row(order_id="")), 200),
        (answer("0", row(), row()), 200),
        (answer("1", row("51008", ""), row("51008", "")), 200),
        (answer("1", row()), 200),
        (answer("50004", row()), 200),
        (answer("50004", row("51008", "")), 200),  # refused, by an envelope that knows nothing
        (answer("0", row(clOrdId="another")), 200),
        (answer("1", row("51008", "", clOrdId="another")), 200),
        (answer("1", row("51008")), 200),  # refused, and yet with an id
        (answer("0", row(ts="yesterday")), 200),
        (answer("0", row(ordId=5)), 200),
        (answer("1", row("51008", "", sCode=51008)), 200),
        (answer("1", row("51000", "", sMsg="Parameter clOrdId already exists")), 200),
        (answer("2", row()), 200),  # some of one
    ],
)
def test_what_contradicts_itself_or_cannot_be_read_is_doubt(body: object, status: int) -> None:
    assert isinstance(verdict_on_place(raw(body, status), ID), InDoubt)


def test_a_row_without_our_id_is_still_the_answer_to_our_request() -> None:
    assert isinstance(verdict_on_place(raw(answer("0", row(clOrdId=""))), ID), Placed)


@given(st.data())
def test_a_reply_cut_off_anywhere_never_ends_the_doubt(data: st.DataObject) -> None:
    whole = json.dumps(data.draw(st.sampled_from([answer("0", row()), answer("51008")]))).encode()
    part = whole[: data.draw(st.integers(0, len(whole) - 1))]
    assert isinstance(verdict_on_place(raw(part), ID), InDoubt)
    assert isinstance(verdict_on_cancel(raw(part), NAME), InDoubt)
    assert isinstance(verdict_on_lookup(raw(part), NAME), NoEvidence)


@given(
    top=some_codes | odd,
    status=st.sampled_from([200, 201, 302, 400, 401, 404, 429, 500, 502]),
    rows=st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "sCode": some_codes | odd,
                "ordId": st.sampled_from(["", "312269865356374016"]) | odd,
                "clOrdId": st.sampled_from(["", ID, "another"]) | odd,
                "sMsg": st.sampled_from(["", "exists"]) | odd,
                "ts": st.sampled_from(["", "1695190491421", "x"]) | odd,
            },
        ),
        max_size=2,
    ),
)
def test_no_mixture_of_fields_yields_a_false_end(top: Any, status: int, rows: list[Any]) -> None:
    judged = verdict_on_place(raw({"code": top, "msg": "", "data": rows}, status), ID)
    only = rows[0] if len(rows) == 1 else {}
    code = only.get("sCode") or str(top)
    if isinstance(judged, Placed):
        assert (status, str(top), code) == (200, "0", "0")
        assert only["ordId"] == judged.exchange_order_id == "312269865356374016"
        assert only.get("clOrdId", "") in ("", ID)
    if isinstance(judged, Refused):
        assert status < 500
        assert len(rows) <= 1
        assert code == "51008"
        assert not only.get("ordId")
        assert only.get("clOrdId", "") in ("", ID)


def test_a_cancel_that_was_taken_is_not_yet_a_cancelled_order() -> None:
    taken = CancelTaken("312269865356374016", ID, 1695190491421)
    assert verdict_on_cancel(raw(answer("0", row())), NAME) == taken
    assert verdict_on_cancel(raw(answer("1", row("51410"))), NAME) == taken


@pytest.mark.parametrize("code", ["51400", "51401", "51402"])
def test_a_cancel_that_found_the_order_finished_or_absent_has_to_look(code: str) -> None:
    assert verdict_on_cancel(raw(answer("1", row(code))), NAME) == CancelNeedsLook()


@pytest.mark.parametrize("code", ["50011", "50061", "50113", "50102", "51000", "51001", "51403"])
def test_a_cancel_that_was_turned_away_is_refused(code: str) -> None:
    assert verdict_on_cancel(raw(answer("1", row(code, sMsg="why"))), NAME) == Refused(code, "why")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        *((answer("1", row(code)), 200) for code in ("50004", "51149", "51412", "50001", "51008")),
        (answer("0", row()), 500),
        (answer("0", row()), 404),
        (answer("1", row()), 200),
        (answer("0"), 200),
        (answer("0", row(), row()), 200),
        (answer("0", row(ts=5)), 200),
        (answer("50004", row("51403")), 200),  # refused, by an envelope that knows nothing
        (answer("50004", row("51410")), 200),
        (answer("0", row(clOrdId="another")), 200),
        (answer("1", row("51403", clOrdId="another")), 200),
        (HTML, 200),
    ],
)
def test_everything_else_leaves_a_cancel_in_doubt(body: object, status: int) -> None:
    assert isinstance(verdict_on_cancel(raw(body, status), NAME), InDoubt)


def test_a_cancel_by_the_id_of_okx_is_answered_for_that_id() -> None:
    name = OrderName(exchange_order_id="77")
    assert isinstance(verdict_on_cancel(raw(answer("0", row(order_id="77"))), name), CancelTaken)
    assert isinstance(verdict_on_cancel(raw(answer("0", row(order_id="78"))), name), InDoubt)


def test_an_order_is_found_by_either_id() -> None:
    for name in (NAME, OrderName(exchange_order_id="680800019749904384")):
        found = verdict_on_lookup(raw(answer("0", ORDER)), name)
        assert isinstance(found, Found)
        assert found.order.state is OrderState.FILLED
        assert found.row == ORDER


def test_only_a_whole_answer_that_says_so_means_absent() -> None:
    says_so = {"code": "51603", "msg": "Order does not exist", "data": []}
    assert verdict_on_lookup(raw(says_so), NAME) == Absent()
    for status in (201, 301, 400, 401, 404, 429, 500, 503):
        assert isinstance(verdict_on_lookup(raw(says_so, status), NAME), NoEvidence)
    assert isinstance(verdict_on_lookup(raw(answer("51603", ORDER)), NAME), NoEvidence)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (answer("0"), 200),
        (answer("0", ORDER, ORDER), 200),
        (answer("0", ORDER), 206),
        (answer("0", ORDER | {"clOrdId": "another"}), 200),
        (answer("0", ORDER | {"state": ""}), 200),
        (answer("0", ORDER | {"ordId": ""}), 200),
        *(({"code": code, "msg": ""}, 200) for code in ("51001", "50011", "50113", "1", "51000")),
        (HTML, 200),
    ],
)
def test_everything_else_is_no_evidence(body: object, status: int) -> None:
    assert isinstance(verdict_on_lookup(raw(body, status), NAME), NoEvidence)


def test_an_order_in_a_state_that_is_not_known_here_is_there_all_the_same() -> None:
    found = verdict_on_lookup(raw(answer("0", ORDER | {"state": "thinking"})), NAME)
    assert isinstance(found, Found)


def test_another_order_under_the_id_of_okx_is_no_evidence() -> None:
    name = OrderName(exchange_order_id="77")
    assert isinstance(verdict_on_lookup(raw(answer("0", ORDER)), name), NoEvidence)


def test_no_evidence_names_the_code_of_okx_where_there_is_one() -> None:
    seen = verdict_on_lookup(raw({"code": "50011", "msg": "Too Many Requests"}, 429), NAME)
    assert seen == NoEvidence("code 50011 Too Many Requests", "50011")
    assert verdict_on_lookup(raw(HTML, 503), NAME) == NoEvidence("HTTP 503")


@given(st.integers(0, 10**13), st.integers(0, 10**13), st.integers(0, 10**6))
def test_absence_is_proven_only_later_than_expiry_and_margin(
    asked_ms: int, expiry_ms: int, margin_ms: int
) -> None:
    proven = absence_is_proven(asked_ms=asked_ms, expiry_ms=expiry_ms, margin_ms=margin_ms)
    assert not proven or asked_ms - expiry_ms > margin_ms
    edge_ms = expiry_ms + margin_ms
    assert not absence_is_proven(asked_ms=edge_ms, expiry_ms=expiry_ms, margin_ms=margin_ms)
    assert absence_is_proven(asked_ms=edge_ms + 1, expiry_ms=expiry_ms, margin_ms=margin_ms)


def test_absence_proves_nothing_once_okx_may_have_forgotten_the_order() -> None:
    # Cancelled unfilled it is kept for two hours; it may have been sent ten minutes before expiry.
    hour_ms, expiry_ms = 3_600_000, 1_700_000_000_000
    for asked_ms, proven in (
        (hour_ms, True),
        (2 * hour_ms - 600_000, False),
        (90 * hour_ms, False),
    ):
        told = absence_is_proven(
            asked_ms=expiry_ms + asked_ms, expiry_ms=expiry_ms, margin_ms=10_000
        )
        assert told is proven
