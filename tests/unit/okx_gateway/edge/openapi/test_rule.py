"""Is each rule of protovalidate told as JSON Schema, and none that cannot be passed over?"""

import re

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, text_format
from google.protobuf.descriptor import Descriptor

from okx_gateway.api.buf.validate import validate_pb2
from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from okx_gateway.edge.openapi.rule import (
    body_rules,
    is_required,
    list_rule,
    needed_beside,
    refused_numbers,
    text_rule,
)

ORDER = api.PlaceOrderRequest.DESCRIPTOR.fields_by_name
EXIT = order_pb2.AttachedExit.DESCRIPTOR.fields_by_name
UNKNOWN_RULES = r"""
name: "openapi_rule_test.proto" package: "openapi_rule_test" syntax: "proto3"
message_type {
  name: "Odd"
  field { name: "odd" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "loose" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL }
}
"""


def odd() -> Descriptor:
    file = text_format.Parse(UNKNOWN_RULES, descriptor_pb2.FileDescriptorProto())
    file.dependency.append(validate_pb2.DESCRIPTOR.name)
    message = file.message_type[0]
    message.options.Extensions[validate_pb2.message].cel.add(id="odd.pair", expression="false")
    rules = [field.options.Extensions[validate_pb2.field] for field in message.field]
    rules[0].cel.add(id="odd.one", expression="size(this) % 2 == 1")
    rules[1].string.pattern = "[a-z]"
    added = descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
    return added.message_types_by_name["Odd"]


ODD = odd()


def test_a_pattern_is_told_to_ecma() -> None:
    assert text_rule(ORDER["account"], needed=True) == {"pattern": "^[a-z][a-z0-9-]{0,31}$"}


def test_a_field_that_may_be_left_out_may_be_empty() -> None:
    assert text_rule(ORDER["tag"], needed=False) == {"pattern": "^([A-Za-z0-9]{1,16})?$"}
    assert text_rule(ORDER["tag"], needed=True) == {"pattern": "^[A-Za-z0-9]{1,16}$"}


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("1", True),
        ("0.000000000000000001", True),
        ("9" * 18, True),
        ("0", False),
        ("0.00", False),
        ("01", False),
        ("1.", False),
        (".5", False),
        ("1e3", False),
        ("+1", False),
        ("9" * 19, False),
        ("", False),
    ],
)
def test_decimals_are_told_by_their_grammar(text: str, *, taken: bool) -> None:
    schema = text_rule(ORDER["quantity"], needed=False)
    fits = bool(re.search(schema["pattern"], text)) and not re.search(
        schema["not"]["pattern"], text
    )
    assert fits is taken


def test_a_decimal_that_may_be_left_out_may_be_empty_but_not_zero() -> None:
    schema = text_rule(EXIT["order_price"], needed=False)
    assert re.search(schema["pattern"], "")
    assert not re.search(schema["not"]["pattern"], "")
    assert re.search(schema["not"]["pattern"], "0.0")


def test_lists_are_bounded_and_without_doubles() -> None:
    instruments = api.StreamTickerRequest.DESCRIPTOR.fields_by_name["instruments"]
    assert list_rule(instruments) == {"uniqueItems": True, "minItems": 1, "maxItems": 100}
    assert text_rule(instruments, needed=False) == {"pattern": "^[A-Z0-9][A-Z0-9._-]{0,47}$"}


def test_a_field_is_required_where_its_absence_is_refused() -> None:
    required = {name for name, field in ORDER.items() if is_required(field)}
    assert required == {
        "account",
        "client_order_id",
        "instrument",
        "side",
        "trade_mode",
        "quantity",
    }
    assert refused_numbers(ORDER["side"]) == {0}
    assert refused_numbers(ORDER["position_side"]) == set()


def test_a_field_is_needed_beside_another_that_the_path_gives() -> None:
    cancel = api.CancelOrderRequest.DESCRIPTOR
    assert needed_beside(cancel, frozenset({"exchange_order_id"})) == {"instrument"}
    assert needed_beside(cancel, frozenset({"client_order_id"})) == set()
    assert body_rules(cancel) == []


def test_a_rule_that_is_not_known_stops_the_document() -> None:
    with pytest.raises(ValueError, match=r"odd\.pair"):
        body_rules(ODD)
    with pytest.raises(ValueError, match=r"odd\.one"):
        text_rule(ODD.fields_by_name["odd"], needed=False)
    with pytest.raises(ValueError, match="whole text"):
        text_rule(ODD.fields_by_name["loose"], needed=False)
