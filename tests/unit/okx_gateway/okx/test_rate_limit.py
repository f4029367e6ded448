"""The table against the simulator's, which was read from OKX's docs by itself."""

from collections import Counter

import pytest

from okx_gateway.okx import rate_limit
from okx_gateway.okx.rate_limit import LIMITS, Limit, Scope
from okx_simulator.limit import table as simulated

SCOPES = {
    Scope.USER: simulated.Scope.USER,
    Scope.USER_INSTRUMENT: simulated.Scope.USER_INSTRUMENT,
    Scope.USER_INSTRUMENT_ID: simulated.Scope.USER_INSTRUMENT_ID,
    Scope.USER_TYPE: simulated.Scope.USER_INSTRUMENT_TYPE,
    Scope.USER_CURRENCY: simulated.Scope.USER_CURRENCY,
    Scope.USER_TAG: simulated.Scope.USER_TAG,
    Scope.ADDRESS: simulated.Scope.IP,
    Scope.ADDRESS_TYPE: simulated.Scope.IP_INSTRUMENT_TYPE,
    Scope.ADDRESS_INSTRUMENT_ID: simulated.Scope.IP_INSTRUMENT_ID,
}
# The simulator counts one order in each of these, which is one request.
OF_ONE_ORDER = {"/api/v5/trade/order", "/api/v5/trade/cancel-order", "/api/v5/trade/amend-order"}


@pytest.mark.parametrize("key", LIMITS, ids=" ".join)
def test_a_limit_is_the_one_that_the_simulator_holds_to(key: tuple[str, str]) -> None:
    ours, theirs = LIMITS[key], simulated.LIMITS[key]
    assert (ours.count, ours.window_ms * 1000) == (theirs.amount, theirs.window_us)
    assert SCOPES[ours.scope] is theirs.scope
    assert ours.sub_account == theirs.sub_account
    assert ours.order_weighted == (theirs.per_order and key[1] not in OF_ONE_ORDER)


def test_the_simulator_shares_windows_between_the_same_requests_and_operations() -> None:
    assert {
        limit.operation: path for (_, path), limit in LIMITS.items() if limit.operation
    } == simulated.PATH_BY_OPERATION


def test_no_row_was_lost() -> None:
    assert len(LIMITS) == 76
    assert Counter(limit.scope for limit in LIMITS.values()) == {
        Scope.USER: 44,
        Scope.USER_INSTRUMENT: 11,
        Scope.USER_INSTRUMENT_ID: 1,
        Scope.USER_TYPE: 1,
        Scope.USER_CURRENCY: 1,
        Scope.USER_TAG: 1,
        Scope.ADDRESS: 12,
        Scope.ADDRESS_TYPE: 1,
        Scope.ADDRESS_INSTRUMENT_ID: 4,
    }


def test_placing_alone_and_in_a_batch_are_windows_of_their_own() -> None:
    single = LIMITS["POST", "/api/v5/trade/order"]
    assert single == Limit(60, 2_000, Scope.USER_INSTRUMENT, sub_account=True, operation="order")
    batch = LIMITS["POST", "/api/v5/trade/batch-orders"]
    assert batch == Limit(
        300,
        2_000,
        Scope.USER_INSTRUMENT,
        order_weighted=True,
        sub_account=True,
        operation="batch-orders",
    )


def test_the_limit_of_a_sub_account_is_the_one_that_the_simulator_holds_to() -> None:
    ours, theirs = rate_limit.SUB_ACCOUNT_LIMIT, simulated.SUB_ACCOUNT
    assert (ours.count, ours.window_ms * 1000) == (theirs.amount, theirs.window_us)
    assert (ours.scope, theirs.scope) == (Scope.USER, simulated.Scope.USER)


def test_fill_ratios_raise_the_limit_of_a_sub_account_and_never_lower_it() -> None:
    tiers = rate_limit.FILL_RATIO_TIERS
    assert tiers[0] == (0, rate_limit.SUB_ACCOUNT_LIMIT.count)
    assert tiers[-1] == (50, 10_000)
    assert list(tiers) == sorted(set(tiers))
    assert [count for _, count in tiers] == sorted({count for _, count in tiers})


def test_windows_of_sockets_are_those_that_the_simulator_holds_to() -> None:
    connect = rate_limit.CONNECT_LIMIT
    assert (connect.count, connect.window_ms * 1000) == (
        simulated.CONNECT.amount,
        simulated.CONNECT.window_us,
    )
    requests = rate_limit.CONNECTION_REQUEST_LIMIT
    assert (requests.count, requests.window_ms * 1000) == (
        simulated.CONNECTION_REQUESTS_MAX,
        simulated.CONNECTION_REQUESTS_WINDOW_US,
    )
