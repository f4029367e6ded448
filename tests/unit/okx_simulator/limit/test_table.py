import pytest

from okx_simulator.limit.table import LIMITS, PATH_BY_OPERATION, SECOND_US, Limit, Scope
from okx_simulator.rest.table import ENDPOINTS

# Served, but without a limit in OKX's pages.
UNPUBLISHED: set[tuple[str, str]] = set()


def test_every_endpoint_that_is_served_has_its_published_limit() -> None:
    assert {key for key in ENDPOINTS if key not in LIMITS} == UNPUBLISHED


@pytest.mark.parametrize("limit", LIMITS.values(), ids=lambda limit: f"{limit.method} {limit.path}")
def test_rows_make_sense(limit: Limit) -> None:
    assert limit.amount > 0
    assert limit.window_us % SECOND_US == 0
    assert limit.path.startswith("/api/v5/")
    if limit.single:
        assert limit.per_order
        assert LIMITS[limit.method, limit.single].scope is limit.scope


def test_new_and_amended_orders_count_for_the_sub_account_and_nothing_else() -> None:
    counting = {path.rpartition("/")[2] for (_, path), row in LIMITS.items() if row.sub_account}
    assert counting == {"order", "batch-orders", "amend-order", "amend-batch-orders"}


def test_orders_are_limited_per_instrument() -> None:
    for path in set(PATH_BY_OPERATION.values()) - {"/api/v5/trade/mass-cancel"}:
        assert LIMITS["POST", path].scope is Scope.USER_INSTRUMENT
