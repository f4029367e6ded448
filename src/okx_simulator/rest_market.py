"""What do the endpoints below /market say? Pure. Source: OKX docs, 'Market Data'."""

from okx_simulator.endpoint import Call, Rows, public
from okx_simulator.exchange import Exchange
from okx_simulator.rest_public import matching, named
from okx_simulator.ticker import ticker_row


def _ticker(exchange: Exchange, call: Call) -> Rows:
    return [ticker_row(exchange.desk, named(exchange, call.params))]


def _tickers(exchange: Exchange, call: Call) -> Rows:
    found = matching(exchange, call.params)
    return [ticker_row(exchange.desk, instrument) for instrument in found]


ENDPOINTS = (
    public("/market/ticker", _ticker),
    public("/market/tickers", _tickers),
)
