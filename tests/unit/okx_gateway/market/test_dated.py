import time

from okx_gateway.market.dated import Dated, dated_now


def test_what_is_known_grows_older() -> None:
    assert 0 <= dated_now("it").age_s() < 1
    assert 2 <= Dated("it", time.monotonic() - 2).age_s() < 3
