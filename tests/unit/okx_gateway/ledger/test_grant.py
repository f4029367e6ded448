import pytest

from okx_gateway.ledger.grant import renew_at_s


@pytest.mark.parametrize(
    ("wait_s", "ahead_s"),
    [(0.0, None), (0.25, None), (0.26, 0.13), (1.0, 0.5), (8.0, 4.0)],
)
def test_a_slot_is_asked_for_again_after_half_of_the_wait(
    wait_s: float, ahead_s: float | None
) -> None:
    assert renew_at_s(100.0, wait_s) == (None if ahead_s is None else 100.0 - ahead_s)
