"""Are the comments of the proto files found by name, and readable as Markdown?"""

from okx_gateway.api.v1 import (
    balance_pb2,
    error_reason_pb2,
    gateway_service_pb2,
    order_pb2,
    ticker_pb2,
)
from okx_gateway.edge.openapi.comment import proto_comments

FILES = (balance_pb2, error_reason_pb2, gateway_service_pb2, order_pb2, ticker_pb2)
PACKAGE = "okx_gateway.api.v1"


def test_everything_that_callers_see_has_a_comment() -> None:
    comments = proto_comments()
    for file in (each.DESCRIPTOR for each in FILES):
        for message in file.message_types_by_name.values():
            assert comments[message.full_name]
            assert all(comments[field.full_name] for field in message.fields)
        for enum in file.enum_types_by_name.values():
            assert comments[enum.full_name]
            assert all(comments[f"{enum.full_name}.{value.name}"] for value in enum.values)
        for service in file.services_by_name.values():
            assert comments[service.full_name]
            assert all(comments[rpc.full_name] for rpc in service.methods)


def test_lines_of_a_paragraph_are_joined_and_paragraphs_are_not() -> None:
    about = proto_comments()[f"{PACKAGE}.GatewayService.PlaceOrder"]
    first, second, *_ = about.split("\n\n")
    assert first == "Places one order, at most once per `clientOrderId`."
    assert second.startswith("The same id with the same order is answered with the first answer")
    assert "\n" not in second


def test_fields_are_named_as_in_json_and_other_code_is_left_alone() -> None:
    comments = proto_comments()
    assert "`market.targetCurrency`" in comments[f"{PACKAGE}.PlaceOrderRequest.quantity"]
    assert "`BTC-USD-261225-60000-C`" in comments[f"{PACKAGE}.PlaceOrderRequest.instrument"]
    assert "`ORDER_OUTCOME_PLACED`" in comments[f"{PACKAGE}.PlaceOrderResponse.outcome"]


def test_an_example_keeps_its_lines() -> None:
    comment = proto_comments()[f"{PACKAGE}.ErrorReason.ERROR_REASON_ORDER_CONFLICT"]
    example = comment.split("\n\n")[1]
    assert example.startswith("    {")
    assert "\n" in example
