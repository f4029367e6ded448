"""What the gateway tells of the market is what the exchange says, over gRPC and over REST."""

import aiohttp
import grpc
import pytest

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import instrument_pb2
from okx_gateway.cli.gateway_client import stub_of
from tests.support.running import Gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_market_over_grpc(gateway: Gateway) -> None:
    async with grpc.aio.insecure_channel(gateway.grpc) as channel:
        stub = stub_of(channel)
        spot, option = instrument_pb2.INSTRUMENT_TYPE_SPOT, instrument_pb2.INSTRUMENT_TYPE_OPTION
        listed = await stub.ListInstruments(api.ListInstrumentsRequest(type=spot))
        [pair] = [each for each in listed.instruments if each.instrument == "BTC-USDT"]
        assert (pair.base_currency, pair.quote_currency, pair.tradable) == ("BTC", "USDT", True)
        options = await stub.ListInstruments(api.ListInstrumentsRequest(type=option))
        assert all(
            each.strike_price and each.HasField("expiry_time") for each in options.instruments
        )
        tickers = await stub.ListTickers(api.ListTickersRequest(type=spot))
        assert {each.instrument for each in tickers.tickers} == {
            each.instrument for each in listed.instruments
        }
        read = await stub.GetTicker(api.GetTickerRequest(instrument="BTC-USDT"))
        book = await stub.GetOrderBook(api.GetOrderBookRequest(instrument="BTC-USDT", depth=5))
        asks, bids = book.order_book.asks, book.order_book.bids
        assert (len(asks), len(bids)) == (5, 5)
        assert float(bids[0].price) < float(asks[0].price)
        assert abs(float(read.ticker.ask_price) / float(asks[0].price) - 1) < 0.01


async def test_the_market_over_rest(gateway: Gateway) -> None:
    async with aiohttp.ClientSession(f"http://{gateway.rest}") as session:
        for path, holds in (
            ("/v1/instruments?type=INSTRUMENT_TYPE_SWAP", "instruments"),
            ("/v1/tickers?type=INSTRUMENT_TYPE_SWAP", "tickers"),
            ("/v1/instruments/BTC-USDT/ticker?maxAge=0.5s", "ticker"),
            ("/v1/instruments/BTC-USDT/orderBook?depth=3", "orderBook"),
        ):
            async with session.get(path) as response:
                assert response.status == 200, await response.text()
                assert (await response.json())[holds]
