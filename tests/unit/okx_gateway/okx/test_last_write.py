import pytest

from okx_gateway.domain.order import Placed, Refused
from okx_gateway.okx.amend_verdict import AmendTaken, AmendVerdict
from okx_gateway.okx.last_write import LastWrite
from okx_gateway.okx.verdict import CancelTaken, CancelVerdict, InDoubt, PlaceVerdict, Unsent


@pytest.mark.parametrize(
    ("judged", "at_ms"),
    [
        (Placed("1", 900, receive_us=812_999), 812),
        (Placed("1", 900), 700),
        (AmendTaken("1", None, receive_us=812_000), 812),
        (CancelTaken("1", "", None), 700),
        (InDoubt("no answer"), 700),
        (Refused("51008", "no money"), 0),
        (Unsent("no connection"), 0),
    ],
)
def test_a_write_counts_from_when_okx_received_it_at_the_earliest(
    judged: PlaceVerdict | AmendVerdict | CancelVerdict, at_ms: int
) -> None:
    last = LastWrite()
    last.note("main", judged, sent_ms=700)
    assert (last.at_ms("main"), last.at_ms("other")) == (at_ms, 0)


def test_the_last_one_counts_whichever_is_answered_last() -> None:
    last = LastWrite()
    last.note("main", CancelTaken("1", "", None), sent_ms=700)
    last.note("main", CancelTaken("2", "", None), sent_ms=600)
    assert last.at_ms("main") == 700
