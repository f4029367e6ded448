from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import ticker_pb2
from okx_gateway.edge.call import StreamEvent


def test_an_event_is_encoded_once_in_each_way() -> None:
    message = api.StreamTickerResponse(ticker=ticker_pb2.Ticker(last_price="1"))
    event = StreamEvent(message)
    assert event.proto is event.proto
    assert event.json is event.json
    assert api.StreamTickerResponse.FromString(event.proto) == message
    assert b'"lastPrice":"1"' in event.json
