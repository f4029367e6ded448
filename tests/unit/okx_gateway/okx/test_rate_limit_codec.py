import pytest

from okx_gateway.okx.rate_limit_codec import orders_per_2_s_from_row
from okx_gateway.okx.reply import UnreadableReplyError


@pytest.mark.parametrize(
    ("value", "count"), [("2000", 2_000), ("1000", 1_000), ("10000", 10_000), ("", 1_000)]
)
def test_what_okx_tells_is_what_may_be_sent(value: str, count: int) -> None:
    assert orders_per_2_s_from_row({"accRateLimit": value, "fillRatio": "0.1"}) == count


@pytest.mark.parametrize(
    ("now", "soon", "count"),
    [("2000", "1250", 1_250), ("1250", "2000", 1_250), ("2000", "", 2_000), ("", "1250", 1_000)],
)
def test_a_limit_that_will_be_lowered_is_kept_from_now_on(now: str, soon: str, count: int) -> None:
    row = {"accRateLimit": now, "nextAccRateLimit": soon}
    assert orders_per_2_s_from_row(row) == count


def test_an_account_of_which_nothing_is_told_may_send_what_everybody_may() -> None:
    assert orders_per_2_s_from_row({}) == 1_000


@pytest.mark.parametrize(
    "value", ["0", "-1", "10001", "1e3", "1000.0", "\u0661000", "9" * 40, " 1000", 1000, None]
)
def test_what_is_no_limit_of_okx_is_not_believed(value: object) -> None:
    for key in ("accRateLimit", "nextAccRateLimit"):
        with pytest.raises(UnreadableReplyError):
            orders_per_2_s_from_row({key: value})
