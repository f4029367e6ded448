from typing import Any

import pytest

from okx_gateway.domain.order import Refused
from okx_gateway.okx import code as codes
from okx_gateway.okx.amend_verdict import AmendNeedsLook, AmendTaken, verdict_on_amend
from okx_gateway.okx.verdict import InDoubt
from tests.fakes.okx_replies import HTML, answer, raw, row


def amended(code: str = "0", order_id: str = "77", **more: Any) -> dict[str, Any]:
    return row(code, order_id, **{"clOrdId": "", "reqId": "r1", **more})


def test_an_amend_that_was_taken_is_not_yet_an_amended_order() -> None:
    times = {"inTime": "1695190491421339", "outTime": "1695190491423240"}
    taken = AmendTaken("77", 1695190491421, 1695190491421339, 1695190491423240)
    assert verdict_on_amend(raw(answer("0", amended(), **times)), "77", "r1") == taken
    assert verdict_on_amend(raw(answer("0", amended(reqId=""), **times)), "77", "r1") == taken


@pytest.mark.parametrize("code", sorted(codes.AMEND_FINISHED_OR_ABSENT))
def test_an_amend_that_found_the_order_finished_or_absent_has_to_look(code: str) -> None:
    assert verdict_on_amend(raw(answer("1", amended(code))), "77", "r1") == AmendNeedsLook()


@pytest.mark.parametrize("code", sorted(codes.AMEND_REFUSED))
def test_an_amend_that_was_turned_away_is_refused(code: str) -> None:
    refused = Refused(code, "why")
    in_row = answer("1", amended(code, sMsg="why"))
    assert verdict_on_amend(raw(in_row), "77", "r1") == refused
    assert verdict_on_amend(raw({"code": code, "msg": "why"}, 429), "77", "r1") == refused


@pytest.mark.parametrize(
    ("body", "status"),
    [
        *((answer("1", amended(code)), 200) for code in ("50004", "51149", "50001", "50042")),
        *((answer("1", amended(code)), 200) for code in ("51400", "51410", "51016", "54004")),
        (answer("0", amended()), 500),
        (answer("0", amended()), 404),
        (answer("1", amended()), 200),
        (answer("2", amended()), 200),
        (answer("0"), 200),
        (answer("0", amended(order_id="")), 200),
        (answer("0", amended(order_id="78")), 200),
        (answer("0", amended(reqId="r0")), 200),
        (answer("1", amended("51503", reqId="r0")), 200),
        (answer("1", amended("51500", order_id="78")), 200),
        (answer("50004", amended("51500")), 200),
        (answer("50004", amended("51503")), 200),
        (answer("0", amended(), amended()), 200),
        (answer("0", amended(reqId=None)), 200),
        (answer("0", amended(ts=5)), 200),
        (HTML, 200),
        (HTML, 503),
    ],
)
def test_everything_else_leaves_an_amend_in_doubt(body: object, status: int) -> None:
    assert isinstance(verdict_on_amend(raw(body, status), "77", "r1"), InDoubt)
