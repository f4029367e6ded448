"""Which REST endpoints are there? Pure."""

from okx_simulator import (
    rest_account,
    rest_account_setting,
    rest_algo,
    rest_asset,
    rest_market,
    rest_public,
    rest_trade,
)
from okx_simulator.endpoint import Endpoint

_ALL: tuple[Endpoint, ...] = (
    *rest_public.ENDPOINTS,
    *rest_market.ENDPOINTS,
    *rest_account.ENDPOINTS,
    *rest_account_setting.ENDPOINTS,
    *rest_asset.ENDPOINTS,
    *rest_trade.ENDPOINTS,
    *rest_algo.ENDPOINTS,
)
ENDPOINTS: dict[tuple[str, str], Endpoint] = {
    (endpoint.method, endpoint.path): endpoint for endpoint in _ALL
}
PATHS = frozenset(endpoint.path for endpoint in _ALL)
