"""Does the document tell every way to fail, as it will be told?"""

import pytest
from jsonschema import Draft202012Validator

from okx_gateway.api.v1 import error_reason_pb2
from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.domain.errors import GatewayError
from okx_gateway.edge.openapi.error import ERRORS, error_responses
from okx_gateway.edge.openapi.schema import SchemaBook
from okx_gateway.edge.status import status_of

CALLS = [each.name for each in api.DESCRIPTOR.services_by_name["GatewayService"].methods]


def leaves(kind: type[GatewayError]) -> set[type[BaseException]]:
    below = [leaves(each) for each in kind.__subclasses__()]
    return set().union(*below) if below else {kind}


def test_there_is_one_example_of_every_error_and_every_reason() -> None:
    kinds = [type(error) for error, _ in ERRORS]
    assert len(kinds) == len(set(kinds))
    assert set(kinds) == leaves(GatewayError) | {RuntimeError}
    reasons = {status_of(error).reason for error, _ in ERRORS}
    assert reasons == set(error_reason_pb2.ErrorReason.keys()) - {"ERROR_REASON_UNSPECIFIED"}


@pytest.mark.parametrize("call", CALLS)
def test_every_example_stands_at_its_own_code_and_fits_the_schema(call: str) -> None:
    book = SchemaBook()
    responses = error_responses(call, book, {})
    shown = {}
    for code, response in responses.items():
        content = response["content"]["application/json"]
        schema = {**content["schema"], "components": {"schemas": book.components}}
        for reason, example in content.get("examples", {}).items():
            Draft202012Validator(schema).validate(example["value"])
            shown[reason] = int(code)
    expected = [status_of(error) for error, calls in ERRORS if call in calls]
    assert shown == {status.reason: status.http_status for status in expected}


def test_a_call_is_not_said_to_fail_as_another_does() -> None:
    examples = error_responses("StreamTicker", SchemaBook(), {})["429"]["content"]
    assert list(examples["application/json"]["examples"]) == [
        "ERROR_REASON_OVERLOADED",
        "ERROR_REASON_READER_STALLED",
    ]
    assert "409" not in error_responses("GetBalance", SchemaBook(), {})


def test_an_error_that_names_no_reason_fits_too() -> None:
    book = SchemaBook()
    schema = error_responses("PlaceOrder", book, {})["404"]["content"]["application/json"]["schema"]
    validator = Draft202012Validator({**schema, "components": {"schemas": book.components}})
    validator.validate({"code": 5, "message": "no such path"})
    assert not validator.is_valid({"message": "no such path"})
    assert not validator.is_valid({"code": 5, "message": "", "details": [{"@type": "x"}]})


def test_waits_are_told_in_a_header_where_there_is_no_room() -> None:
    responses = error_responses("PlaceOrder", SchemaBook(), {"x-trace-id": {}})
    assert set(responses["429"]["headers"]) == {"x-trace-id", "retry-after"}
    assert set(responses["400"]["headers"]) == {"x-trace-id"}
    responses = error_responses("AmendOrder", SchemaBook(), {"x-trace-id": {}})
    assert set(responses["409"]["headers"]) == {"x-trace-id", "retry-after"}
