import pytest

from okx_gateway.okx.endpoint import Endpoint, EndpointFact
from okx_gateway.okx.rate_limit import Scope

# As OKX's docs state it on each endpoint's page: how many in how many seconds, by what.
DOCUMENTED = {
    "PLACE_ORDER": ("POST", "/api/v5/trade/order", True, 60, 2, Scope.USER_INSTRUMENT),
    "PLACE_ORDERS": ("POST", "/api/v5/trade/batch-orders", True, 300, 2, Scope.USER_INSTRUMENT),
    "AMEND_ORDER": ("POST", "/api/v5/trade/amend-order", True, 60, 2, Scope.USER_INSTRUMENT),
    "CANCEL_ORDER": ("POST", "/api/v5/trade/cancel-order", True, 60, 2, Scope.USER_INSTRUMENT),
    "GET_ORDER": ("GET", "/api/v5/trade/order", True, 60, 2, Scope.USER_INSTRUMENT),
    "GET_ORDERS_PENDING": ("GET", "/api/v5/trade/orders-pending", True, 60, 2, Scope.USER),
    "GET_ORDERS_HISTORY": ("GET", "/api/v5/trade/orders-history", True, 40, 2, Scope.USER),
    "GET_FILLS": ("GET", "/api/v5/trade/fills", True, 60, 2, Scope.USER),
    "GET_ACCOUNT_RATE_LIMIT": ("GET", "/api/v5/trade/account-rate-limit", True, 1, 1, Scope.USER),
    "GET_BALANCE": ("GET", "/api/v5/account/balance", True, 10, 2, Scope.USER),
    "GET_ACCOUNT_CONFIG": ("GET", "/api/v5/account/config", True, 5, 2, Scope.USER),
    "GET_TICKER": ("GET", "/api/v5/market/ticker", False, 20, 2, Scope.ADDRESS),
    "GET_TICKERS": ("GET", "/api/v5/market/tickers", False, 20, 2, Scope.ADDRESS),
    "GET_ORDER_BOOK": ("GET", "/api/v5/market/books", False, 40, 2, Scope.ADDRESS),
    "GET_TIME": ("GET", "/api/v5/public/time", False, 10, 2, Scope.ADDRESS),
    "GET_INSTRUMENTS": ("GET", "/api/v5/public/instruments", False, 20, 2, Scope.ADDRESS_TYPE),
}


def test_every_endpoint_is_checked_here() -> None:
    assert {endpoint.name for endpoint in Endpoint} == set(DOCUMENTED)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_an_endpoint_is_as_documented(name: str) -> None:
    method, path, private, count, window_s, scope = DOCUMENTED[name]
    endpoint = Endpoint[name]
    assert (endpoint.method, endpoint.path, endpoint.private) == (method, path, private)
    limit = endpoint.limit
    assert (limit.count, limit.window_ms, limit.scope) == (count, window_s * 1_000, scope)


def test_what_is_new_or_amended_counts_towards_the_limit_of_a_sub_account() -> None:
    counted = {endpoint for endpoint in Endpoint if endpoint.limit.sub_account}
    assert counted == {Endpoint.PLACE_ORDER, Endpoint.PLACE_ORDERS, Endpoint.AMEND_ORDER}


def test_only_of_a_batch_the_orders_are_counted() -> None:
    counted = [endpoint for endpoint in Endpoint if endpoint.limit.order_weighted]
    assert counted == [Endpoint.PLACE_ORDERS]


def test_no_request_is_made_whose_limit_is_not_known() -> None:
    with pytest.raises(KeyError):
        EndpointFact("POST", "/api/v5/trade/no-such-thing", private=True)
    with pytest.raises(KeyError):
        EndpointFact("GET", "/api/v5/trade/cancel-order", private=True)


def test_nothing_that_moves_funds_out_can_be_asked() -> None:
    moving = ("asset", "withdraw", "transfer", "subaccount", "convert")
    assert not [each for each in Endpoint for word in moving if word in each.path]
