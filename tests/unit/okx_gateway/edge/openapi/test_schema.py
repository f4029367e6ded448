"""Are messages told as JSON Schema by what is taken and what is sent?"""

import re

import pytest
from google.protobuf import timestamp_pb2

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_book_pb2, order_pb2, ticker_pb2
from okx_gateway.edge.openapi.schema import SchemaBook, values_in_words

ORDER = api.PlaceOrderRequest.DESCRIPTOR
REFERENCE = {"$ref": "#/components/schemas/LimitOrder"}


def test_a_schema_is_kept_once_under_its_name() -> None:
    book = SchemaBook()
    assert book.reference("A", {"type": "string"}) == {"$ref": "#/components/schemas/A"}
    book.reference("A", {"type": "string"})
    assert book.components == {"A": {"type": "string"}}
    with pytest.raises(ValueError, match="two schemas called A"):
        book.reference("A", {"type": "null"})


def test_a_request_lets_in_its_fields_alone_and_one_member_of_a_oneof() -> None:
    book = SchemaBook()
    schema = book.request(ORDER, frozenset({"account"}))
    assert schema["additionalProperties"] is False
    assert "account" not in schema["properties"]
    assert schema["properties"]["limit"]["anyOf"] == [REFERENCE, {"type": "null"}]
    assert [each["required"] for each in schema["oneOf"]] == [["market"], ["limit"]]
    assert set(book.components) == {"MarketOrder", "LimitOrder", "AttachedExit"}


def test_a_oneof_that_the_path_fills_is_no_longer_open() -> None:
    bound = frozenset({"account", "client_order_id"})
    schema = SchemaBook().request(api.CancelOrderRequest.DESCRIPTOR, bound)
    assert list(schema["properties"]) == ["instrument"]
    assert "oneOf" not in schema


def test_null_stands_for_absent_in_a_body_and_not_in_a_url() -> None:
    tag = ORDER.fields_by_name["tag"]
    assert SchemaBook().input(tag)["type"] == ["string", "null"]
    assert SchemaBook().input(tag, in_url=True)["type"] == "string"
    assert SchemaBook().input(tag, needed=True)["type"] == "string"


def test_an_enum_is_taken_by_name_or_number_without_what_is_refused() -> None:
    schema = SchemaBook().input(ORDER.fields_by_name["side"])
    assert schema["anyOf"] == [
        {"type": "string", "enum": ["SIDE_BUY", "SIDE_SELL"]},
        {"type": "integer", "enum": [1, 2]},
    ]
    assert "- `SIDE_SELL`: " in schema["description"]


def test_an_answer_has_all_fields_without_presence_and_is_open_to_more() -> None:
    book = SchemaBook()
    assert book.answer(api.GetOrderResponse.DESCRIPTOR)["$ref"].endswith("/GetOrderResponse")
    schema = book.components["GetOrderResponse"]
    assert schema["required"] == ["outcome", "okxCode", "okxMessage"]
    assert schema["properties"]["resolveTime"]["format"] == "date-time"
    assert "additionalProperties" not in schema
    assert book.components["Side"]["enum"][0] == "SIDE_UNSPECIFIED"


def test_lists_of_an_answer_have_the_schema_of_their_items() -> None:
    book = SchemaBook()
    book.answer(ticker_pb2.Gap.DESCRIPTOR)
    assert book.components["Gap"]["properties"]["instruments"]["items"] == {"type": "string"}


def test_values_are_listed_without_their_examples() -> None:
    enum = order_pb2.Side.DESCRIPTOR
    assert values_in_words(enum, ["SIDE_BUY"]) == (
        "- `SIDE_BUY`: Buys the base currency or the contract."
    )


def test_whole_numbers_are_told_with_their_bounds_and_long_ones_as_text() -> None:
    asked = api.GetOrderBookRequest.DESCRIPTOR.fields_by_name
    depth = SchemaBook().input(asked["depth"], in_url=True)
    assert (depth["type"], depth["minimum"], depth["maximum"]) == ("integer", 0, 400)
    book = SchemaBook()
    book.answer(order_book_pb2.OrderBook.DESCRIPTOR)
    shown = book.components["OrderBook"]["properties"]["sequence"]
    assert (shown["type"], shown["pattern"]) == ("string", "^-?[0-9]+$")
    assert book.components["PriceLevel"]["properties"]["orders"]["type"] == "integer"


def test_a_span_of_time_is_taken_as_text_with_its_unit() -> None:
    asked = api.GetOrderBookRequest.DESCRIPTOR.fields_by_name
    schema = SchemaBook().input(asked["max_age"], in_url=True)
    assert re.search(schema["pattern"], "0.5s")
    assert not re.search(schema["pattern"], "-0.5s")


def test_a_type_that_was_never_told_stops_the_document() -> None:
    seconds = timestamp_pb2.Timestamp.DESCRIPTOR.fields_by_name["seconds"]
    with pytest.raises(ValueError, match="no request had before"):
        SchemaBook().input(seconds)
