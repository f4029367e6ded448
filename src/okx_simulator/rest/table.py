"""Which REST endpoints are there? Pure."""

from okx_simulator.rest import account as rest_account
from okx_simulator.rest import account_setting as rest_account_setting
from okx_simulator.rest import algo as rest_algo
from okx_simulator.rest import asset as rest_asset
from okx_simulator.rest import market as rest_market
from okx_simulator.rest import public as rest_public
from okx_simulator.rest import trade as rest_trade
from okx_simulator.rest.endpoint import Endpoint

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
