import time

import pytest
from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import instrument_pb2
from okx_gateway.domain.errors import InvalidRequestError
from okx_gateway.domain.instrument import InstrumentType
from okx_gateway.edge import translate_market
from okx_gateway.edge.translate import check
from okx_gateway.market.dated import Dated
from tests.fakes.books import a_book
from tests.fakes.orders import an_instrument
from tests.fakes.tickers import a_ticker


def test_every_type_has_its_word() -> None:
    words = dict(instrument_pb2.InstrumentType.items())
    for kind in InstrumentType:
        request = api.ListInstrumentsRequest(type=words[f"INSTRUMENT_TYPE_{kind.name}"])
        check(request)
        assert translate_market.instrument_type(request) is kind


def test_an_instrument_is_told_with_its_rules() -> None:
    option = an_instrument(InstrumentType.OPTION, strike_price="60000", expiry_ms=1_798_185_600_000)
    [told] = translate_market.instruments_response([option]).instruments
    assert json_format.MessageToDict(told) == {
        "instrument": "BTC-USD-261225-60000-C",
        "type": "INSTRUMENT_TYPE_OPTION",
        "family": "BTC-USD",
        "tradable": True,
        "priceStep": "0.1",
        "quantityStep": "0.01",
        "minimumQuantity": "0.02",
        "maximumLimitQuantity": "100",
        "maximumMarketQuantity": "50",
        "strikePrice": "60000",
        "expiryTime": "2026-12-25T08:00:00Z",
    }


def test_answers_say_how_old_they_are() -> None:
    received_s = time.monotonic() - 2
    for response in (
        translate_market.ticker_response(Dated(a_ticker(), received_s)),
        translate_market.tickers_response(Dated([a_ticker()], received_s)),
        translate_market.order_book_response(Dated(a_book(), received_s)),
    ):
        assert 2_000 <= response.age.ToMilliseconds() < 3_000


def test_a_ticker_is_told_with_all_its_fields() -> None:
    told = translate_market.ticker_message(a_ticker("BTC-USDT", 123))
    assert json_format.MessageToDict(told) == {
        "instrument": "BTC-USDT",
        "lastPrice": "123",
        "lastQuantity": "0.1",
        "bidPrice": "8888.88",
        "bidQuantity": "5",
        "askPrice": "9999.99",
        "askQuantity": "11",
        "openPrice24h": "9000",
        "highPrice24h": "10000",
        "lowPrice24h": "8888.88",
        "volume24h": "2222.5",
        "volumeCurrency24h": "2222",
        "exchangeTime": "2023-11-14T22:13:20.123Z",
        "receiveTime": "2023-11-14T22:13:20.128Z",
    }


def test_the_greatest_age_is_told_in_seconds() -> None:
    request = api.GetTickerRequest(instrument="A", max_age=Duration(seconds=1, nanos=500_000_000))
    assert translate_market.max_age_s(request) == 1.5
    assert translate_market.max_age_s(api.GetOrderBookRequest(instrument="A")) is None
    nothing = api.GetOrderBookRequest(instrument="A", max_age=Duration())
    assert translate_market.max_age_s(nothing) == 0


def test_a_book_is_told_level_by_level() -> None:
    told = translate_market.order_book_message(a_book())
    assert json_format.MessageToDict(told) == {
        "instrument": "BTC-USDT",
        "asks": [
            {"price": "101", "quantity": "1", "orders": 2},
            {"price": "102", "quantity": "3", "orders": 1},
        ],
        "bids": [
            {"price": "99", "quantity": "2", "orders": 1},
            {"price": "98", "quantity": "5", "orders": 4},
        ],
        "sequence": "10",
        "exchangeTime": "2023-11-14T22:13:20Z",
        "receiveTime": "2023-11-14T22:13:20.005Z",
    }


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (api.ListInstrumentsRequest(), "type"),
        (api.ListTickersRequest(type=instrument_pb2.INSTRUMENT_TYPE_MARGIN), "type"),
        (api.GetTickerRequest(), "instrument"),
        (api.GetOrderBookRequest(instrument="BTC-USDT", depth=401), "depth"),
        (api.GetOrderBookRequest(instrument="BTC-USDT", depth=-1), "depth"),
        (api.GetTickerRequest(instrument="BTC-USDT", max_age=Duration(seconds=-1)), "max_age"),
    ],
)
def test_what_is_wrong_is_named(request_: api.GetTickerRequest, field: str) -> None:
    with pytest.raises(InvalidRequestError) as invalid:
        check(request_)
    assert [each.field for each in invalid.value.violations] == [field]
